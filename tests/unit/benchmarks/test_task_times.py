# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What ansible-playbook tells of its tasks' times becomes a table."""

from __future__ import annotations

import pytest
from benchmarks.task_times import Run, parse, table

OUTPUT = """\
PLAY [Do something] ****

TASK [Begin ----- 9.99s] ****
ok: [node]

PLAY RECAP *********************************************************************
node                       : ok=4    changed=0    unreachable=0    failed=0    skipped=2    rescued=0    ignored=0

TASKS RECAP ********************************************************************
===============================================================================
Look at the node ------------------------------------------------------- 0.58s
nephoran.container_build.nerdctl_full : Install the archive nerdctl-full, by a very long name --- 2.41s
nephoran.container_build.buildkit : Look - again --------------------- 0.10s
nephoran.container_build.buildkit : Look - again --------------------- 0.20s
"""


def test_each_task_is_named_by_its_role() -> None:
    run = parse(5.0, OUTPUT)
    assert list(run.tasks) == [
        "Look at the node",
        "nerdctl_full: Install the archive nerdctl-full, by a very long name",
        "buildkit: Look - again",
    ]
    assert [round(seconds, 2) for seconds in run.tasks.values()] == [0.58, 2.41, 0.3]
    assert run.ran == (4, 2)
    assert round(run.rest, 2) == 1.71


def test_an_output_without_times_is_said() -> None:
    with pytest.raises(SystemExit, match="did not tell"):
        parse(1.0, OUTPUT.partition("TASKS")[0])


def test_short_tasks_are_put_together() -> None:
    first = [Run(3.0, {"a": 1.0, "b": 0.02, "c": 0.03}, (3, 0)), Run(5.0, {"a": 2.0, "b": 0.04, "c": 0.03}, (3, 0))]
    second = [Run(1.0, {"a": 0.05, "b": 0.02, "d": 0.3}, (3, 1))]
    made = table("Tasks", {"first": first, "second": second})
    assert made.headings == ("s, median", "first", "second")
    assert made.rows == (
        ("Ansible's start and end", "2.44", "0.63"),
        ("a", "1.50", "0.05"),
        ("d", "-", "0.30"),
        ("2 tasks of less than 0.1 s", "0.06", "0.02"),
        ("tasks that ran, and that were skipped", "3, 0", "3, 1"),
    )


def test_where_no_task_is_short_none_is_counted() -> None:
    made = table("Tasks", {"first": [Run(3.0, {"a": 1.0}, (1, 0))]})
    assert [row[0] for row in made.rows] == ["Ansible's start and end", "a", "tasks that ran, and that were skipped"]
