# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`python -m benchmarks.install_time`: a first install beside a bare `tar -xzf`, and one of several nodes at once.

What Ansible itself costs, for nothing and for the same work, is measured beside them.
"""

from __future__ import annotations

import json
import re
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import click
from faults.lab_node import MODULES, Done, LabNode, run
from rich.console import Console

from benchmarks import stopwatch, task_times
from benchmarks.report import Table
from benchmarks.table import markdown

KIND = "debian13"
PLAYBOOKS = Path(__file__).parent / "playbooks"
# buildah comes from the package manager, which a bare unpacking does not do either.
INSTALL = ("--skip-tags", "buildah")
ARCHIVE = "/root/nerdctl-full.tar.gz"
UNPACK = f"tar -xzf {ARCHIVE} -C /usr/local && rm {ARCHIVE}"
START = (
    "systemctl daemon-reload && systemctl enable --now containerd buildkit"
    " && timeout 60 bash -c 'until buildctl debug workers; do sleep 0.1; done'"
)
CPU_TIME = "cat /sys/fs/cgroup/cpuacct/cpuacct.usage || awk '/^usage_usec/ { print $2 * 1000 }' /sys/fs/cgroup/cpu.stat"
RECEIVED = "cat /sys/class/net/eth0/statistics/rx_bytes"
# Stands in the place of Python, with which Ansible runs modules, and notes how many microseconds each of them took.
TIMED_PYTHON = "/usr/bin/python3-timed"
MODULE_TIMES = "/srv/module-times"
TIMED_PYTHON_TEXT = stopwatch.script("/usr/bin/python3-itself", MODULE_TIMES)
TIME_PYTHON = (
    f"chmod 755 {TIMED_PYTHON} && : > {MODULE_TIMES} && chmod 666 {MODULE_TIMES}"
    f" && mv /usr/bin/python3 /usr/bin/python3-itself && ln -s {TIMED_PYTHON} /usr/bin/python3"
)
MODULES_RAN = f"awk '{{ all += $1 }} END {{ print all + 0 }}' {MODULE_TIMES}"
# The sides, in the order in which each round takes them.
BY_HAND = "by hand"
OURS = "the playbook install"
AGAIN = "the same again"
BY_ANSIBLE = "by hand, written for Ansible"
BY_ANSIBLE_AGAIN = "that again"
NOTHING = "Ansible for nothing"


class NodeCost(NamedTuple):
    """What an install cost on a node: seconds of processors, megabytes received, and seconds that modules ran."""

    cpu_seconds: float
    megabytes: float
    modules: float

    @classmethod
    def until_now(cls, node: LabNode) -> NodeCost:
        """Return what *node* has spent since it was made."""
        told = node.shell(f"{{ {CPU_TIME}; }} 2> /dev/null; {RECEIVED}; {MODULES_RAN}").split()
        cpu, received, modules = map(int, told)
        return cls(cpu / 1e9, received / 1e6, modules / 1e6)

    def __sub__(self, before: NodeCost) -> NodeCost:
        return NodeCost(*(now - then for now, then in zip(self, before, strict=True)))


@dataclass(frozen=True)
class Cost:
    """What an install cost.

    :param seconds: from its start to its end.
    :param controller: seconds of processors that the controller's own processes used.
    :param nodes: what it cost on each node.
    """

    seconds: float
    controller: float
    nodes: list[NodeCost]


@contextmanager
def fresh(*names: str) -> Iterator[list[LabNode]]:
    """Make nodes that nothing is installed on, and remove them in the end."""
    nodes: list[LabNode] = []
    try:
        nodes += (LabNode(name, KIND) for name in names)
        for node in nodes:
            node.write(TIMED_PYTHON, TIMED_PYTHON_TEXT.encode())
            node.shell(TIME_PYTHON)
        yield nodes
    finally:
        for node in nodes:
            node.remove()


def cost(nodes: Sequence[LabNode], work: Callable[[], object]) -> Cost:
    """Return what *work* costs on *nodes*."""
    before = [NodeCost.until_now(node) for node in nodes]
    began, used = time.monotonic(), _controller_seconds()
    work()
    seconds, controller = time.monotonic() - began, _controller_seconds() - used
    spent = [NodeCost.until_now(node) - node_before for node, node_before in zip(nodes, before, strict=True)]
    return Cost(seconds, controller, spent)


def _controller_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def play(inventory: Path, *words: str) -> Done:
    """Run a playbook against all nodes of *inventory*, more at once than Ansible's usual five."""
    argv = ["ansible-playbook", "--forks=50", "--inventory", str(inventory), *words]
    done = run(argv, environ=task_times.ENVIRONMENT)
    if done.status:
        raise SystemExit(f"The playbook did not do what was to be measured:\n{done.output}")
    return done


def install(inventory: Path, *, changes: bool) -> Done:
    """Run the playbook install."""
    done = play(inventory, *INSTALL, f"{MODULES}.install")
    changed = [int(count) for count in re.findall(r"changed=(\d+)", done.output)]
    if not changed or any(bool(count) != changes for count in changed):
        raise SystemExit(f"The install did not do what was to be measured:\n{done.output}")
    return done


def by_hand(node: LabNode, archive: bytes, phases: dict[str, list[float]]) -> None:
    """Install as somebody without this collection would, and note how long the parts take."""
    for phase, command, data in (("copy", f"cat > {ARCHIVE}", archive), ("unpack", UNPACK, b""), ("start", START, b"")):
        began = time.monotonic()
        node.shell(command, data)
        phases.setdefault(phase, []).append(time.monotonic() - began)


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


def lab_archive(node: LabNode) -> Path:
    """The archive that the lab's inventories name."""
    shown = run(["ansible-inventory", "--inventory", str(node.inventory), "--host", node.name])
    return Path(json.loads(shown.output)["nerdctl_full_archive"])


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


def spread(values: Sequence[float]) -> str:
    """The median, and how far the others are from it."""
    return f"{statistics.median(values):.1f} ({min(values):.1f}, {max(values):.1f})"


@click.command()
@click.option("--rounds", default=3, show_default=True, help="Installs of each side on one node; 0: none.")
@click.option("--nodes", default=8, show_default=True, help="Nodes that are installed at once; 0: none.")
@click.option("--prefix", default="install-time", show_default=True, help="What the nodes' names begin with.")
def main(rounds: int, nodes: int, prefix: str) -> None:
    """Show tables in Markdown; docs/install-time.md keeps those of a run."""
    console = Console(width=200, soft_wrap=True, highlight=False)
    if rounds:
        for table in first_installs(prefix, rounds):
            console.print(markdown(table))
    if nodes:
        console.print(markdown(together(prefix, nodes)))


if __name__ == "__main__":
    main()
