# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the module as Ansible does, and begins it sooner."""

from __future__ import annotations

from ansible.plugins.action.normal import ActionModule as NormalAction
from ansible_collections.nephoran.container_build.plugins.plugin_utils._early_start import EarlyStart


class ActionModule(EarlyStart, NormalAction):
    """The module of the same name."""
