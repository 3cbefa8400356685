# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of the services between two looks at a node, and why."""

from __future__ import annotations

import dataclasses
import typing as t

_SHOWN_DIGITS = 12


@dataclasses.dataclass(frozen=True)
class Service:
    """A service that runs from the archive.

    Attributes:
        unit: the key under which ``toolchain_info`` has it.
        program: the program that it runs.
        component: what the archive's README.md calls the component.
    """

    unit: str
    program: str
    component: str


SERVICES = (Service("containerd", "containerd", "containerd"), Service("buildkit", "buildkitd", "BuildKit"))


@dataclasses.dataclass(frozen=True)
class Running:
    """The process of a service.

    Attributes:
        pid: its number; ``None`` if the service does not run.
        sha256: of the program that it runs; empty if that is not known.
        version: of the component; if the generation does not tell it, the beginning of the checksum.
    """

    pid: int | None
    sha256: str
    version: str


def restart_lines(before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> list[str]:
    """Return a sentence about each service that ran at one of two times.

    Args:
        before: what ``toolchain_info`` returned with ``drift``.
        after: what it returned later.
    """
    lines = (_line(service.unit, _running(service, before), _running(service, after)) for service in SERVICES)
    return [line for line in lines if line]


def _running(service: Service, toolchain: t.Mapping[str, t.Any]) -> Running:
    unit = toolchain["units"].get(service.unit) or {}
    pid = unit.get("main_pid")
    programs = {program["pid"]: program for program in toolchain.get("running", [])}
    program = programs.get(pid)
    if program is None:
        return Running(pid, "", "of unknown version")
    generation = toolchain.get("generation") or {}
    stated = generation.get("components", {}).get(service.component)
    # The same program may lie in an earlier generation, too.
    if stated and (program["is_installed"] or program["generation"] == generation.get("name")):
        return Running(pid, program["sha256"], stated)
    return Running(pid, program["sha256"], f"sha256:{program['sha256'][:_SHOWN_DIGITS]}")


def _line(name: str, before: Running, after: Running) -> str:
    if before.pid is None and after.pid is None:
        return ""
    if before.pid is None:
        return f"{name} started: binary {after.version}"
    if after.pid is None:
        return f"{name} stopped: binary {before.version}"
    if before.pid == after.pid:
        return f"{name} not restarted: PID {after.pid} runs binary {after.version}"
    return f"{name} restarted: {_reason(before, after)}"


def _reason(before: Running, after: Running) -> str:
    if before.sha256 == after.sha256:
        return f"its configuration or its unit changed, the binary is {after.version} as before"
    if before.version == after.version:
        digests = " → ".join(f"sha256:{each.sha256[:_SHOWN_DIGITS]}" for each in (before, after))
        return f"another binary of version {after.version} ({digests})"
    return f"binary {before.version} → {after.version}"
