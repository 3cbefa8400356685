# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m benchmarks`: measures everything on two fresh nodes, shows it, and keeps it in docs/benchmarks.md."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import click
from lab import console as lab_console
from rich.console import Console

from benchmarks import additions, builds, hashing, imports, machine
from benchmarks.document import replace_figures
from benchmarks.memory import Peak, memory_goal, memory_table
from benchmarks.nodes import CHECKOUT, make_nodes
from benchmarks.report import Goal, Table
from benchmarks.table import goals_table, markdown, show
from benchmarks.topic import Results

ROUNDS = 5
MEGABYTES = (10, 100, 1000)
GIGABYTES = 4.0
LOG_WIDTH = 150
TOPICS = ("imports", "builds", "additions", "hashing")
# So that all is done in about a quarter of an hour.
NEVER_MEASURED = (
    f"{imports.SAVE_LOAD} of more than {imports.SAVE_LOAD_MEGABYTES_MAX} MB",
    f"a context of more than {GIGABYTES:g} GB (--gigabytes 10 measures one)",
)
DOCUMENT = CHECKOUT / "docs" / "benchmarks.md"


@click.command()
@click.option("--rounds", default=ROUNDS, show_default=True, help="Runs of each side.")
@click.option("--only", "chosen", multiple=True, type=click.Choice(TOPICS), help="Only this topic; may be repeated.")
@click.option("--megabytes", multiple=True, default=MEGABYTES, show_default=True, help="Sizes of imported images.")
@click.option("--gigabytes", default=GIGABYTES, show_default=True, help="Size of the large context.")
@click.option("--kind", default="debian13", show_default=True, help="Kind of the nodes.")
@click.option("--prefix", default="bench", show_default=True, help="What the nodes' names begin with; they stay.")
def main(
    rounds: int, chosen: tuple[str, ...], megabytes: tuple[int, ...], gigabytes: float, kind: str, prefix: str
) -> None:
    """Compare the collection's modules with what people use today, in turn, side by side.

    The results of a full run replace the figures in docs/benchmarks.md; those of a shorter one are only shown.
    """
    began = time.monotonic()
    console = Console(width=None if sys.stdout.isatty() else LOG_WIDTH)
    with lab_console.step("Making two nodes, one of them with Docker"):
        containerd, docker = make_nodes(kind, f"{prefix}-node", f"{prefix}-docker")
    topics = {
        "imports": partial(imports.measure, containerd, rounds, megabytes),
        "builds": partial(builds.measure, containerd, docker, rounds),
        "additions": partial(additions.measure, containerd, rounds),
        "hashing": partial(hashing.measure, containerd, rounds, gigabytes),
    }
    tables, goals = _measure([topics[name] for name in chosen or TOPICS], console)
    missed = sum(not goal.met for goal in goals)
    minutes = (time.monotonic() - began) / 60
    console.print(f"{len(goals) - missed} of {len(goals)} goals met, after {minutes:.0f} minutes.")
    left_out = _left_out(rounds, chosen, megabytes, gigabytes)
    if left_out:
        console.print(f"{DOCUMENT.relative_to(CHECKOUT)} stays as it is. Left out: {'; '.join(left_out)}.")
        return
    how = f"{rounds} rounds. {machine.described(containerd, docker)} Left out: {'; '.join(NEVER_MEASURED)}."
    console.print(f"Left out: {'; '.join(NEVER_MEASURED)}.")
    replace_figures(DOCUMENT, "\n\n".join([how, *(markdown(table).strip() for table in tables)]))
    console.print(f"Written to {DOCUMENT.relative_to(CHECKOUT)}.")


def _measure(topics: Sequence[Callable[[], Results]], console: Console) -> tuple[list[Table], list[Goal]]:
    tables: list[Table] = []
    goals: list[Goal] = []
    peaks: list[Peak] = []
    for measure in topics:
        results = measure()
        show(console, results.table)
        tables.append(results.table)
        goals += results.goals
        peaks += results.peaks
    ends = []
    # Not every topic takes the measure of memory.
    if peaks:
        goals.append(memory_goal(peaks))
        ends.append(memory_table(peaks))
    for table in (*ends, goals_table(goals)):
        show(console, table)
        tables.append(table)
    return tables, goals


def _left_out(rounds: int, chosen: tuple[str, ...], megabytes: tuple[int, ...], gigabytes: float) -> list[str]:
    left_out = [f"the topic {topic}" for topic in TOPICS if chosen and topic not in chosen]
    left_out += [f"images of {size} MB" for size in MEGABYTES if size not in megabytes]
    if rounds < ROUNDS:
        left_out.append(f"{ROUNDS - rounds} of {ROUNDS} rounds")
    if gigabytes < GIGABYTES:
        left_out.append(f"a context of more than {gigabytes:g} GB")
    return left_out


if __name__ == "__main__":
    main()
