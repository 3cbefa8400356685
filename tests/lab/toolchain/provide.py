# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gives the toolchain: from the cache, else the release, else built."""

from __future__ import annotations

import hashlib
import inspect
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from lab import console, paths, prerequisites
from lab.errors import LabError
from lab.toolchain import archive, build, release, tree
from lab.toolchain.golang import Go, machine_architecture
from lab.toolchain.modules import CNI_PLUGINS, CONTAINERD, NERDCTL, NERDCTL_FULL, NERDCTL_FULL_VERSION, REGISTRY, GoTool
from lab.toolchain.scratch import scratch

Source = Literal["release", "built"]

LOCK = "toolchain"
ASSEMBLY_GIBIBYTES = 1.0


@dataclass(frozen=True)
class Toolchain:
    """A nerdctl-full archive."""

    path: Path
    sha256: str
    """Of the archive, hexadecimal."""
    version: str
    arch: str
    """Go's name of the architecture: ``amd64`` or ``arm64``."""
    source: Source


@dataclass(frozen=True)
class _Record:
    """What stands beside an archive in the cache: the proof that it is whole and still what the project asks for."""

    sha256: str
    source: Source
    inputs: str
    """For a built archive, the digest of everything that decided it; empty for the release."""
    size: int
    mtime_ns: int


def ensure(arch: str | None = None, source: Source | None = None) -> Toolchain:
    """Provide the nerdctl-full archive of the version under test.

    :param arch: ``amd64`` or ``arm64``; by default this machine's.
    :param source: insist on the release or on a build; by default the release is taken if it can be downloaded.
    :raises LabError: if a prerequisite is missing, a build fails, or the release was insisted on and cannot be had.
    """
    arch = arch or machine_architecture()
    with paths.locked(LOCK):
        return _from_cache(arch, source) or _made(arch, source)


def ensure_program(tool: GoTool, program: str, arch: str | None = None) -> Path:
    """Provide one command of a tool, built from its Go module.

    :raises LabError: if a prerequisite is missing or the build fails.
    """
    # Whoever wants the archive need not wait for a program that is no part of it.
    with paths.locked(LOCK if tool in NERDCTL_FULL else f"{LOCK}-{tool.name}"):
        return build.ensure([tool], arch or machine_architecture(), Go.find())[tool.name] / program


def ensure_registry_binary() -> Path:
    """Provide distribution's ``registry``, a static binary for this machine."""
    return ensure_program(REGISTRY, "registry")


def _archive_path(arch: str) -> Path:
    return paths.cache_directory("toolchain") / release.file_name(arch)


def _record_path(archive_path: Path) -> Path:
    return archive_path.with_name(f"{archive_path.name}.json")


def _from_cache(arch: str, source: Source | None) -> Toolchain | None:
    path = _archive_path(arch)
    record = _read_record(path)
    if record is None or source not in (None, record.source) or not _is_intact(path, record):
        return None
    if record.source == "built" and record.inputs != _inputs_digest(arch, Go.find()):
        return None
    return Toolchain(path, record.sha256, NERDCTL_FULL_VERSION, arch, record.source)


def _read_record(path: Path) -> _Record | None:
    try:
        return _Record(**json.loads(_record_path(path).read_text(encoding="utf-8")))
    # A record of an earlier form of this code is as good as none.
    except (FileNotFoundError, ValueError, TypeError):
        return None


def _write_record(path: Path, source: Source, inputs: str) -> _Record:
    status = path.stat()
    record = _Record(_sha256(path), source, inputs, status.st_size, status.st_mtime_ns)
    with paths.staged(_record_path(path)) as file:
        file.write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")
    return record


def _is_intact(path: Path, record: _Record) -> bool:
    """Whether the file is the recorded one. It is read only if something touched it since."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return False
    if status.st_size != record.size:
        return False
    return status.st_mtime_ns == record.mtime_ns or _sha256(path) == record.sha256


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _inputs_digest(arch: str, go: Go) -> str:
    inputs = hashlib.sha256()
    for tool in NERDCTL_FULL:
        inputs.update(build.inputs_digest(tool, arch, go.version).encode())
    # These two decide everything about the archive that no tool's inputs decide.
    for module in (tree, archive):
        inputs.update(inspect.getsource(module).encode())
    return inputs.hexdigest()


def _made(arch: str, source: Source | None) -> Toolchain:
    if source != "built":
        try:
            return _downloaded(arch)
        except release.NotDownloaded as error:
            if source == "release":
                raise LabError(f"The nerdctl-full release cannot be had. {error}.") from error
            console.say(f"The nerdctl-full release cannot be had, so it is built from Go modules. {error}.")
    return _built(arch)


def _downloaded(arch: str) -> Toolchain:
    path = _archive_path(arch)
    with paths.staged(path) as target, console.step(f"Downloading {path.name}") as step:
        release.download(arch, target, step.report)
    record = _write_record(path, "release", "")
    return Toolchain(path, record.sha256, NERDCTL_FULL_VERSION, arch, "release")


def _built(arch: str) -> Toolchain:
    go = Go.find()
    path = _archive_path(arch)
    programs = build.ensure(NERDCTL_FULL, arch, go)
    sources = {tool.name: go.source_of(tool) for tool in (NERDCTL, CONTAINERD, CNI_PLUGINS)}
    prerequisites.require_disk(path.parent, ASSEMBLY_GIBIBYTES)
    with console.step(f"Packing {path.name}") as step, scratch("tree") as root, paths.staged(path) as target:
        tree.assemble(root, programs, sources)
        archive.pack(root, target, step.report)
    record = _write_record(path, "built", _inputs_digest(arch, go))
    return Toolchain(path, record.sha256, NERDCTL_FULL_VERSION, arch, "built")
