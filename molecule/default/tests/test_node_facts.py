# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's shell tells is what Ansible's own module tells, and what an install sends is compiled once a boot."""

from __future__ import annotations

import json

from testinfra.host import Host

COMPILED = "/run/nephoran-container-build/compiled"
FILES_OF_ANSIBLE = """
import marshal, os, sys
folder = sys.argv[1]
for name in os.listdir(folder):
    with open(os.path.join(folder, name), "rb") as file:
        print(marshal.load(file).co_filename)
"""


def test_the_facts_are_those_of_ansible_s_own_module(host: Host) -> None:
    told = host.ansible("nephoran.container_build.node_facts")["ansible_facts"]
    gathered = host.ansible("ansible.builtin.setup", "gather_subset=min")["ansible_facts"]
    # Not all that it gathers: this node is one of those that are asked by their shell.
    assert "ansible_date_time" not in told
    assert json.dumps(told, sort_keys=True) == json.dumps({key: gathered[key] for key in told}, sort_keys=True)


def test_ansible_s_own_files_are_kept_compiled_too(host: Host) -> None:
    files = host.check_output("python3 -c %s %s", FILES_OF_ANSIBLE, COMPILED).splitlines()
    assert any(name.endswith("/ansible/module_utils/basic.py") for name in files)
    assert any("/nephoran/container_build/plugins/module_utils/" in name for name in files)
