# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a topic found: tables for people, and the goals with what was measured for each."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.sides import Timing

NOT_MEASURED = "-"


@dataclass(frozen=True)
class Table:
    """A table; the first column is text, the others are figures."""

    title: str
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Goal:
    """Something that a measurement is to show.

    Attributes:
        text: what is wanted.
        found: what was measured, in words.
        met: whether that is what was wanted.
    """

    text: str
    found: str
    met: bool


def timing_table(title: str, columns: Mapping[str, Mapping[str, Timing]], sides: Sequence[str]) -> Table:
    """Lay out timings with a row a side and a column a piece of work."""
    rows = [
        (side, *(str(timings[side]) if side in timings else NOT_MEASURED for timings in columns.values()))
        for side in sides
    ]
    return Table(title, ("median (least, most)", *columns), tuple(rows))


def at_most(text: str, measured: float, limit: float, unit: str = "s") -> Goal:
    """A goal that is met if *measured* is not above *limit*."""
    return Goal(text, f"{measured:.2f} {unit}, wanted at most {limit:.2f} {unit}", measured <= limit)


def at_least(text: str, measured: float, limit: float, unit: str) -> Goal:
    """A goal that is met if *measured* is not below *limit*."""
    return Goal(text, f"{measured:.1f} {unit}, wanted at least {limit:.1f} {unit}", measured >= limit)


def spread(values: Sequence[float]) -> str:
    """The median, and how far the others are from it."""
    return f"{statistics.median(values):.1f} ({min(values):.1f}, {max(values):.1f})"
