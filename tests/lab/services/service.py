# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service: one container with a fixed address, made anew whenever something about it changed."""

from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from lab import console, network, paths, podman
from lab.errors import LabError
from lab.images import alpine

PART = "service"
DIGEST_LABEL = "io.nephoran.lab.digest"
START_TIMEOUT_SECONDS = 15
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Mount:
    """A file or folder of this machine that a service sees."""

    source: Path
    target: str
    writable: bool = False

    def __str__(self) -> str:
        return f"{self.source}:{self.target}:{'rw' if self.writable else 'ro'}"


@dataclass(frozen=True)
class Endpoint:
    """Where a service is found.

    :param name: of its container.
    :param host: number of its address in the lab's network.
    :param port: TCP port that it listens on.
    """

    name: str
    host: int
    port: int

    def url(self, subnet: IPv4Network) -> str:
        """Its URL, without a slash at the end."""
        return f"http://{network.address(subnet, self.host)}:{self.port}"


@dataclass(frozen=True)
class Service:
    """What a service is made of. Its image is the alpine that the registry serves, too.

    :param command: what runs.
    :param environment: variables of the command.
    """

    endpoint: Endpoint
    command: tuple[str, ...]
    mounts: tuple[Mount, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def ensure(service: Service) -> str:
    """Run a service; one that runs already as described is left alone.

    :returns: its URL, without a slash at the end.
    :raises LabError: if it does not listen in time.
    """
    podman.ensure_installed()
    endpoint = service.endpoint
    subnet = network.ensure()
    arguments = _run_arguments(service, network.address(subnet, endpoint.host), alpine.ensure_in_podman())
    digest = hashlib.sha256(json.dumps(arguments).encode()).hexdigest()
    with paths.locked(endpoint.name):
        document = podman.inspect(endpoint.name)
        if not _runs(document, digest):
            with console.step(f"Starting {endpoint.name}"):
                podman.remove([endpoint.name] if document else [])
                podman.start(endpoint.name, PART, {DIGEST_LABEL: digest}, arguments)
                _await(endpoint, network.address(subnet, endpoint.host))
    return endpoint.url(subnet)


def url_if_running(endpoint: Endpoint) -> str | None:
    """The URL of a service, without a slash at the end, or None if it does not run."""
    if not podman.has_containers():
        return None
    document = podman.inspect(endpoint.name)
    subnet = network.subnet()
    if subnet is None or document is None or document["State"]["Status"] != "running":
        return None
    return endpoint.url(subnet)


def down(endpoint: Endpoint) -> None:
    """Stop a service. What it keeps in the cache stays."""
    if podman.has_containers() and podman.inspect(endpoint.name) is not None:
        with console.step(f"Stopping {endpoint.name}"):
            podman.remove([endpoint.name])


def _run_arguments(service: Service, address: str, image: str) -> list[str]:
    return [
        f"--network={network.NAME}",
        f"--ip={address}",
        *(f"--volume={mount}" for mount in service.mounts),
        *(f"--env={name}={value}" for name, value in service.environment.items()),
        image,
        *service.command,
    ]


def _runs(document: dict[str, Any] | None, digest: str) -> bool:
    if document is None or document["State"]["Status"] != "running":
        return False
    return bool(document["Config"]["Labels"].get(DIGEST_LABEL) == digest)


def _await(endpoint: Endpoint, address: str) -> None:
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < deadline:
        try:
            socket.create_connection((address, endpoint.port), timeout=START_TIMEOUT_SECONDS).close()
        except OSError:
            time.sleep(POLL_SECONDS)
        else:
            return
    logs = podman.podman("logs", "--tail=20", endpoint.name)
    raise LabError(
        f"{endpoint.name} does not listen at {address}:{endpoint.port} after {START_TIMEOUT_SECONDS} s. It said:\n"
        f"{logs.stdout}{logs.stderr}"
    )
