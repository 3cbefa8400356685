# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``restart_lines``."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.plugin_utils._restarts import restart_lines as lines

DOCUMENTATION = r"""
name: restart_lines
author:
  - Nephoran contributors (@nephoran)
version_added: "1.0.0"
short_description: Says which services were restarted between two looks at a node, and why
description:
  - Compares what M(nephoran.container_build.toolchain_info) returned at two times, and gives a sentence about
    containerd and about BuildKit.
positional: _input, after
options:
  _input:
    description:
      - What M(nephoran.container_build.toolchain_info) returned before, with
        O(nephoran.container_build.toolchain_info#module:drift=true).
    type: dict
    required: true
  after:
    description:
      - What it returned later, with the same option.
    type: dict
    required: true
seealso:
  - plugin: nephoran.container_build.toolchain_info
    plugin_type: module
"""

EXAMPLES = r"""
- name: Say what was restarted
  ansible.builtin.debug:
    msg: "{{ before | nephoran.container_build.restart_lines(after) }}"
  # - "containerd restarted: binary 2.2.1 → 2.2.5"
  # - "buildkit not restarted: PID 812 runs binary 0.26.3"
"""

RETURN = r"""
_value:
  description:
    - The sentences. A service that ran at neither time has none.
  type: list
  elements: str
"""


def restart_lines(before: t.Any, after: t.Any) -> list[str]:
    """Return what became of the services."""
    for what, looked in (("the first", before), ("the second", after)):
        if not isinstance(looked, dict) or "units" not in looked:
            raise AnsibleFilterError(f"restart_lines: {what} value is not what the module toolchain_info returned")
    return lines(before, after)


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"restart_lines": restart_lines}
