#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The code is in the action plugin of the same name: a table is drawn on the controller.

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_report
short_description: Show checks as a table a person can read
version_added: "1.0.0"
description:
  - Prints one line a check on the controller's terminal, and below them cause and remedy of each check that failed.
  - Fails when one of the checks failed, so that one task reports all that is wrong with a node.
  - Colours are used as Ansible itself uses them. Where the locale's encoding is not UTF-8,
    and on the Linux console, whose font has no check marks, only ASCII is printed.
author:
  - Nephoran contributors (@nephoran)
options:
  title:
    description:
      - What was checked as a whole. The node's name stands beside it.
    type: str
    default: Checks
  checks:
    description:
      - The checks, in the order in which they are to be read.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - What was looked at, in a few words.
        type: str
        required: true
      ok:
        description:
          - Whether it is as it should be.
          - Left out, or V(null), for a check that does not apply or could not be made.
        type: bool
      detail:
        description:
          - What was found, or why the check was not made.
        type: str
        default: ""
      section:
        description:
          - Heading above this check and those that follow it.
        type: str
        default: ""
      cause:
        description:
          - Why the check fails if it fails, unless one of O(troubles) matches. Not shown otherwise.
        type: str
        default: ""
      remedy:
        description:
          - What to do about it, unless one of O(troubles) matches.
        type: str
        default: ""
      output:
        description:
          - What the tool said. O(troubles) are searched in it, and its last lines are shown with a failed check.
        type: str
        default: ""
  troubles:
    description:
      - Troubles that are known by what tools say when they meet them. The first that matches explains a failed check,
        instead of its own O(checks[].cause) and O(checks[].remedy).
    type: list
    elements: dict
    default: []
    suboptions:
      patterns:
        description:
          - Regular expressions, searched in O(checks[].detail) and O(checks[].output) without regard to case.
        type: list
        elements: str
        required: true
      cause:
        description:
          - What is wrong when one of them matches.
        type: str
        required: true
      remedy:
        description:
          - What to do about it.
        type: str
        required: true
extends_documentation_fragment:
  - action_common_attributes
  - action_common_attributes.conn
  - action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: none
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  connection:
    support: none
  delegation:
    support: none
  diff_mode:
    support: none
  platform:
    support: full
    platforms: all
seealso:
  - name: Role nephoran.container_build.verify
    description: Collects the checks that this module shows.
    link: https://github.com/nephoran/container_build/blob/main/roles/verify/README.md
"""

EXAMPLES = r"""
- name: Look at the daemon
  ansible.builtin.command: systemctl is-active buildkit.service
  register: buildkit_state
  changed_when: false
  failed_when: false

- name: Say what was found
  nephoran.container_build.verify_report:
    title: Image builder
    checks:
      - name: BuildKit is running
        ok: "{{ buildkit_state.rc == 0 }}"
        detail: "{{ buildkit_state.stdout }}"
        output: "{{ buildkit_state.stderr }}"
        remedy: "Start it: systemctl start buildkit."
"""

RETURN = r"""
checks:
  description: The checks with the causes and remedies that were found for them.
  returned: always
  type: list
  elements: dict
  sample:
    - name: BuildKit is running
      ok: false
      detail: inactive
      section: ""
      cause: BuildKit does not answer on its socket
      remedy: "start it: systemctl start buildkit"
failed_checks:
  description: Names of the checks that failed.
  returned: always
  type: list
  elements: str
  sample:
    - BuildKit is running
msg:
  description: The failed checks with their remedies.
  returned: when a check failed
  type: str
"""
