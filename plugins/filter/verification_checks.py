# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``verification_checks``."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.plugin_utils._verification import Verification

DOCUMENTATION = r"""
name: verification_checks
author:
  - Nephoran contributors (@nephoran)
version_added: "1.0.0"
short_description: Judges what the role verify found on a node
description:
  - Turns what the tasks of the role P(nephoran.container_build.verify#role) registered into the checks that
    M(nephoran.container_build.verify_report) shows.
  - It is of use where a play collects the same answers and judges or shows them in another way.
positional: _input
options:
  _input:
    description:
      - What was asked for, and what tasks registered. An answer that is missing makes a check that failed,
        but tools that were not asked are left out.
    type: dict
    required: true
    suboptions:
      versions:
        description:
          - A version, or C(>=) and the oldest that will do, by the tool's name.
        type: dict
      backends:
        description:
          - The builders that were to be tried.
        type: list
        elements: str
      namespaces:
        description:
          - The namespaces that images were handed to.
        type: list
        elements: str
      kept_namespaces:
        description:
          - Those of them that were to keep the images.
        type: list
        elements: str
      says:
        description:
          - What a container of an image had to say.
        type: str
      toolchain:
        description:
          - What M(nephoran.container_build.toolchain_info) registered.
        type: dict
      answers:
        description:
          - What M(nephoran.container_build.tool_answers) returned, or commands registered, by the name of the question.
        type: dict
      sockets:
        description:
          - What M(ansible.builtin.stat) registered, by the socket's path.
        type: dict
      pods:
        description:
          - What M(nephoran.container_build.image_info) registered of the images that Pods name.
            Left out if none were asked for.
        type: dict
      images:
        description:
          - What became of images. Left out if none were to be made.
        type: dict
        suboptions:
          builds:
            description:
              - What M(nephoran.container_build.image_build) registered in a loop over the builders.
            type: list
            elements: dict
          from_buildah:
            description:
              - What M(nephoran.container_build.image_import) registered when it took buildah's image.
            type: dict
          runs:
            description:
              - What M(nephoran.container_build.container_run) registered in a loop over the builders.
            type: list
            elements: dict
          imports:
            description:
              - What M(nephoran.container_build.image_import) registered in a loop over builders and namespaces.
            type: list
            elements: dict
          found:
            description:
              - What M(nephoran.container_build.image_info) registered.
            type: dict
          records:
            description:
              - What C(ctr images ls --quiet) registered in a loop over the namespaces that were emptied again.
            type: list
            elements: dict
          removals:
            description:
              - What removing images from elsewhere registered.
            type: list
            elements: dict
"""

EXAMPLES = r"""
- name: Ask two tools
  nephoran.container_build.tool_answers:
    questions:
      buildctl: [buildctl, --version]
      runc: [runc, --version]
  register: asked

- name: Show what they said
  nephoran.container_build.verify_report:
    checks: "{{ found | nephoran.container_build.verification_checks }}"
  vars:
    found:
      versions:
        buildctl: ">=0.26.3"
      answers: "{{ asked.answers }}"
"""

RETURN = r"""
_value:
  description:
    - The checks, as the option O(nephoran.container_build.verify_report#module:checks) takes them.
  type: list
  elements: dict
"""


def verification_checks(found: t.Any) -> list[dict[str, t.Any]]:
    """Return the checks that *found* makes, as dictionaries."""
    if not isinstance(found, t.Mapping):
        raise AnsibleFilterError(
            f"verification_checks: expected is a dictionary of what tasks registered, not {type(found).__name__}"
        )
    return [dataclasses.asdict(check) for check in Verification(found).checks()]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., list[dict[str, t.Any]]]]:
        """Return the filters by name."""
        return {"verification_checks": verification_checks}
