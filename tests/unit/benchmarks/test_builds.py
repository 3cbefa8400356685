# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which builds the benchmarks measure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from benchmarks import builds
from benchmarks.report import NOT_MEASURED
from benchmarks.topic import Results


class FakeNode:
    """A node on which everything takes a second."""

    def __init__(self) -> None:
        self.timed: list[dict[str, str]] = []
        self.in_memory: set[str] = set()

    @contextlib.contextmanager
    def stores_in_memory(self, services: Sequence[str], stores: Sequence[str]) -> Iterator[None]:
        self.in_memory.update(stores)
        yield
        self.in_memory.difference_update(stores)

    def run(self, command: str, data: bytes = b"") -> str:
        return ""

    def program(self, name: str, *arguments: object) -> str:
        return name

    def module_command(self, module: str, arguments: dict[str, Any]) -> str:
        return f"{module} {arguments}"

    def seconds(self, **plan: str) -> float:
        assert self.in_memory == {*builds.CONTAINERD_STORES, *builds.DOCKER_STORES}
        self.timed.append(plan)
        return 1.0

    def peak_memory(self, module_command: str) -> tuple[int, int]:
        return 1, 1


@pytest.fixture
def results() -> Results:
    node: Any = FakeNode()
    return builds.measure(node, node, 1)


def test_every_way_is_measured_where_it_has_something_of_its_own(results: Results) -> None:
    _names, *columns = results.table.headings
    lacking = {
        (name, column)
        for name, *cells in results.table.rows
        for column, cell in zip(columns, cells)
        if cell == NOT_MEASURED
    }
    ours = [f"image_build, {backend}, all files read" for backend in ("nerdctl", "buildctl", "buildah")]
    # Files are read whenever a build is made.
    expected = {(name, heading) for name in ours for heading in (builds.ONE_FILE, builds.COLD)}
    expected |= {(name, builds.COLD) for name in ("podman_image, force: true", "docker_image_build, rebuild: always")}
    assert lacking == expected


def test_each_backend_has_a_goal_for_nothing_and_one_for_a_change(results: Results) -> None:
    assert len(results.goals) == 6
    assert all(goal.met for goal in results.goals)
    assert len(results.peaks) == 3
