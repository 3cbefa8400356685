# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Several nodes at once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from lab import console, network, podman, prerequisites
from lab.errors import LabError
from lab.nodes import image, inventory, kinds, node, ssh
from lab.nodes.kinds import Kind
from lab.nodes.node import Node

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
"""A host name of one label (RFC 1123), as long as one may be."""


def parse(wanted: Sequence[str]) -> dict[str, Kind]:
    """Read ``NAME:KIND`` arguments.

    :returns: name to kind, in the order given.
    :raises LabError: if one is malformed, a name comes twice, or a kind does not exist.
    """
    fleet: dict[str, Kind] = {}
    for argument in wanted:
        name, colon, kind = argument.partition(":")
        if not colon or not NAME.fullmatch(name):
            raise LabError(f"{argument!r} is not NAME:KIND, for instance builder:{next(iter(kinds.KINDS))}.")
        if name in fleet:
            raise LabError(f"The node {name} is asked for twice.")
        fleet[name] = kinds.find(kind)
    return fleet


def up(directory: Path, fleet: Mapping[str, Kind], variables: Mapping[str, Any]) -> list[Node]:
    """Make the nodes that are not there, wait for all of them, and write the inventory.

    :param directory: folder of the inventory.
    :param variables: what the inventory says of every node beside how to reach it.
    :raises LabError: if a prerequisite is missing or a node does not come up.
    """
    podman.ensure_installed()
    prerequisites.ensure_inotify_instances()
    key = ssh.ensure_key_pair()
    network.ensure()
    with ThreadPoolExecutor() as pool:
        images = dict(zip(set(fleet.values()), pool.map(image.ensure, set(fleet.values())), strict=True))
        ready = list(pool.map(lambda name: node.ensure(name, fleet[name], images[fleet[name]], key), fleet))
    inventory.SOCKETS.mkdir(mode=0o700, exist_ok=True)
    inventory.write(directory, ready, key, variables)
    return ready


def down(nodes: Sequence[Node]) -> None:
    """Remove nodes."""
    if nodes:
        with console.step(f"Removing {', '.join(found.name for found in nodes)}"):
            node.remove(list(nodes))
