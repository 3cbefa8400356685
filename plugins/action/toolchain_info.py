# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module of the same name as Ansible runs any, begun sooner."""

from __future__ import annotations

from ansible_collections.nephoran.container_build.plugins.plugin_utils._early_started import ActionModule

__all__ = ["ActionModule"]
