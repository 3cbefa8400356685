# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m benchmarks.install_time`: a first install beside a bare `tar -xzf`, and one of several nodes at once.

What Ansible itself costs, for nothing and for the same work, is measured beside them.
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

import click
from faults.lab_node import Done, LabNode, run
from rich.console import Console

from benchmarks import archive_sizes, task_times
from benchmarks.installs import KIND, Cost, by_hand, cost, fresh, install, lab_archive, play
from benchmarks.report import Table, spread
from benchmarks.table import markdown

PLAYBOOKS = Path(__file__).parent / "playbooks"
# The sides, in the order in which each round takes them.
BY_HAND = "by hand"
OURS = "the playbook install"
AGAIN = "the same again"
BY_ANSIBLE = "by hand, written for Ansible"
BY_ANSIBLE_AGAIN = "that again"
NOTHING = "Ansible for nothing"


def first_installs(prefix: str, rounds: int) -> list[Table]:
    """Measure all sides in turn, each round on nodes of its own."""
    phases: dict[str, list[float]] = {}
    costs: dict[str, list[Cost]] = {}
    runs: dict[str, list[task_times.Run]] = {}

    def measure(side: str, node: LabNode, work: Callable[[], Done]) -> None:
        done: list[Done] = []
        spent = cost([node], lambda: done.append(work()))
        costs.setdefault(side, []).append(spent)
        runs.setdefault(side, []).append(task_times.parse(spent.seconds, done[0].output))

    for number in range(rounds):
        with fresh(f"{prefix}-bare{number}") as (node,):
            archive = lab_archive(node).read_bytes()
            costs.setdefault(BY_HAND, []).append(cost([node], partial(by_hand, node, archive, phases)))
        with fresh(f"{prefix}-ours{number}") as (node,):
            measure(OURS, node, partial(install, node.inventory, changes=True))
            measure(AGAIN, node, partial(install, node.inventory, changes=False))
        with fresh(f"{prefix}-bare-ansible{number}") as (node,):
            measure(BY_ANSIBLE, node, partial(play, node.inventory, str(PLAYBOOKS / "by_hand.yml")))
            measure(BY_ANSIBLE_AGAIN, node, partial(play, node.inventory, str(PLAYBOOKS / "by_hand.yml")))
        with fresh(f"{prefix}-nothing{number}") as (node,):
            measure(NOTHING, node, partial(play, node.inventory, str(PLAYBOOKS / "nothing.yml")))
    return [
        _sides(f"One node, {rounds} rounds", costs, phases),
        task_times.table("Where the time goes", {side: runs[side] for side in (OURS, AGAIN)}),
        task_times.table("Where it goes without the collection", {side: runs[side] for side in (BY_ANSIBLE, NOTHING)}),
    ]


def _sides(title: str, costs: Mapping[str, Sequence[Cost]], phases: Mapping[str, Sequence[float]]) -> Table:
    bare = statistics.median(each.seconds for each in costs[BY_HAND])
    # What a person does on the node when the archive is there.
    bare_on_node = statistics.median(map(sum, zip(phases["unpack"], phases["start"], strict=True)))
    rows = []
    for side, all_of_it in costs.items():
        seconds = [each.seconds for each in all_of_it]
        cpu, received, on_node = (
            statistics.median(each) for each in zip(*(each.nodes[0] for each in all_of_it), strict=True)
        )
        controller = statistics.median(each.controller for each in all_of_it)
        on_node = bare_on_node if side == BY_HAND else on_node
        rows.append(
            (
                *(side, spread(seconds), f"{statistics.median(seconds) / bare:.2f}"),
                *(f"{on_node:.1f}", f"{on_node / bare_on_node:.2f}"),
                *(f"{median:.1f}" for median in (cpu, controller, received)),
            )
        )
    rows += [(f"{BY_HAND}: {phase}", spread(seconds), *[""] * 6) for phase, seconds in phases.items()]
    headings = (
        *("", "s, median (least, most)", "of by hand", "s on the node", "of by hand"),
        *("CPU s of the node", "CPU s of the controller", "MB that the node received"),
    )
    return Table(title, headings, tuple(rows))


def together(prefix: str, count: int) -> Table:
    """Measure a first and a second install of *count* nodes at once."""
    rows = []
    names = [f"{prefix}-{number}" for number in range(count)]
    with fresh(*names) as nodes:
        inventory = nodes[0].scenario.parent / f"{prefix}-together"
        made = run([sys.executable, "-m", "lab", "up", "--inventory", str(inventory), *(f"{n}:{KIND}" for n in names)])
        if made.status:
            raise SystemExit(made.output)
        for name, changes in (("first install", True), ("second run", False)):
            spent = cost(nodes, partial(install, inventory, changes=changes))
            rows.append(
                (
                    name,
                    f"{spent.seconds:.1f}",
                    f"{sum(each.cpu_seconds for each in spent.nodes):.1f}",
                    f"{spent.controller:.1f}",
                    _range(each.cpu_seconds for each in spent.nodes),
                    _range(each.megabytes for each in spent.nodes),
                )
            )
    headings = (
        f"{count} nodes at once",
        "s",
        "CPU s of all nodes",
        "CPU s of the controller",
        "CPU s of a node",
        "MB that a node received",
    )
    return Table(f"{count} nodes at once", headings, tuple(rows))


def _range(values: Iterable[float]) -> str:
    known = sorted(values)
    return f"{known[0]:.1f} to {known[-1]:.1f}"


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Installs of each side on one node; 0: none.")
@click.option("--sizes", default=3, show_default=True, help="Installs of each side with each of two archives; 0: none.")
@click.option("--nodes", default=8, show_default=True, help="Nodes that are installed at once; 0: none.")
@click.option("--prefix", default="install-time", show_default=True, help="What the nodes' names begin with.")
def main(rounds: int, sizes: int, nodes: int, prefix: str) -> None:
    """Show tables in Markdown; docs/install-time.md keeps those of a run."""
    console = Console(width=200, soft_wrap=True, highlight=False)
    if rounds:
        for table in first_installs(prefix, rounds):
            console.print(markdown(table))
    if sizes:
        console.print(markdown(archive_sizes.measure(f"{prefix}-size", sizes)))
    if nodes:
        console.print(markdown(together(prefix, nodes)))


if __name__ == "__main__":
    main()
