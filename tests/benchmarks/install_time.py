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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import click
from faults.lab_node import MODULES, Done, LabNode, run
from rich.console import Console

from benchmarks import task_times
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
# The sides, in the order in which each round takes them.
BY_HAND = "by hand"
OURS = "the playbook install"
AGAIN = "the same again"
BY_ANSIBLE = "by hand, written for Ansible"
BY_ANSIBLE_AGAIN = "that again"
NOTHING = "Ansible for nothing"


@dataclass(frozen=True)
class Cost:
    """What an install cost.

    :param seconds: from its start to its end.
    :param controller: seconds of processors that the controller's own processes used.
    :param cpu_seconds: of the processors, on each node.
    :param megabytes: that each node received.
    """

    seconds: float
    controller: float
    cpu_seconds: list[float]
    megabytes: list[float]


@contextmanager
def fresh(*names: str) -> Iterator[list[LabNode]]:
    """Make nodes that nothing is installed on, and remove them in the end."""
    nodes: list[LabNode] = []
    try:
        nodes += (LabNode(name, KIND) for name in names)
        yield nodes
    finally:
        for node in nodes:
            node.remove()


def cost(nodes: Sequence[LabNode], work: Callable[[], object]) -> Cost:
    """Return what *work* costs on *nodes*."""
    before = [_counters(node) for node in nodes]
    began, used = time.monotonic(), _controller_seconds()
    work()
    seconds, controller = time.monotonic() - began, _controller_seconds() - used
    spent = [
        (cpu - cpu_before, received - received_before)
        for (cpu, received), (cpu_before, received_before) in zip(map(_counters, nodes), before, strict=True)
    ]
    cpu_seconds = [cpu / 1e9 for cpu, _received in spent]
    return Cost(seconds, controller, cpu_seconds, [received / 1e6 for _cpu, received in spent])


def _controller_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _counters(node: LabNode) -> tuple[int, int]:
    cpu, received = node.shell(f"{{ {CPU_TIME}; }} 2> /dev/null; {RECEIVED}").split()
    return int(cpu), int(received)


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
    rows = []
    for side, all_of_it in costs.items():
        seconds = [each.seconds for each in all_of_it]
        medians = (
            statistics.median(each.cpu_seconds[0] for each in all_of_it),
            statistics.median(each.controller for each in all_of_it),
            statistics.median(each.megabytes[0] for each in all_of_it),
        )
        ratio = statistics.median(seconds) / bare
        rows.append((side, spread(seconds), f"{ratio:.2f}", *(f"{median:.1f}" for median in medians)))
    rows += [(f"{BY_HAND}: {phase}", spread(seconds), "", "", "", "") for phase, seconds in phases.items()]
    headings = (
        *("", "s, median (least, most)", "of by hand"),
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
                    f"{sum(spent.cpu_seconds):.1f}",
                    f"{spent.controller:.1f}",
                    f"{min(spent.cpu_seconds):.1f} to {max(spent.cpu_seconds):.1f}",
                    f"{min(spent.megabytes):.1f} to {max(spent.megabytes):.1f}",
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
