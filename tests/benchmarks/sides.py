# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is compared: sides that run in turn, so that a machine whose speed drifts slows all of them alike."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from lab import console

from benchmarks.nodes import BenchNode

CHANGED = '"changed": true'
UNCHANGED = '"changed": false'


@dataclass(frozen=True)
class Side:
    """One of the commands that are compared.

    Attributes:
        name: what it is called in the tables.
        node: where it runs.
        run: the shell command that is timed.
        prepare: a shell command that is run before, and not timed.
        expect: what *run* must print, so that a command which does not do its work cannot be fast.
        remark: what a reader must know of the result.
    """

    name: str
    node: BenchNode
    run: str
    prepare: str = "true"
    expect: str = ""
    remark: str = ""


@dataclass(frozen=True)
class Timing:
    """The seconds that each round of one side took."""

    seconds: tuple[float, ...]
    remark: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    def __str__(self) -> str:
        spread = f"({min(self.seconds):.2f}, {max(self.seconds):.2f})"
        return " ".join(filter(None, (f"{self.median:.2f} s", spread, self.remark)))


def compare(title: str, sides: Sequence[Side], rounds: int) -> dict[str, Timing]:
    """Run each of *sides* once a round, in turn, and return what each took, by its name."""
    seconds: dict[str, list[float]] = {side.name: [] for side in sides}
    with console.step(f"{title}, {rounds} rounds") as step:
        for number in range(1, rounds + 1):
            for side in sides:
                step.report(f"round {number}: {side.name}")
                took = side.node.seconds(prepare=side.prepare, run=side.run, expect=side.expect)
                seconds[side.name].append(took)
    return {side.name: Timing(tuple(seconds[side.name]), side.remark) for side in sides}
