# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything about the toolchain on a node, looked at and left alone."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._advisories import AS_OF
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    ContainerdOwner,
    OwnerFinder,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._drift import find_drift, running_programs
from ansible_collections.nephoran.container_build.plugins.module_utils._exposure import Exposure, Installed
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import components, read_sums
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import (
    GenerationStore,
    Layout,
    version_of,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import (
    ProcessTable,
    listener,
    socket_peer,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._systemd import Systemd
from ansible_collections.nephoran.container_build.plugins.module_utils._tools import Tool, Tools

UNITS = ("containerd", "buildkit", "buildkit-rootless")
# One daemon for each namespace: buildkit@NAMESPACE.
_WITH_INSTANCES = "buildkit"
# The tool whose version stands for a component of the table of advisories.
_ADVISED = {"runc": "runc", "buildkit": "buildkitd", "buildah": "buildah"}
_OF_PACKAGES = "/usr/"
_OF_ADMINISTRATORS = "/usr/local/"


@dataclasses.dataclass(frozen=True)
class Places:
    """Where things are looked for.

    Attributes:
        layout: the installation.
        address: containerd's socket.
        buildkit_address: BuildKit's socket.
        cni_bin_dirs: the folders of CNI plugins besides the installation's own.
    """

    layout: Layout
    address: str
    buildkit_address: str
    cni_bin_dirs: tuple[str, ...]


class Toolchain:
    """The toolchain on this node.

    Args:
        places: where things are looked for.
        runner: starts processes.
        timeout: seconds that one of them may take.
        processes: the node's processes.
        systemd: the node's units.
        peer: gives the process that listens on a socket.
        exposure: finds the advisories that touch what is installed.
    """

    def __init__(
        self,
        places: Places,
        runner: Runner,
        timeout: int,
        *,
        processes: ProcessTable | None = None,
        systemd: Systemd | None = None,
        peer: t.Callable[[str], int | None] = socket_peer,
        exposure: Exposure | None = None,
    ) -> None:
        self._places = places
        self._processes = processes or ProcessTable()
        self._exposure = exposure or Exposure(runner, timeout)
        self._tools = Tools(places.layout, places.cni_bin_dirs, runner, timeout)
        self._systemd = systemd or Systemd(runner)
        self._peer = peer
        self._owner_finder = OwnerFinder(places.layout, runner, self._processes, self._systemd, peer)

    def look(self, *, drift: bool = False) -> dict[str, t.Any]:
        """Return all that is known of the toolchain, ready to be returned by a module.

        Args:
            drift: whether to read every file of the generation, and every program that runs.

        Raises:
            Unavailable: this user may not use containerd's socket.
            InvalidInput: something stands in the installation's place that it did not lay down.
            IntegrityError: the list of the generation's files is gone or damaged.
        """
        tools = self._tools.all()
        owner = self._owner_finder.find(self._places.address)
        if owner.running and owner.address is not None:
            # A running daemon may be older than the program that lies on the disk.
            version = self._tools.server_version(tools["ctr"], owner.address) or owner.version
            owner = dataclasses.replace(owner, version=version)
        installed = _advised(tools, owner)
        ctr = tools["ctr"]
        exposed = self._exposure.of(installed, ctr.path if ctr else None, owner.address if owner.running else None)
        found = {
            "tools": {name: dataclasses.asdict(tool) if tool else None for name, tool in tools.items()},
            "containerd": owner.as_result(),
            "units": self._units(),
            "sockets": self._sockets(owner),
            "generation": self._generation(),
            "advisories": [each.as_result() for each in exposed],
            "advisories_as_of": AS_OF,
        }
        return {**found, **self._drift()} if drift else found

    def _drift(self) -> dict[str, t.Any]:
        layout = self._places.layout
        current = GenerationStore(layout).current()
        if current is None:
            return {"drift": None, "running": []}
        folder = layout.generation(current)
        running = running_programs(layout, read_sums(folder), self._processes)
        return {
            "drift": {key: list(paths) for key, paths in dataclasses.asdict(find_drift(folder)).items()},
            "running": [program.as_result() for program in running],
        }

    def _units(self) -> dict[str, dict[str, t.Any] | None]:
        names = [*UNITS, *(name.removesuffix(".service") for name in self._systemd.instances(_WITH_INSTANCES))]
        found = self._systemd.units(*(f"{name}.service" for name in names))
        units = {name: found.get(f"{name}.service") for name in names}
        return {name: unit.as_result() if unit else None for name, unit in units.items()}

    def _sockets(self, owner: ContainerdOwner) -> dict[str, dict[str, t.Any]]:
        places = self._places
        buildkit = listener(places.buildkit_address, self._peer)
        serves = owner.running and owner.address == places.address
        return {
            "containerd": _socket(places.address, owner.pid if serves else None, serves),
            "buildkit": _socket(places.buildkit_address, buildkit or None, buildkit is not None),
        }

    def _generation(self) -> dict[str, t.Any] | None:
        store = GenerationStore(self._places.layout)
        current = store.current()
        names = store.names()
        if current is None and not names:
            return None
        return {
            "name": current,
            "version": version_of(current) if current else None,
            "path": self._places.layout.generation(current) if current else None,
            "components": components(self._places.layout.generation(current)) if current else {},
            "installed": names,
        }


def _advised(tools: t.Mapping[str, Tool | None], owner: ContainerdOwner) -> list[Installed]:
    """Return what the table of advisories can be asked about."""
    found = []
    if owner.version is not None:
        found.append(Installed("containerd", owner.version, owner.package if owner.kind == FOREIGN else None))
    for component, name in _ADVISED.items():
        tool = tools[name]
        if tool is not None and tool.version is not None:
            found.append(Installed(component, tool.version, name if _is_packaged(tool.path) else None))
    return found


def _is_packaged(path: str) -> bool:
    return path.startswith(_OF_PACKAGES) and not path.startswith(_OF_ADMINISTRATORS)


def _socket(path: str, pid: int | None, serving: bool) -> dict[str, t.Any]:
    return {"path": path, "exists": os.path.exists(path), "serving": serving, "pid": pid}
