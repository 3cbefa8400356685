# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds tools from their Go modules, each into a folder of the cache that stays until one of its inputs changes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from lab import console, paths, prerequisites
from lab.errors import LabError
from lab.toolchain.golang import Go, machine_architecture
from lab.toolchain.modules import GoTool, PatchedSource
from lab.toolchain.scratch import scratch

CACHE_GIBIBYTES = 1.0
GO_CACHES_GIBIBYTES = 4.0
C_TOOLS = ("gcc", "libc6-dev", "pkg-config")


def inputs_digest(tool: GoTool, arch: str, go_version: str) -> str:
    """The digest (hexadecimal SHA-256) of everything that decides what a build of the tool gives."""
    inputs = hashlib.sha256(json.dumps([asdict(tool), arch, go_version], sort_keys=True).encode())
    for name in ("go.mod", "go.sum"):
        inputs.update(hashlib.sha256((tool.directory / name).read_bytes()).digest())
    return inputs.hexdigest()


def ensure(tools: Sequence[GoTool], arch: str, go: Go) -> dict[str, Path]:
    """Build those of the tools that are not in the cache. The caller holds a lock that covers them.

    :returns: for each tool's name, the folder that holds its commands.
    :raises LabError: if a prerequisite is missing or a build fails; what was built before stays.
    """
    found = {tool.name: _cached_directory(tool, arch, go) for tool in tools}
    missing = [tool for tool in tools if not found[tool.name].is_dir()]
    if missing:
        _require_prerequisites(missing, arch, go)
    for tool in missing:
        _build(tool, arch, go, found[tool.name])
        _remove_superseded(tool, arch, found[tool.name])
    return found


def _cached_directory(tool: GoTool, arch: str, go: Go) -> Path:
    digest = inputs_digest(tool, arch, go.version)
    return paths.cache_directory("toolchain", "programs") / f"{tool.name}-{tool.version}-{arch}-{digest[:12]}"


def _remove_superseded(tool: GoTool, arch: str, current: Path) -> None:
    for prefix in ("", ".staged-"):
        for directory in current.parent.glob(f"{prefix}{tool.name}-v*-{arch}-*"):
            if directory != current:
                paths.remove(directory)


def _require_prerequisites(tools: Sequence[GoTool], arch: str, go: Go) -> None:
    cgo_tools = [tool for tool in tools if tool.uses_cgo]
    if cgo_tools and arch != machine_architecture():
        titles = ", ".join(tool.title for tool in cgo_tools)
        raise LabError(
            f"{titles} links C libraries of {arch}, so it cannot be built on this {machine_architecture()} machine.",
            remedy=f"Build it on an {arch} machine.",
        )
    if cgo_tools:
        prerequisites.ensure_debian_packages(
            [*C_TOOLS, *sorted({name for tool in cgo_tools for name in tool.cgo_packages})]
        )
    prerequisites.require_disk(paths.cache_directory("toolchain"), CACHE_GIBIBYTES)
    for directory in go.caches():
        directory.mkdir(parents=True, exist_ok=True)
        if not any(directory.iterdir()):
            prerequisites.require_disk(directory, GO_CACHES_GIBIBYTES)


def _build(tool: GoTool, arch: str, go: Go, final: Path) -> None:
    log = paths.cache_directory("toolchain", "logs") / f"{tool.name}-{arch}.log"
    with console.step(f"Building {tool.title} {tool.version} for {arch}") as step, paths.staged(final) as output:
        output.mkdir()
        with _workspace(tool, go) as workspace:
            go.build(tool, arch, workspace=workspace, output=output, log=log, on_line=step.report)
        absent = sorted(set(tool.programs) - set(os.listdir(output)))
        if absent:
            raise LabError(
                f"The build of {tool.title} gave no {', '.join(absent)}.", remedy=f"The whole output is in {log}."
            )


@contextlib.contextmanager
def _workspace(tool: GoTool, go: Go) -> Iterator[Path]:
    """The folder to build a tool in: its own, or a temporary one around a changed copy of the source."""
    if tool.patched is None:
        yield tool.directory
        return
    with scratch(tool.name) as workspace:
        for name in ("go.mod", "go.sum"):
            shutil.copy(tool.directory / name, workspace)
        _copy_source(go.source_of(tool), workspace / "source", tool.patched)
        _write_stand_ins(workspace / "stand-ins", tool.patched)
        yield workspace


def _copy_source(module: Path, copy: Path, patched: PatchedSource) -> None:
    left_out = {path for pattern in patched.left_out for path in module.glob(pattern)}
    if not left_out:
        raise LabError(f"{module} has no {', '.join(patched.left_out)}: the patch of this module is out of date.")

    def ignored(directory: str, names: list[str]) -> list[str]:
        return [name for name in names if Path(directory, name) in left_out]

    # Plain copies: the module cache is read-only, and its modes would keep the copy from being removed.
    shutil.copytree(module, copy, ignore=ignored, copy_function=shutil.copyfile)
    for directory, _names, _files in os.walk(copy):
        os.chmod(directory, 0o700)


def _write_stand_ins(directory: Path, patched: PatchedSource) -> None:
    for name, module in patched.stand_ins.items():
        (directory / name).mkdir(parents=True)
        (directory / name / "go.mod").write_text(f"module {module}\n\ngo 1.25\n", encoding="utf-8")
