# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fault is met only if all of its tests passed."""

from __future__ import annotations

import pytest
from faults import outcomes
from faults.outcomes import Shown
from faults.rows import FAULTS, NEEDS_A_VM

NAMES = {1: "one"}


def outcome(*shown: Shown, vm: bool = False) -> str:
    (row,) = outcomes.table(NAMES, {1: "the rest"} if vm else {}, shown)
    return row.outcome


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["passed", "passed"], "met"),
        (["passed", "failed", "passed"], "not met"),
        (["passed", "skipped"], "not run"),
        (["failed", "skipped"], "not met"),
        ([], "not run"),
    ],
)
def test_all_tests_of_a_fault_count(verdicts: list[outcomes.Verdict], expected: str) -> None:
    assert outcome(*(Shown(1, f"test {number}", verdict) for number, verdict in enumerate(verdicts))) == expected


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [(["passed"], "met, needs a VM"), (["failed"], "not met"), ([], "needs a VM")],
)
def test_what_needs_a_vm_is_said_whatever_the_rest(verdicts: list[outcomes.Verdict], expected: str) -> None:
    assert outcome(*(Shown(1, "test", verdict) for verdict in verdicts), vm=True) == expected


def test_the_reason_and_the_figures_stand_in_the_table() -> None:
    shown = [Shown(1, "first", "passed", "91 points"), Shown(2, "second", "failed", "it broke")]
    rows = outcomes.table({1: "one", 2: "two", 3: "three"}, {}, shown)
    assert [row.detail for row in rows] == ["91 points", "second: it broke", ""]
    assert outcomes.lines(rows)[1].split() == ["2", "not", "met", "two", "second:", "it", "broke"]
    assert outcomes.summary(rows) == "1 met, 1 not met, 1 not run"


def test_a_document_gets_the_table_between_its_marks() -> None:
    first, last = outcomes.MARKS
    rows = outcomes.table({1: "one"}, {}, [Shown(1, "test", "passed", "a | b")])
    document = outcomes.replace_table(f"# Faults\n{first}\nold\n{last}\nend\n", outcomes.markdown(rows))
    assert document == (
        f"# Faults\n{first}\n\n| # | fault | outcome | what was seen |\n| ---: | --- | --- | --- |\n"
        f"| 1 | one | met | a \\| b |\n\n{last}\nend\n"
    )
    with pytest.raises(ValueError, match="no marks"):
        outcomes.replace_table("# Faults\n", "")


def test_every_fault_has_a_number_in_turn() -> None:
    assert list(FAULTS) == list(range(1, 51))
    assert NEEDS_A_VM.keys() <= FAULTS.keys()
