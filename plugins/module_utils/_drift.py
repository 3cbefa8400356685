# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the files of a generation, and the programs that run, are what the archive's list of checksums says."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._file_digest import file_digest
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    SERVICES,
    SUMS_PATH,
    read_sums,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import Process, ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._tar_extract import link_stays_inside

DAEMONS = frozenset(os.path.basename(program) for program in SERVICES)
SHIM_PREFIX = "containerd-shim"


@dataclasses.dataclass(frozen=True)
class Drift:
    """How the files of a generation differ from its list.

    Attributes:
        changed: those with another content.
        missing: those that are gone.
        added: those that are not listed.
    """

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]


def find_drift(folder: str) -> Drift:
    """Compare every file below *folder*, a generation's, with the list in it; all of them are read.

    Raises:
        IntegrityError: the list is gone or damaged.
    """
    sums = read_sums(folder)
    found = {path: file_digest(os.path.join(folder, path)) for path in sums}
    listed = {*sums, SUMS_PATH}
    return Drift(
        changed=tuple(sorted(path for path, digest in found.items() if digest is not None and digest != sums[path])),
        missing=tuple(sorted(path for path, digest in found.items() if digest is None)),
        added=tuple(sorted(path for path in _files_below(folder) if path not in listed)),
    )


def _files_below(folder: str) -> t.Iterator[str]:
    """Yield every file, and every link but those within the folder, which archives do not have to list."""
    for parent, folders, names in os.walk(folder):
        for name in (*folders, *names):
            full = os.path.join(parent, name)
            path = os.path.relpath(full, folder)
            if os.path.islink(full):
                if not link_stays_inside(path, os.readlink(full)):
                    yield path
            elif name in names:
                yield path


@dataclasses.dataclass(frozen=True)
class RunningProgram:
    """A process of the toolchain, and whether it runs what is installed.

    Attributes:
        pid: its number.
        program: the program's name.
        path: the file that it was started from, whether or not that is still there.
        sha256: of the program that it runs.
        generation: the generation that the file lies in; ``None`` if in none.
        expected: the sha256 of that program in the generation that serves; ``None`` if it has none of this name.
        unit: the systemd service that the process belongs to; ``None`` if to none.
    """

    pid: int
    program: str
    path: str
    sha256: str
    generation: str | None
    expected: str | None
    unit: str | None

    @property
    def is_installed(self) -> bool:
        """Whether the process runs what the generation that serves holds."""
        return self.sha256 == self.expected

    def as_result(self) -> dict[str, t.Any]:
        """Return it as a module returns it."""
        return {**dataclasses.asdict(self), "is_installed": self.is_installed}


def running_programs(layout: Layout, sums: t.Mapping[str, str], processes: ProcessTable) -> list[RunningProgram]:
    """Return the daemons and shims that run, with what they run.

    Args:
        layout: the installation.
        sums: the list of the generation that serves.
        processes: the node's processes.
    """
    digests: dict[tuple[int, int], str | None] = {}
    found = []
    for process in sorted(processes.running(), key=lambda each: each.pid):
        name = os.path.basename(process.executable)
        if name not in DAEMONS and not name.startswith(SHIM_PREFIX):
            continue
        digest = _digest(process, processes, digests)
        if digest is not None:
            generation = layout.generation_of(process.executable)
            expected = sums.get(f"bin/{name}")
            unit = processes.unit(process.pid)
            found.append(RunningProgram(process.pid, name, process.executable, digest, generation, expected, unit))
    return found


def _digest(process: Process, processes: ProcessTable, known: dict[tuple[int, int], str | None]) -> str | None:
    """Return the sha256 of what *process* runs; a node has one shim for each Pod, and they run the same file."""
    identity = processes.program_identity(process.pid)
    if identity is None:
        return None
    if identity not in known:
        known[identity] = processes.program_digest(process.pid)
    return known[identity]
