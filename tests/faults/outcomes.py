# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the outcomes of tests to the outcome of each fault."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["passed", "failed", "skipped"]

MET = "met"
NOT_MET = "not met"
NOT_RUN = "not run"
NEEDS_A_VM = "needs a VM"
MARKS = (
    "<!-- The table below is written by make faults. -->",
    "<!-- The table above is written by make faults. -->",
)


@dataclass(frozen=True)
class Shown:
    """What a test showed of a fault.

    :param fault: its number.
    :param test: the test's name.
    :param verdict: how the test ended, set-up and clean-up included.
    :param detail: what is worth telling: figures of a test that passed, the reason of one that did not.
    """

    fault: int
    test: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    fault: int
    name: str
    outcome: str
    detail: str


def table(faults: Mapping[int, str], needs_a_vm: Mapping[int, str], shown: Iterable[Shown]) -> list[Row]:
    """Return a line for each fault, in the order of their numbers.

    A fault is met if each of its tests passed, and there was one. What needs a virtual machine is told even where the
    rest was met.
    """
    tests: dict[int, list[Shown]] = {}
    for one in shown:
        tests.setdefault(one.fault, []).append(one)
    return [_row(number, faults[number], needs_a_vm.get(number), tests.get(number, [])) for number in sorted(faults)]


def _row(number: int, name: str, vm: str | None, tests: list[Shown]) -> Row:
    failed = [test for test in tests if test.verdict == "failed"]
    skipped = [test for test in tests if test.verdict == "skipped"]
    passed = [test for test in tests if test.verdict == "passed"]
    if failed:
        detail = "; ".join(f"{test.test}: {test.detail}" for test in failed)
        return Row(number, name, NOT_MET, detail)
    if skipped:
        detail = "; ".join(f"{test.test}: {test.detail}" for test in skipped)
        return Row(number, name, NOT_RUN, detail)
    details = list(dict.fromkeys(test.detail for test in passed if test.detail))
    if vm is not None:
        return Row(number, name, f"{MET}, {NEEDS_A_VM}" if passed else NEEDS_A_VM, "; ".join([*details, vm]))
    return Row(number, name, MET if passed else NOT_RUN, "; ".join(details))


def lines(rows: Iterable[Row]) -> list[str]:
    """Return the table as text."""
    return [f"{row.fault:>3}  {row.outcome:16} {row.name:42} {row.detail}".rstrip() for row in rows]


def markdown(rows: Iterable[Row]) -> str:
    """Return the table for a document."""
    cells = [(str(row.fault), row.name, row.outcome, row.detail.replace("|", "\\|")) for row in rows]
    headings = [("#", "fault", "outcome", "what was seen"), ("---:", "---", "---", "---")]
    return "".join(f"| {' | '.join(line)} |\n" for line in [*headings, *cells])


def replace_table(text: str, table_text: str) -> str:
    """Return a document with *table_text* between its marks.

    :raises ValueError: if it has no marks.
    """
    before, first, rest = text.partition(MARKS[0])
    _old, last, after = rest.partition(MARKS[1])
    if not first or not last:
        raise ValueError(f"the document has no marks {MARKS}")
    return f"{before}{first}\n\n{table_text}\n{last}{after}"


def summary(rows: Iterable[Row]) -> str:
    """Return how many faults have which outcome."""
    counts: dict[str, int] = {}
    for row in rows:
        counts[row.outcome] = counts.get(row.outcome, 0) + 1
    return ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
