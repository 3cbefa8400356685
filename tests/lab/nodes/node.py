# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One node: made, waited for, described and removed."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from lab import console, network, podman, shell
from lab.errors import LabError
from lab.nodes import packages, ssh
from lab.nodes.kinds import AUTHORIZED_KEYS, Kind

PART = "node"
KIND_LABEL = "io.nephoran.lab.kind"
BOOT_TIMEOUT_SECONDS = 60
POLL_SECONDS = 0.1

# Overlayfs cannot lie on the overlayfs that is the node's root, so whatever makes overlays, and build contexts that
# should behave as on a disk, get a plain file system.
VOLUMES = (
    "/srv",
    "/var/lib/buildkit",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/tmp",  # noqa: S108 (a path in the node, where buildah unpacks)
)

# What systemd wants of a container (systemd.io/CONTAINER_INTERFACE). podman's own --systemd gives every node the host's
# cgroup hierarchy name=systemd where that is of version 1, so that the units of all nodes would share their cgroups.
SYSTEMD = (
    "--systemd=false",
    "--env=container=podman",
    "--stop-signal=RTMIN+3",
    "--tmpfs=/run:mode=755",
    "--tmpfs=/run/lock",
    "--tmpfs=/tmp:mode=1777,exec",
)


@dataclass(frozen=True)
class Node:
    """What is known of a node.

    :param state: podman's word for the state of its container, for instance ``running``; or `podman.LOST`.
    :param address: its address on the lab's network; empty unless it runs.
    :param container_id: changes whenever the node is made anew.
    :param image: the image that it was made from.
    """

    name: str
    kind: str
    state: str
    address: str
    container_id: str
    image: str


def find(name: str) -> Node | None:
    """The node of this name, or None.

    :raises LabError: if a container that is no node has the name.
    """
    document = podman.inspect(name)
    if document is None:
        return None
    if document["Config"]["Labels"].get(podman.PART_LABEL) != PART:
        raise LabError(
            f"A container named {name} is there already, and it is no node of the lab.",
            remedy="Give the node another name.",
        )
    return _described(document)


def everyone() -> list[Node]:
    """All nodes, by name."""
    return [_described(document) for document in podman.containers(PART)]


def ensure(name: str, kind: Kind, image: str, key: ssh.KeyPair) -> Node:
    """Make a node and wait until it is up; a node of this name and kind that is there is used as it is.

    :raises LabError: if the name belongs to something else, or the node does not come up.
    """
    existing = find(name)
    if existing is not None and existing.state == podman.LOST:
        console.say(f"The processes of {name} were killed behind podman's back; it is made anew.")
        remove([existing])
        existing = None
    if existing is None:
        with console.step(f"Making the node {name} ({kind.name})"):
            _create(name, kind, image, key)
            return _await(name, key, {"running"})
    if existing.kind != kind.name:
        raise LabError(
            f"The node {name} is there already, as {existing.kind} and not {kind.name}.",
            remedy=f"Remove it (lab nodes down {name}) or choose another name.",
        )
    if existing.image != image:
        console.say(f"{name} was made from an older recipe of {kind.name}; remove it to have it made anew.")
    if existing.state != "running":
        podman.podman("start", name)
    # What a test did to the node's units since it was made is no reason not to use it.
    return _await(name, key, {"running", "degraded"})


def remove(nodes: list[Node]) -> None:
    """Remove nodes with all they hold, but keep the packages that they downloaded."""
    podman.remove([node.name for node in nodes])
    for node in nodes:
        packages.collect(node.name, node.kind)


def _create(name: str, kind: Kind, image: str, key: ssh.KeyPair) -> None:
    archives = packages.prepare(name, kind.name)
    podman.start(
        name,
        PART,
        {KIND_LABEL: kind.name},
        [
            f"--network={network.NAME}",
            *SYSTEMD,
            "--cgroupns=private",
            "--privileged",
            *(f"--volume={path}" for path in VOLUMES),
            f"--volume={key.public}:{AUTHORIZED_KEYS}:ro",
            f"--volume={archives}:{packages.MOUNT_POINT}",
            image,
            "/sbin/init",
        ],
    )


def _await(name: str, key: ssh.KeyPair, accepted: set[str]) -> Node:
    """Wait until an operator can log in to a node and systemd in it has come to an accepted state."""
    deadline = time.monotonic() + BOOT_TIMEOUT_SECONDS
    while True:
        node = find(name)
        if node is None or node.state != "running":
            raise LabError(f"The node {name} stopped while it booted.", remedy=f"See podman logs {name}.")
        # Asked by the way in that tests use; `--wait` would fail before the bus is up.
        answer = shell.run(ssh.command(key, node.address, "systemctl", "is-system-running"), check=False)
        state = answer.stdout.strip()
        if state in accepted:
            return node
        if state == "degraded" or time.monotonic() > deadline:
            raise _not_up(node, answer)
        time.sleep(POLL_SECONDS)


def _not_up(node: Node, answer: shell.Result) -> LabError:
    failed = podman.podman(
        "exec", node.name, "systemctl", "--no-pager", "--failed", "--plain", "--no-legend", check=False
    )
    journal = podman.podman(
        "exec", node.name, "journalctl", "--no-pager", "--lines=20", "--priority=warning", check=False
    )
    said = (answer.stdout + answer.stderr).strip()
    return LabError(
        f"The node {node.name} ({node.kind}, {node.address}) is not up: `systemctl is-system-running` over SSH said"
        f" {said!r}.\n"
        f"Failed units:\n{failed.stdout or failed.stderr}\nLast warnings:\n{journal.stdout or journal.stderr}",
        remedy=f"Look into it with podman exec -it {node.name} bash, then remove it: lab nodes down {node.name}.",
    )


def _described(document: dict[str, Any]) -> Node:
    networks = document["NetworkSettings"]["Networks"]
    return Node(
        name=document["Name"],
        kind=document["Config"]["Labels"][KIND_LABEL],
        state=document["State"]["Status"],
        address=networks.get(network.NAME, {}).get("IPAddress", ""),
        container_id=document["Id"],
        image=document["ImageName"],
    )
