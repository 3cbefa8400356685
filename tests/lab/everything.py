# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m lab up`` and ``python -m lab down``: all parts of the lab together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from lab import network, podman, toolchain
from lab.errors import LabError
from lab.nodes import compiled_python, fleet, node
from lab.nodes.options import COMPILED_PYTHON, INVENTORY, NODES
from lab.services import files, registry, service


@click.command()
@INVENTORY
@COMPILED_PYTHON
@NODES
def up(inventory: Path, nodes: Sequence[str], compiled: Sequence[str]) -> None:
    """Provide toolchain, registry and nodes, and an inventory with which a playbook uses all of them."""
    wanted = fleet.parse(nodes)
    if unknown := sorted(set(compiled) - set(wanted)):
        raise LabError(f"--compiled-python names what is none of the nodes: {', '.join(unknown)}.")
    archive = toolchain.ensure()
    variables: dict[str, Any] = {
        "nerdctl_full_version": archive.version,
        "nerdctl_full_archive": str(archive.path),
        "nerdctl_full_checksum": f"sha256:{archive.sha256}",
        **registry.variables(registry.ensure()),
    }
    for ready in fleet.up(inventory, wanted, variables):
        if ready.name in compiled:
            compiled_python.lay_on(ready)


@click.command()
def down() -> None:
    """Remove all nodes, stop the services and remove the network. The cache stays."""
    if not podman.has_containers():
        return
    fleet.down(node.everyone())
    for endpoint in (registry.ENDPOINT, files.ENDPOINT):
        service.down(endpoint)
    network.remove()
