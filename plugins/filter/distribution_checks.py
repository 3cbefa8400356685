# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``distribution_checks``."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.plugin_utils._check_table import Check

DOCUMENTATION = r"""
name: distribution_checks
author:
  - Nephoran contributors (@nephoran)
version_added: "1.0.0"
short_description: Judges which nodes have an image
description:
  - Turns what the role P(nephoran.container_build.distribute#role) noted of each node into the checks that
    M(nephoran.container_build.verify_report) shows, one for each node.
positional: _input
options:
  _input:
    description:
      - What was noted, by the node's name. Empty for a node that was not reached.
    type: dict
    required: true
  digest:
    description:
      - The digest of the image that the nodes are to have. Empty if it is not known, as in check mode before a build.
    type: str
    default: ""
  check:
    description:
      - Whether nothing was to be placed, since the run only told what would be.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Show who has the image
  nephoran.container_build.verify_report:
    checks: "{{ noted | nephoran.container_build.distribution_checks(digest='sha256:…') }}"
  vars:
    noted:
      node-1: {digest: "sha256:…", before: ""}
      node-2: {failed: "Pull it: the registry cannot be reached"}
      node-3: {}
"""

RETURN = r"""
_value:
  description:
    - The checks, as the option O(nephoran.container_build.verify_report#module:checks) takes them.
  type: list
  elements: dict
"""


def distribution_checks(noted: t.Any, digest: str = "", check: bool = False) -> list[dict[str, t.Any]]:
    """Return a check for each node of *noted*, as dictionaries."""
    if not isinstance(noted, t.Mapping):
        raise AnsibleFilterError(
            f"distribution_checks: expected is a dictionary of what was noted of nodes, not {type(noted).__name__}"
        )
    return [dataclasses.asdict(_check(node, note or {}, digest, check=check)) for node, note in noted.items()]


def _check(node: str, note: t.Mapping[str, t.Any], digest: str, *, check: bool) -> Check:
    if note.get("failed"):
        return Check(node, ok=False, detail="lacks it", cause=str(note["failed"]))
    if "digest" not in note:
        return Check(
            node,
            ok=False,
            detail="was not reached",
            cause="The node did not answer, or its play ended before it was looked at.",
            remedy="Run the playbook again, with the builder and this node among its hosts; others move nothing then.",
        )
    if note["digest"] != digest or not digest:
        if check:
            return Check(node, ok=None, detail="would get it")
        return Check(node, ok=False, detail=f"has {note['digest'] or 'none'}", cause=f"Expected is {digest}.")
    had = note.get("before") == digest
    return Check(node, ok=True, detail="had it already" if had else "has it now")


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., list[dict[str, t.Any]]]]:
        """Return the filters by name."""
        return {"distribution_checks": distribution_checks}
