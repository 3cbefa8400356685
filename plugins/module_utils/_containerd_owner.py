# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose containerd this node runs: nobody's, this installation's, or somebody else's, which is never disturbed."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._configured_sockets import configured_sockets
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import (
    ProcessTable,
    listener,
    socket_peer,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._systemd import Systemd, Unit

NONE = "none"
OURS = "ours"
FOREIGN = "foreign"

# Where the distributions of Kubernetes, and a Docker that starts a containerd of its own, have their sockets.
OTHER_ADDRESSES = (
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
    "/var/snap/microk8s/common/run/containerd.sock",
    "/run/k0s/containerd.sock",
)
# Services that run a containerd, in the order in which they are believed.
_UNITS = (
    "containerd.service",
    "k3s.service",
    "k3s-agent.service",
    "rke2-server.service",
    "rke2-agent.service",
    "snap.microk8s.daemon-containerd.service",
    "k0scontroller.service",
    "k0sworker.service",
)
# A part of a unit's name or of an executable's path, and whom it gives away.
_PROVIDERS = (("k3s", "k3s"), ("rke2", "rke2"), ("microk8s", "microk8s"), ("k0s", "k0s"), ("docker", "docker"))
# Docker's own repository calls its containerd so.
_PACKAGE_OF_DOCKER = "containerd.io"
_VERSION = re.compile(r"^\S*containerd\S* \S+ v?(?P<version>\d\S*)", re.MULTILINE)
_VERSION_TIMEOUT_SECONDS = 10


@dataclasses.dataclass(frozen=True)
class ContainerdOwner:
    """Who serves containerd's socket, or would if the installed service were started.

    Attributes:
        kind: ``none``, ``ours`` or ``foreign``.
        running: whether it serves now.
        address: the socket that it serves.
        pid: its process.
        executable: its program.
        version: what the program says of itself.
        unit: the systemd service that it is.
        package: the distribution's package that the program is from.
        provider: ``distribution``, ``docker``, ``k3s``, ``rke2``, ``microk8s``, ``k0s``, or ``unpacked`` if no package
            has it; ``None`` unless it is foreign.
        named_by: the configuration of a kubelet or of Docker that names the socket; ``None`` if none does.
        search_path: the folders in which it looks for its shim and for runc.
    """

    kind: str
    running: bool = False
    address: str | None = None
    pid: int | None = None
    executable: str | None = None
    version: str | None = None
    unit: str | None = None
    package: str | None = None
    provider: str | None = None
    named_by: str | None = None
    search_path: tuple[str, ...] = ()

    def as_result(self) -> dict[str, t.Any]:
        """Return the owner as modules return it."""
        return {
            "owner": self.kind,
            "running": self.running,
            "socket": self.address,
            "pid": self.pid,
            "exe": self.executable,
            "version": self.version,
            "unit": self.unit,
            "package": self.package,
            "provider": self.provider,
            "named_by": self.named_by,
        }

    def __str__(self) -> str:
        details = [f"PID {self.pid}" if self.pid else "", self.unit or "", self.provider or "", self.version or ""]
        return (
            f"containerd {self.executable or ''}".rstrip() + f" ({', '.join(detail for detail in details if detail)})"
        )


class OwnerFinder:
    """Finds the owner of containerd.

    Args:
        layout: the installation that counts as ours.
        runner: asks programs for their version, and the package manager for their packages.
        processes: the node's processes.
        systemd: the node's units.
        peer: gives the process that listens on a socket.
        root: the folder below which configurations of kubelets and of Docker are looked for.
    """

    def __init__(
        self,
        layout: Layout,
        runner: Runner,
        processes: ProcessTable,
        systemd: Systemd,
        peer: t.Callable[[str], int | None] = socket_peer,
        root: str = "/",
    ) -> None:
        self._layout = layout
        self._runner = runner
        self._processes = processes
        self._systemd = systemd
        self._peer = peer
        self._root = root

    def find(self, address: str) -> ContainerdOwner:
        """Return who serves *address*, else the socket that a kubelet or Docker is told to use, else a known one.

        If nobody serves any of them, it is whose service is installed.

        Raises:
            Unavailable: this user may not connect to a socket.
        """
        named = {socket.path: socket.source for socket in configured_sockets(self._root)}
        for candidate in dict.fromkeys([address, *named, *OTHER_ADDRESSES]):
            pid = listener(candidate, self._peer)
            if pid is not None:
                return dataclasses.replace(self._serving(candidate, pid), named_by=named.get(candidate))
        for unit in self._systemd.units(*_UNITS).values():
            if unit.executable is not None and os.path.exists(unit.executable):
                return self._installed(unit, unit.executable)
        return ContainerdOwner(NONE)

    def _serving(self, address: str, pid: int) -> ContainerdOwner:
        process = self._processes.process(pid) if pid else None
        if process is None:
            # In a container, or in another namespace of processes: certainly not what this installation started.
            return ContainerdOwner(FOREIGN, running=True, address=address, pid=pid or None, provider="unpacked")
        owner = self._described(process.executable, self._processes.unit(pid))
        return dataclasses.replace(
            owner, running=True, address=address, pid=pid, search_path=tuple(self._processes.search_path(pid))
        )

    def _installed(self, unit: Unit, executable: str) -> ContainerdOwner:
        return self._described(os.path.realpath(executable), unit.name)

    def _described(self, executable: str, unit: str | None) -> ContainerdOwner:
        # A process may have been started from a file whose place a link of ours took: it is restarted from there.
        ours = self._layout.generation_of(executable) or self._layout.generation_of(os.path.realpath(executable))
        kind = OURS if ours else FOREIGN
        package = self._package(executable) if kind == FOREIGN else None
        return ContainerdOwner(
            kind,
            executable=executable,
            version=self._version(executable),
            unit=unit,
            package=package,
            provider=_provider(executable, unit, package) if kind == FOREIGN else None,
        )

    def _version(self, executable: str) -> str | None:
        """Return the version that *executable* tells; k3s and its like are no containerd and are not asked."""
        if os.path.basename(executable) != "containerd" or not os.access(executable, os.X_OK):
            return None
        completed = self._runner.run([executable, "--version"], timeout=_VERSION_TIMEOUT_SECONDS)
        match = _VERSION.search(completed.text)
        return match["version"] if completed.rc == 0 and match else None

    def _package(self, executable: str) -> str | None:
        for ask in (self._package_by_dpkg, self._package_by_rpm):
            package = ask(executable)
            if package is not None:
                return package
        return None

    def _package_by_dpkg(self, executable: str) -> str | None:
        # Before /usr was merged, packages listed the same file below /bin.
        for path in dict.fromkeys([executable, executable.removeprefix("/usr")]):
            said = self._answer(["dpkg-query", "--search", "--", path])
            if said:
                return said.splitlines()[0].partition(":")[0]
        return None

    def _package_by_rpm(self, executable: str) -> str | None:
        return self._answer(["rpm", "--query", "--file", "--queryformat", "%{NAME}", "--", executable])

    def _answer(self, argv: list[str]) -> str | None:
        """Return what the tool printed; ``None`` if the node has no such tool, or the tool no answer."""
        try:
            completed = self._runner.run(argv)
        except Unavailable:
            return None
        return completed.text.strip() if completed.rc == 0 else None


def _provider(executable: str, unit: str | None, package: str | None) -> str:
    for mark, provider in _PROVIDERS:
        if mark in (unit or "") or f"/{mark}/" in executable or os.path.basename(executable) == mark:
            return provider
    if package is None:
        return "unpacked"
    return "docker" if package == _PACKAGE_OF_DOCKER else "distribution"
