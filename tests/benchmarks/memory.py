# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much memory modules have resident at their peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.nodes import BenchNode
from benchmarks.report import Goal, Table, at_most

LIMIT_MEGABYTES = 60


@dataclass(frozen=True)
class Peak:
    """The most that one run of a module had resident, in bytes.

    Attributes:
        name: the module, and what it worked on.
        own: the module's process.
        child: the largest process that it started.
    """

    name: str
    own: int
    child: int


def measure(node: BenchNode, name: str, module_command: str) -> Peak:
    """Run a module once and look at its memory."""
    return Peak(name, *node.peak_memory(module_command))


def memory_table(peaks: Sequence[Peak]) -> Table:
    """Lay out *peaks*."""
    rows = tuple((peak.name, f"{peak.own / 1e6:.0f} MB", f"{peak.child / 1e6:.0f} MB") for peak in peaks)
    return Table("Peak memory", ("", "the module", "largest process it starts"), rows)


def memory_goal(peaks: Sequence[Peak]) -> Goal:
    """The goal for the largest of *peaks*."""
    largest = max(peaks, key=lambda peak: peak.own)
    text = f"peak memory of a module, whatever the size (largest: {largest.name})"
    return at_most(text, largest.own / 1e6, LIMIT_MEGABYTES, "MB")
