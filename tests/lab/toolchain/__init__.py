# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The container toolchain under test: the nerdctl-full archive and single programs beside it."""

from __future__ import annotations

from lab.toolchain.provide import Toolchain, ensure, ensure_program, ensure_registry_binary

__all__ = ["Toolchain", "ensure", "ensure_program", "ensure_registry_binary"]
