# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network of the lab: a bridge of its own, on which the services have addresses that stay."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Sequence

from lab import console, paths, shell
from lab.errors import LabError
from lab.podman import podman

NAME = "nephoran-lab"
CANDIDATES = tuple(ipaddress.IPv4Network(f"10.231.{third}.0/24") for third in range(256))
"""Far from 10.4.0.0/24 (nerdctl's bridge), 10.88.0.0/16 (podman's) and the ranges that Kubernetes is given."""

REGISTRY_HOST = 250
FILES_HOST = 251


def ensure() -> ipaddress.IPv4Network:
    """Make the network if it is not there.

    :returns: its subnet.
    :raises LabError: if this machine has a route into every subnet that the lab would take.
    """
    with paths.locked("network"):
        existing = subnet()
        if existing is not None:
            return existing
        chosen = free_subnet(CANDIDATES, _routed_networks())
        # Podman gives addresses to nodes out of the lower half; the services' fixed ones lie above.
        dynamic = next(chosen.subnets(prefixlen_diff=1))
        with console.step(f"Making the network {NAME} ({chosen})"):
            podman("network", "create", "--subnet", str(chosen), "--ip-range", str(dynamic), NAME)
        return chosen


def subnet() -> ipaddress.IPv4Network | None:
    """The subnet of the network, or None if there is no network."""
    if podman("network", "exists", NAME, check=False).returncode != 0:
        return None
    document = json.loads(podman("network", "inspect", NAME).stdout)
    return ipaddress.IPv4Network(document[0]["subnets"][0]["subnet"])


def remove() -> None:
    """Remove the network, which nothing must be using any more."""
    if subnet() is not None:
        podman("network", "rm", NAME)


def address(network: ipaddress.IPv4Network, host: int) -> str:
    """The address of one of the services, for instance :data:`REGISTRY_HOST`."""
    return str(network[host])


def free_subnet(
    candidates: Iterable[ipaddress.IPv4Network], taken: Sequence[ipaddress.IPv4Network]
) -> ipaddress.IPv4Network:
    """The first candidate that overlaps nothing that is taken.

    :raises LabError: if there is none.
    """
    for candidate in candidates:
        if not any(candidate.overlaps(network) for network in taken):
            return candidate
    raise LabError(
        "This machine has routes into every subnet that the lab could take (10.231.0.0/16).",
        remedy=f"Make the network by hand: podman network create --subnet <free subnet>/24 {NAME}.",
    )


def _routed_networks() -> list[ipaddress.IPv4Network]:
    routes = json.loads(shell.run(["ip", "-4", "-json", "route", "show", "table", "all"]).stdout)
    destinations = (route["dst"] for route in routes)
    return [ipaddress.IPv4Network(destination) for destination in destinations if destination != "default"]
