# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmarks make of their measurements."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmarks import __main__ as command
from benchmarks.document import BEGIN, END, replace_figures
from benchmarks.memory import Peak, memory_goal
from benchmarks.report import at_least, at_most, timing_table
from benchmarks.sides import Timing
from benchmarks.table import Table, goals_table, markdown
from benchmarks.topic import Results
from rich.console import Console

FAST, SLOW = Timing((0.2, 0.1, 9.0)), Timing((2.0,), "(stale)")


def test_the_median_counts_and_the_extremes_are_shown() -> None:
    assert FAST.median == 0.2
    assert str(FAST) == "0.20 s (0.10, 9.00)"
    assert str(SLOW) == "2.00 s (2.00, 2.00) (stale)"


def test_what_was_not_measured_is_shown_as_such() -> None:
    table = timing_table("title", {"one": {"ours": FAST}, "two": {"ours": FAST, "theirs": SLOW}}, ["ours", "theirs"])
    assert table.headings[1:] == ("one", "two")
    assert table.rows == (("ours", str(FAST), str(FAST)), ("theirs", "-", str(SLOW)))


@pytest.mark.parametrize(("measured", "most", "least"), [(1.9, True, False), (2.0, True, True), (2.1, False, True)])
def test_a_goal_may_be_missed(measured: float, most: bool, least: bool) -> None:
    assert at_most("", measured, 2.0).met is most
    assert at_least("", measured, 2.0, "times").met is least


def test_the_largest_module_is_held_against_the_limit() -> None:
    small, large = Peak("small", 30_000_000, 90_000_000), Peak("large", 61_000_000, 1)
    assert memory_goal([small]).met
    assert not memory_goal([small, large]).met
    assert "large" in memory_goal([large, small]).text


def test_a_table_in_markdown() -> None:
    lines = markdown(goals_table([at_most("fast", 3.0, 2.0), at_most("small", 1.0, 2.0)])).splitlines()
    assert lines[0] == "### Goals"
    assert lines[2] == "| goal | measured |  |"
    assert lines[4:] == [
        "| fast | 3.00 s, wanted at most 2.00 s | not met |",
        "| small | 1.00 s, wanted at most 2.00 s | met |",
    ]


def test_figures_replace_those_of_the_last_run_and_nothing_else(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(f"before\n{BEGIN}old\n{END}after\n", encoding="utf-8")
    for figures in ("first\n", "second\n"):
        replace_figures(document, figures)
        assert document.read_text(encoding="utf-8") == f"before\n{BEGIN}\n{figures}\n{END}after\n"


@pytest.mark.parametrize("text", ["", BEGIN, END, BEGIN + BEGIN + END])
def test_a_document_without_its_marks_is_left_alone(tmp_path: Path, text: str) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match="must have each of these lines once"):
        replace_figures(document, "figures")
    assert document.read_text(encoding="utf-8") == text


def test_a_topic_without_memory_has_its_figures_and_goals() -> None:
    table, goal = Table("title", ("",), (("ours",),)), at_most("fast", 1.0, 2.0, "s")
    tables, goals = command._measure([lambda: Results(table, (goal,), ())], Console(quiet=True))
    assert tables[0] == table
    assert goals == [goal]
