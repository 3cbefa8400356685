#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The code is in the action plugin of the same name: the node is asked through its shell.

from __future__ import annotations

DOCUMENTATION = r"""
module: node_facts
short_description: Gather the few facts that the roles use
version_added: "1.0.0"
description:
  - Gathers the facts of M(ansible.builtin.setup) that the roles of this collection use, and no others, where it can by
    one command of the node's shell. That takes a tenth of the time.
  - So it is on Debian and Ubuntu with systemd, on C(x86_64) and C(aarch64). Every other node is asked by
    M(ansible.builtin.setup) with C(gather_subset=min), and has all facts of that subset.
  - A play that uses other facts in its variables gathers them by itself, before.
author:
  - Nephoran contributors (@nephoran)
options: {}
extends_documentation_fragment:
  - action_common_attributes
  - action_common_attributes.conn
  - action_common_attributes.facts
  - action_common_attributes.flow
attributes:
  action:
    support: full
  async:
    support: none
  become:
    support: full
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  connection:
    support: full
  delegation:
    support: full
  diff_mode:
    support: none
  facts:
    support: full
  platform:
    support: full
    platforms: posix
seealso:
  - module: ansible.builtin.setup
"""

EXAMPLES = r"""
- name: Know what the roles need to know
  nephoran.container_build.node_facts:

- name: Install
  ansible.builtin.import_role:
    name: nephoran.container_build.nerdctl_full
"""

RETURN = r"""
ansible_facts:
  description: The facts. They mean what they mean to M(ansible.builtin.setup).
  returned: success
  type: dict
  contains:
    ansible_architecture:
      description: The machine.
      type: str
      sample: x86_64
    ansible_distribution:
      description: The distribution.
      type: str
      sample: Debian
    ansible_distribution_major_version:
      description: The first number of its version.
      type: str
      sample: "13"
    ansible_distribution_release:
      description: Its code name.
      type: str
      sample: trixie
    ansible_os_family:
      description: The distribution that it is made from.
      type: str
      sample: Debian
    ansible_pkg_mgr:
      description: The package manager.
      type: str
      sample: apt
    ansible_service_mgr:
      description: What manages the services.
      type: str
      sample: systemd
    ansible_system:
      description: The kernel.
      type: str
      sample: Linux
    ansible_user_id:
      description: The user that tasks run as.
      type: str
      sample: root
    ansible_user_uid:
      description: The user's number.
      type: int
      sample: 0
"""
