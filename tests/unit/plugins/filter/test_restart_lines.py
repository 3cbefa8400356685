# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every restart has a reason."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("ansible.errors", reason="filters run on the controller's Python")

from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.filter.restart_lines import FilterModule

restart_lines = FilterModule().filters()["restart_lines"]


def looked(
    pid: int | None = 10, sha256: str = "a" * 64, stated: str = "2.2.1", generation: str = "2.2.1-1", runs: str = ""
) -> dict[str, t.Any]:
    """Return what toolchain_info says of a node with containerd alone."""
    running = [
        {
            "pid": pid,
            "program": "containerd",
            "unit": "containerd.service",
            "sha256": sha256,
            "generation": runs or generation,
            "is_installed": not runs,
        }
    ]
    return {
        "units": {"containerd": {"main_pid": pid}, "buildkit": None},
        "generation": {"name": generation, "components": {"containerd": stated}},
        "running": running if pid else [],
    }


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        (looked(), looked(), "containerd not restarted: PID 10 runs binary 2.2.1"),
        (looked(), looked(11, "b" * 64, "2.2.5"), "containerd restarted: binary 2.2.1 → 2.2.5"),
        (
            looked(),
            looked(11, "b" * 64),
            "containerd restarted: another binary of version 2.2.1 (sha256:aaaaaaaaaaaa → sha256:bbbbbbbbbbbb)",
        ),
        (
            looked(),
            looked(11),
            "containerd restarted: its configuration or its unit changed, the binary is 2.2.1 as before",
        ),
        # It runs from a generation that serves no more, whose versions nobody tells.
        (
            looked(runs="2.2.0-1"),
            looked(11, "b" * 64, "2.2.5"),
            "containerd restarted: binary sha256:aaaaaaaaaaaa → 2.2.5",
        ),
        (looked(None), looked(), "containerd started: binary 2.2.1"),
        (looked(), looked(None), "containerd stopped: binary 2.2.1"),
    ],
)
def test_a_line_says_what_became_of_a_service(before: dict[str, t.Any], after: dict[str, t.Any], line: str) -> None:
    assert restart_lines(before, after) == [line]


def test_a_program_that_did_not_change_has_its_version_wherever_it_was_started() -> None:
    after = looked(generation="2.2.1-2", runs="2.2.1-1")
    after["running"][0]["is_installed"] = True
    assert restart_lines(looked(), after) == ["containerd not restarted: PID 10 runs binary 2.2.1"]


def test_a_service_that_never_ran_has_no_line() -> None:
    assert restart_lines(looked(None), looked(None)) == []


def buildkits(binaries: dict[str, list[tuple[str, str]]]) -> dict[str, t.Any]:
    """Return what toolchain_info says of services of BuildKit: the name and the sha256 of each program of each."""
    running = [
        {
            "pid": index * 10 + number,
            "program": name,
            "unit": f"{service}.service",
            "sha256": sha256,
            "generation": None,
            "is_installed": True,
        }
        for index, (service, programs) in enumerate(binaries.items(), 1)
        for number, (name, sha256) in enumerate(programs)
    ]
    units = {service: {"main_pid": index * 10} for index, service in enumerate(binaries, 1)}
    return {
        "units": {"containerd": None, **units},
        "generation": {"name": "2.2.1-1", "components": {"BuildKit": "0.26.3", "RootlessKit": "2.3.6"}},
        "running": running,
    }


def test_each_daemon_of_buildkit_has_a_line() -> None:
    old, new = [("buildkitd", "a" * 64)], [("buildkitd", "b" * 64)]
    before = buildkits({"buildkit": old, "buildkit@k8s.io": old})
    after = buildkits({"buildkit": old, "buildkit@other": old, "buildkit@k8s.io": new})
    after["generation"]["components"]["BuildKit"] = "0.27.0"
    assert restart_lines(before, after) == [
        "buildkit not restarted: PID 10 runs binary 0.27.0",
        "buildkit@k8s.io restarted: binary 0.26.3 → 0.27.0",
        "buildkit@other started: binary 0.27.0",
    ]


def test_a_daemon_without_root_may_be_restarted_for_what_it_runs_below() -> None:
    before = buildkits({"buildkit-rootless": [("rootlesskit", "c" * 64), ("buildkitd", "a" * 64)]})
    after = buildkits({"other": [], "buildkit-rootless": [("rootlesskit", "d" * 64), ("buildkitd", "a" * 64)]})
    after["generation"]["components"]["RootlessKit"] = "3.0.0"
    (line,) = (line for line in restart_lines(before, after) if line.startswith("buildkit-rootless"))
    assert line == "buildkit-rootless restarted: rootlesskit 2.3.6 → 3.0.0"


def test_without_a_generation_the_checksum_stands_for_the_version() -> None:
    before, after = looked(), looked(11, "b" * 64)
    before["generation"] = None
    before["running"][0]["is_installed"] = False
    assert restart_lines(before, after) == ["containerd restarted: binary sha256:aaaaaaaaaaaa → 2.2.1"]


@pytest.mark.parametrize("wrong", [None, {}, "text"])
def test_something_else_is_refused(wrong: object) -> None:
    with pytest.raises(AnsibleFilterError, match="toolchain_info"):
        restart_lines(wrong, looked())
