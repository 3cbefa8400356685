# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fresh nodes, what is installed on them, and what that costs."""

from __future__ import annotations

import json
import re
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from faults.lab_node import MODULES, Done, LabNode, run

from benchmarks import stopwatch, task_times

KIND = "debian13"
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


def install(inventory: Path, *words: str, changes: bool) -> Done:
    """Run the playbook install, with *words* for Ansible."""
    done = play(inventory, *INSTALL, *words, f"{MODULES}.install")
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


def lab_archive(node: LabNode) -> Path:
    """The archive that the lab's inventories name."""
    shown = run(["ansible-inventory", "--inventory", str(node.inventory), "--host", node.name])
    return Path(json.loads(shown.output)["nerdctl_full_archive"])
