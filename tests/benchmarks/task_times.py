# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How long each task of a playbook takes, as Ansible's callback `profile_tasks` tells it."""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.report import NOT_MEASURED, Table

# Makes ansible-playbook tell at its end how long each task took, in the order in which they ran.
ENVIRONMENT = {
    "ANSIBLE_CALLBACKS_ENABLED": "ansible.posix.profile_tasks",
    "PROFILE_TASKS_SORT_ORDER": "none",
    "PROFILE_TASKS_SUMMARY_ONLY": "true",
    "PROFILE_TASKS_TASK_OUTPUT_LIMIT": "all",
}
# Shorter ones are put together.
LEAST_SECONDS = 0.1

_LINE = re.compile(r"^(?P<name>.+?) -+ (?P<seconds>\d+\.\d+)s$", re.MULTILINE)
_RECAP = re.compile(r" ok=(?P<ok>\d+) .* skipped=(?P<skipped>\d+) ")
_ROLE = re.compile(r"^[\w.]+\.(?P<role>\w+) : ")


@dataclass(frozen=True)
class Run:
    """A run of a playbook.

    :param seconds: from its start to its end.
    :param tasks: the seconds of each task by its name, in the order in which they ran.
    :param ran: how many tasks ran on a node, and how many were skipped.
    """

    seconds: float
    tasks: Mapping[str, float]
    ran: tuple[int, int]

    @property
    def rest(self) -> float:
        """The seconds that belong to no task: Ansible's start and its end."""
        return self.seconds - sum(self.tasks.values())


def parse(seconds: float, output: str) -> Run:
    """Return the run that took *seconds* and printed *output*, with :data:`ENVIRONMENT`."""
    told = output.rpartition("TASKS RECAP")[2]
    tasks: dict[str, float] = {}
    for line in _LINE.finditer(told):
        name = _ROLE.sub(r"\g<role>: ", line["name"])
        tasks[name] = tasks.get(name, 0.0) + float(line["seconds"])
    recap = _RECAP.search(output)
    if not tasks or recap is None:
        raise SystemExit(f"ansible-playbook did not tell how long its tasks took:\n{output}")
    return Run(seconds, tasks, (int(recap["ok"]), int(recap["skipped"])))


def table(title: str, runs: Mapping[str, Sequence[Run]]) -> Table:
    """Return what each task took, with a column of medians for each kind of run."""
    names = dict.fromkeys(name for each in runs.values() for run in each for name in run.tasks)
    medians = {name: [_median([run.tasks.get(name) for run in each]) for each in runs.values()] for name in names}
    long = {name: row for name, row in medians.items() if max(value or 0.0 for value in row) >= LEAST_SECONDS}
    rest = [
        statistics.median(sum(seconds for name, seconds in run.tasks.items() if name not in long) for run in each)
        for each in runs.values()
    ]
    rows = [
        ("Ansible's start and end", *(f"{statistics.median(run.rest for run in each):.2f}" for each in runs.values()))
    ]
    rows += [
        (name, *(NOT_MEASURED if value is None else f"{value:.2f}" for value in row)) for name, row in long.items()
    ]
    if short := len(names) - len(long):
        rows += [(f"{short} tasks of less than {LEAST_SECONDS} s", *(f"{value:.2f}" for value in rest))]
    rows += [
        ("tasks that ran, and that were skipped", *(f"{each[-1].ran[0]}, {each[-1].ran[1]}" for each in runs.values()))
    ]
    return Table(title, ("s, median", *runs), tuple(rows))


def _median(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None
