# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the services between two looks at a node, and why."""

from __future__ import annotations

import dataclasses
import typing as t

_SHOWN_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class Program:
    """A program of the archive that a service consists of.

    Attributes:
        name: of its file.
        component: what the archive's README.md calls the component.
    """

    name: str
    component: str


_CONTAINERD = Program("containerd", "containerd")
_BUILDKIT = Program("buildkitd", "BuildKit")
_ROOTLESSKIT = Program("rootlesskit", "RootlessKit")


@dataclasses.dataclass(frozen=True)
class Binary:
    """What a process runs.

    Attributes:
        sha256: of the program; empty if that is not known.
        version: of the component; if the generation does not tell it, the beginning of the checksum.
    """

    sha256: str = ""
    version: str = "of unknown version"


@dataclasses.dataclass(frozen=True)
class Running:
    """A service at one time.

    Attributes:
        pid: its main process; ``None`` if it does not run.
        binaries: what it runs, in the order of its programs.
    """

    pid: int | None
    binaries: tuple[Binary, ...]


def restart_lines(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> list[str]:
    """Return a sentence about each service that ran at one of two times.

    Args:
        before: what ``toolchain_info`` returned with ``drift``.
        after: what it returned later.
    """
    services = sorted({**before["units"], **after["units"]}, key=lambda service: (service != "containerd", service))
    lines = (_line(service, _running(service, before), _running(service, after)) for service in services)
    return [line for line in lines if line]


def _programs(service: str) -> tuple[Program, ...]:
    """Return the programs of a service; the first is what everybody takes for it."""
    if service == "containerd":
        return (_CONTAINERD,)
    # All others are BuildKit's: one for each namespace, and one without root.
    return (_BUILDKIT, _ROOTLESSKIT) if service == "buildkit-rootless" else (_BUILDKIT,)


def _running(service: str, toolchain: t.Mapping[str, t.Any]) -> Running:
    pid = (toolchain["units"].get(service) or {}).get("main_pid")
    binaries = (_binary(service, pid, program, toolchain) for program in _programs(service))
    return Running(pid, tuple(binaries))


def _binary(service: str, pid: int | None, program: Program, toolchain: t.Mapping[str, t.Any]) -> Binary:
    wanted = (f"{service}.service", program.name)
    processes = [each for each in toolchain.get("running", []) if (each["unit"], each["program"]) == wanted]
    if not processes:
        return Binary()
    # The main process, if it is one of them.
    process = min(processes, key=lambda each: (each["pid"] != pid, each["pid"]))
    generation = toolchain.get("generation") or {}
    stated = generation.get("components", {}).get(program.component)
    # The same program may lie in an earlier generation, too.
    if stated and (process["is_installed"] or process["generation"] == generation.get("name")):
        return Binary(process["sha256"], stated)
    return Binary(process["sha256"], f"sha256:{process['sha256'][:_SHOWN_DIGITS]}")


def _line(service: str, before: Running, after: Running) -> str:
    if before.pid is None and after.pid is None:
        return ""
    if before.pid is None:
        return f"{service} started: binary {after.binaries[0].version}"
    if after.pid is None:
        return f"{service} stopped: binary {before.binaries[0].version}"
    if before.pid == after.pid:
        return f"{service} not restarted: PID {after.pid} runs binary {after.binaries[0].version}"
    return f"{service} restarted: {_reason(service, before, after)}"


def _reason(service: str, before: Running, after: Running) -> str:
    programs = _programs(service)
    moves = [
        _move("binary" if program == programs[0] else program.name, then, now)
        for program, then, now in zip(programs, before.binaries, after.binaries)
        if then.sha256 != now.sha256
    ]
    if moves:
        return "; ".join(moves)
    return f"its configuration or its unit changed, the binary is {after.binaries[0].version} as before"


def _move(name: str, before: Binary, after: Binary) -> str:
    if before.version == after.version:
        digests = " → ".join(f"sha256:{each.sha256[:_SHOWN_DIGITS]}" for each in (before, after))
        return f"another {name} of version {after.version} ({digests})"
    return f"{name} {before.version} → {after.version}"
