# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory through which Ansible uses the nodes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from lab import paths
from lab.nodes.kinds import USER
from lab.nodes.node import Node
from lab.nodes.ssh import OPTIONS, KeyPair

GROUP = "nodes"
HEADER = "# Written by the lab (python -m lab nodes up). Changes made here are lost.\n"
# Not in the cache: the path of a Unix socket may have 107 bytes, and ssh needs some of them for itself.
SOCKETS = Path("/run/nephoran-lab-ssh")

LIMITS_VARIABLES: dict[str, Any] = {
    # A node cannot raise limits, nor lower an OOM score, where its machine may not (no CAP_SYS_RESOURCE).
    "containerd_config": {"plugins": {"io.containerd.cri.v1.runtime": {"restrict_oom_score_adj": True}}},
    "buildah_containers_conf": {"containers": {"default_ulimits": ["nofile=1024:1024", "nproc=1024:1024"]}},
}


def write(directory: Path, nodes: Sequence[Node], key: KeyPair, variables: Mapping[str, Any]) -> None:
    """Write ``hosts.yml`` and the variables of the group of nodes into an inventory folder.

    :param variables: what the group has beside :data:`LIMITS_VARIABLES`.
    """
    _write(directory / "hosts.yml", hosts(nodes, key))
    # A file in a folder, so that variables written by hand can lie beside it.
    _write(directory / "group_vars" / GROUP / "lab.yml", {**LIMITS_VARIABLES, **variables})


def hosts(nodes: Sequence[Node], key: KeyPair) -> dict[str, Any]:
    """The document of ``hosts.yml``."""
    return {
        GROUP: {
            "hosts": {
                node.name: {
                    "ansible_host": node.address,
                    # So that neither a new node at an old address nor a restarted one at a new address is spoken to
                    # over a connection that ended with its predecessor.
                    "ansible_control_path": str(SOCKETS / f"{node.container_id[:12]}-{node.address}"),
                }
                for node in nodes
            },
            "vars": {
                "ansible_user": USER,
                "ansible_become": True,
                "ansible_python_interpreter": "/usr/bin/python3",
                "ansible_ssh_private_key_file": str(key.private),
                "ansible_ssh_common_args": " ".join([*OPTIONS, "-o", "IdentitiesOnly=yes"]),
                "ansible_ssh_args": "-o ControlMaster=auto -o ControlPersist=60s",
                "ansible_ssh_pipelining": True,
            },
        }
    }


def _write(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with paths.staged(path) as made:
        made.write_text(HEADER + "---\n" + yaml.safe_dump(document, sort_keys=False), encoding="utf-8")
