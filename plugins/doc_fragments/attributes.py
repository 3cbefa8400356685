# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attributes that modules of this collection share."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of ``attributes``."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Check mode says what a real run would change, and changes nothing.
  diff_mode:
    description: Diff mode shows what has changed or, in check mode, what would.
  idempotent:
    description: A second run with the same options finds nothing to change.
  platform:
    description: Operating systems of the nodes that the module works on.
    support: full
    platforms: linux
"""

    ACTION_GROUP = r"""
options: {}
attributes:
  action_group:
    description: C(group/nephoran.container_build.containerd) in C(module_defaults) sets defaults for this module too.
    support: full
    membership:
      - nephoran.container_build.containerd
"""

    INFO_MODULE = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - The module changes nothing.
  diff_mode:
    support: N/A
    details:
      - The module changes nothing.
  idempotent:
    support: full
    details:
      - The module changes nothing.
"""
