# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Containers of the lab, by podman."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab import prerequisites, shell

DEBIAN_PACKAGES = ("podman", "runc", "netavark", "aardvark-dns", "iptables", "iproute2", "skopeo")
REPOSITORY = "localhost/nephoran-lab"
PART_LABEL = "io.nephoran.lab.part"
"""Label of every container of the lab; its value says which part of the lab it belongs to."""

LOST = "lost"
"""State of a container that podman takes for running although it is not; podman itself has no word for it."""

WANTED_LIMIT = 16384

# crun refuses a host in hybrid cgroup mode whose cgroup2 tree holds a controller; runc runs everywhere.
_PODMAN = ("podman", "--runtime", "runc")


def ensure_installed() -> None:
    """Check that containers can be made here.

    :raises LabError: if podman is missing and cannot be installed, or this is not root.
    """
    prerequisites.require_root("to run the lab's containers")
    prerequisites.ensure_debian_packages(DEBIAN_PACKAGES)


def has_containers() -> bool:
    """Whether the lab can have containers here: where podman was never installed, there is nothing to list or remove.

    :raises LabError: if podman is there and this is not root, whose containers the lab's are.
    """
    if shutil.which("podman") is None:
        return False
    prerequisites.require_root("to see the lab's containers")
    return True


def podman(*arguments: str, check: bool = True) -> shell.Result:
    """Run podman to its end.

    :raises CommandError: if it fails and ``check`` is true.
    """
    return shell.run([*_PODMAN, *arguments], check=check)


def image_exists(image: str) -> bool:
    """Whether podman holds an image of this name."""
    return podman("image", "exists", image, check=False).returncode == 0


def image_tags(repository: str) -> list[str]:
    """The names, with tag, of the images of a repository that podman holds."""
    return podman("images", "--format", "{{.Repository}}:{{.Tag}}", repository).stdout.split()


def inspect(container: str) -> dict[str, Any] | None:
    """What is known of a container, or None if there is none of this name. Its state may be `LOST`."""
    answer = podman("container", "inspect", container, check=False)
    if answer.returncode != 0 and "no such container" in answer.stderr.lower():
        return None
    if answer.returncode != 0:
        raise shell.CommandError(["podman", "container", "inspect", container], "Failed", answer.stderr)
    return _documents(answer)[0]


def containers(part: str) -> list[dict[str, Any]]:
    """What is known of every container of one part of the lab, by name. A state may be `LOST`."""
    names = podman("ps", "--all", "--filter", f"label={PART_LABEL}={part}", "--format", "{{.Names}}").stdout.split()
    if not names:
        return []
    return sorted(_documents(podman("container", "inspect", *names)), key=lambda document: str(document["Name"]))


def start(name: str, part: str, labels: Mapping[str, str], arguments: Sequence[str]) -> None:
    """Make a container of the lab's network and start it.

    :param part: the part of the lab that it belongs to.
    :param labels: what else it is labelled with.
    :param arguments: the rest of ``podman run``: options, image and command.
    :raises CommandError: if it cannot be started; no container is left behind then.
    """
    labelled = [f"--label={label}={value}" for label, value in {PART_LABEL: part, **labels}.items()]
    try:
        podman(
            "run",
            "--detach",
            f"--name={name}",
            f"--hostname={name}",
            f"--ulimit=nofile={_limit(resource.RLIMIT_NOFILE)}",
            f"--ulimit=nproc={_limit(resource.RLIMIT_NPROC)}",
            *labelled,
            *arguments,
        )
    except shell.CommandError:
        # Podman keeps what it could not start, and the next run would take it for what it looks for.
        podman("rm", "--force", "--ignore", "--volumes", name)
        raise


def remove(names: Sequence[str]) -> None:
    """Stop containers at once and remove them with the volumes that were made for them."""
    if names:
        podman("rm", "--force", "--time", "0", "--volumes", *names)


def _documents(answer: shell.Result) -> list[dict[str, Any]]:
    documents: list[dict[str, Any]] = json.loads(answer.stdout)
    for document in documents:
        state = document["State"]
        if state["Status"] == "running" and not _has_monitor(state["ConmonPid"], document["Id"]):
            state["Status"] = LOST
    return documents


def _has_monitor(conmon: int, container_id: str) -> bool:
    # Podman learns from a container's monitor that it ended. Where both were killed at once, as when all processes of a
    # session are ended, it goes on to say "running", and "podman start" believes it.
    try:
        return container_id in Path(f"/proc/{conmon}/cmdline").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _limit(which: int) -> str:
    # Without being told, podman asks for more than this process has, which it cannot get without CAP_SYS_RESOURCE.
    _soft, hard = resource.getrlimit(which)
    limit = WANTED_LIMIT if hard == resource.RLIM_INFINITY else min(hard, WANTED_LIMIT)
    return f"{limit}:{limit}"
