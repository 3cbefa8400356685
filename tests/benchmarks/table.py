# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Shows tables and goals: on the terminal, and in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import rich.table
from rich import box
from rich.console import Console

from benchmarks.report import Goal, Table

_GOALS = ("goal", "measured", "")
_MET, _MISSED = "met", "not met"


def goals_table(goals: Sequence[Goal]) -> Table:
    """Return the goals as a table."""
    rows = tuple((goal.text, goal.found, _MET if goal.met else _MISSED) for goal in goals)
    return Table("Goals", _GOALS, rows)


def show(console: Console, table: Table) -> None:
    """Print a table for a person."""
    shown = rich.table.Table(title=table.title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD)
    for number, heading in enumerate(table.headings):
        shown.add_column(heading, justify="right" if number else "left")
    for row in table.rows:
        style = {_MET: "green", _MISSED: "yellow"}.get(row[-1], "")
        shown.add_row(*row, style=style)
    console.print(shown)


def markdown(table: Table) -> str:
    """Return a table as Markdown, with its title as a heading."""
    lines = [table.headings, ("---", *("---:" for _heading in table.headings[1:])), *table.rows]
    return f"### {table.title}\n\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines)
