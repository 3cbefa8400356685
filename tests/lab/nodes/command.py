# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m lab nodes``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import click

from lab import podman
from lab.errors import LabError
from lab.nodes import fleet, node, ssh
from lab.nodes.options import INVENTORY, KINDS_HELP, NODES
from lab.services import registry, service


@click.group()
def nodes() -> None:
    """Machines to run playbooks on: systemd in containers, reached by SSH."""


@nodes.command("up", epilog=KINDS_HELP)
@INVENTORY
@NODES
def nodes_up(inventory: Path, nodes: Sequence[str]) -> None:
    """Make the nodes that are not there, wait for all of them, and write the inventory.

    The inventory knows the registry if that runs, and no toolchain: see `lab up`.
    """
    wanted = fleet.parse(nodes)
    url = service.url_if_running(registry.ENDPOINT)
    fleet.up(inventory, wanted, registry.variables(url) if url else {})


@nodes.command("down")
@click.argument("names", metavar="NAME...", nargs=-1)
@click.option("--all", "everyone", is_flag=True, help="Remove all nodes there are.")
def nodes_down(names: Sequence[str], everyone: bool) -> None:
    """Remove nodes and all they hold. That a node is gone already is no error."""
    if bool(names) == everyone:
        raise click.UsageError("Give the names of nodes, or --all.")
    if podman.has_containers():
        fleet.down(node.everyone() if everyone else [found for name in names if (found := node.find(name))])


@nodes.command("list")
def nodes_list() -> None:
    """List the nodes: name, kind, state and address."""
    for found in node.everyone() if podman.has_containers() else []:
        click.echo(f"{found.name:24} {found.kind:10} {found.state:10} {found.address}".rstrip())


@nodes.command("shell", context_settings={"ignore_unknown_options": True})
@click.argument("name")
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def nodes_shell(name: str, command: Sequence[str]) -> None:
    """Log in to the node NAME as an operator would, or run COMMAND there."""
    running = [found for found in node.everyone() if found.state == "running"] if podman.has_containers() else []
    address = next((found.address for found in running if found.name == name), None)
    if address is None:
        raise LabError(f"No node {name} runs. Running: {', '.join(found.name for found in running) or 'none'}.")
    argv = ssh.command(ssh.ensure_key_pair(), address, *command)
    os.execvp(argv[0], argv)  # noqa: S606 (the shell is the node's)
