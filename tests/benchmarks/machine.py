# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the figures were measured on, and with which versions."""

from __future__ import annotations

import datetime as dt
import os
import re
from pathlib import Path

from benchmarks.nodes import BenchNode, ansible_core_version, collection_version

VERSIONS = {
    "nerdctl": "nerdctl --version",
    "containerd": "containerd --version",
    "BuildKit": "buildctl --version",
    "buildah": "buildah --version",
    "podman": "podman --version",
    "Python": "python3 --version",
}


def described(containerd: BenchNode, docker: BenchNode) -> str:
    """Return a few sentences on the machine and the versions of all that was compared."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    kinds = containerd.run(". /etc/os-release && echo $PRETTY_NAME").strip()
    versions = [f"{name} {_version(containerd, command)}" for name, command in VERSIONS.items()]
    versions += [
        f"Docker {_version(docker, 'docker --version')}",
        f"ansible-core {ansible_core_version()}",
        *(f"{name.replace('/', '.')} {collection_version(name)}" for name in ("containers/podman", "community/docker")),
    ]
    return (
        f"Measured on {dt.datetime.now(tz=dt.timezone.utc).date()}: nodes with {kinds} on a machine with"
        f" {os.cpu_count()} processors ({model[1] if model else os.uname().machine}), {memory:.0f} GB of memory and"
        f" Linux {os.uname().release}; its load was {os.getloadavg()[2]:.1f} in the last quarter of an hour."
        f" {', '.join(versions)}."
    )


def _version(node: BenchNode, command: str) -> str:
    found = re.search(r"\d+\.\d+[\w.+~-]*", node.run(command))
    return found[0] if found else "of unknown version"
