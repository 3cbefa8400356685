# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import sys
from pathlib import Path

from stage_output import excerpt, run_recorded


def numbered(*numbers: int) -> list[str]:
    return [f"line {number}" for number in numbers]


def write(path: Path, lines: list[str]) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def test_output_and_exit_status_are_kept(tmp_path: Path) -> None:
    output = tmp_path / "out"
    code = "import sys; print('printed'); sys.stdout.flush(); print('complained', file=sys.stderr); sys.exit(7)"
    assert run_recorded([sys.executable, "-c", code], tmp_path, os.environ, output, None) == 7
    assert output.read_text() == "printed\ncomplained\n"


def test_without_a_word_of_failure_the_last_lines_tell(tmp_path: Path) -> None:
    assert excerpt(write(tmp_path / "out", numbered(*range(100)))).splitlines() == numbered(*range(70, 100))


def test_the_lines_around_the_last_failures_tell(tmp_path: Path) -> None:
    lines = numbered(*range(500))
    for number in (50, 200, 210, 400):
        lines[number] = f"fatal: [node{number}]: FAILED!"
    lines[401] = "\x1b[31mx\x1b[0m" + "y" * 1000
    told = excerpt(write(tmp_path / "out", lines)).splitlines()
    assert told[0] == "line 192"
    assert [line for line in told if line.startswith("fatal")] == [lines[number] for number in (200, 210, 400)]
    # What two failures have around them is told once, and a gap is shown.
    assert told.count("line 205") == 1
    assert told.count("[…]") == 1
    assert "x" + "y" * 299 in told
    assert told[-1] == "line 424"


def test_a_failure_that_was_ignored_is_none(tmp_path: Path) -> None:
    ignored = ["fatal: [a]: FAILED!", "    msg: expected", "...ignoring", "", "TASK [next]"]
    early = ["TASK [early]", "...ignoring", "fatal: [a]: FAILED!", "    msg: expected", "", "TASK [later]"]
    failed = ["fatal: [b]: FAILED!", "    msg: not expected", "", "TASK [another]", *ignored, *early]
    told = excerpt(write(tmp_path / "out", [*ignored, *numbered(*range(50)), *failed, *numbered(*range(50))]))
    assert told.splitlines()[0] == "line 42"
    assert told.splitlines()[-1] == "line 9"


def test_a_task_that_is_tried_again_has_not_failed(tmp_path: Path) -> None:
    retries = [f"FAILED - RETRYING: [b]: Wait ({left} retries left)." for left in range(60, 0, -1)]
    told = excerpt(write(tmp_path / "out", ["fatal: [a]: FAILED!", *numbered(*range(50)), *retries]))
    assert told.splitlines() == ["fatal: [a]: FAILED!", *numbered(*range(24))]


def test_failures_of_hosts_that_went_on_are_none(tmp_path: Path) -> None:
    lines = numbered(*range(200))
    lines[50] = "fatal: [a]: FAILED!"
    for number in (100, 110, 120, 130):
        lines[number] = "fatal: [b]: FAILED!"
    lines[190] = "a  : ok=812 changed=150 unreachable=0 failed=1 skipped=3 rescued=0 ignored=0"
    lines[191] = "b  : ok=901 changed=170 unreachable=0 failed=0 skipped=3 rescued=4 ignored=0"
    told = excerpt(write(tmp_path / "out", lines)).splitlines()
    assert [line for line in told if line.startswith("fatal")] == ["fatal: [a]: FAILED!"]


def test_a_host_is_not_one_whose_name_begins_alike(tmp_path: Path) -> None:
    lines = numbered(*range(200))
    lines[50] = "fatal: [node1 -> localhost]: FAILED!"
    lines[100] = "fatal: [node10]: FAILED!"
    lines[190] = "node1  : ok=812 changed=150 unreachable=0 failed=1 skipped=3 rescued=0 ignored=0"
    told = excerpt(write(tmp_path / "out", lines)).splitlines()
    assert [line for line in told if line.startswith("fatal")] == ["fatal: [node1 -> localhost]: FAILED!"]


def test_a_failure_in_the_first_line(tmp_path: Path) -> None:
    assert excerpt(write(tmp_path / "out", ["FAILED test.py::test", *numbered(1, 2)])).splitlines() == [
        "FAILED test.py::test",
        *numbered(1, 2),
    ]
