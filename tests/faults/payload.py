# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible sends to a node to run a module, kept there."""

from __future__ import annotations

import json

from faults.lab_node import FOLDER, MODULES, LabNode, run

PACKAGE = "ansible_collections.nephoran.container_build.plugins.modules"


def bring(node: LabNode, module: str) -> str:
    """Bring a module's files and return the folder they are in.

    Ansible leaves what it sent behind when it is told to keep remote files, and that unpacks itself.
    """
    keep = f"{FOLDER}/payload-{module}"
    node.shell(f"rm -rf {keep}")
    # It need not succeed: without options, most modules refuse.
    run(
        node.module_argv(
            f"{MODULES}.{module}",
            {},
            *("--check", "-e", json.dumps({"ansible_remote_tmp": keep, "ansible_ssh_pipelining": False})),
        ),
        environ={"ANSIBLE_KEEP_REMOTE_FILES": "1"},
    )
    program = node.shell(f"find {keep} -name 'AnsiballZ_{module}.py' | head -n 1").strip()
    assert program, f"Ansible left no {module} in {keep}"
    node.shell(f"python3 {program} explode")
    return f"{program.rpartition('/')[0]}/debug_dir"
