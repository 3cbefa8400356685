# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that the benchmarks run on a node."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).resolve().parents[2] / "benchmarks" / "on_node"


def run(program: str, *arguments: object, data: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, str(PROGRAMS / f"{program}.py"), *map(str, arguments)]
    return subprocess.run(argv, input=data, check=False, capture_output=True, text=True)


def timed(**plan: str) -> subprocess.CompletedProcess[str]:
    return run("timed", data=json.dumps({"prepare": "true", "run": "true", "expect": "", **plan}))


def test_only_the_command_itself_is_timed() -> None:
    done = timed(prepare="sleep 1", run="echo done", expect="done")
    assert 0 < float(done.stdout) < 1


@pytest.mark.parametrize(
    ("plan", "status", "said"),
    [
        ({"run": "echo unchanged", "expect": "changed: true"}, 1, "'changed: true' was expected in:\nunchanged"),
        ({"run": "echo broken; exit 3"}, 3, "broken"),
        ({"run": "exit 3 | true"}, 3, ""),
        ({"prepare": "echo broken >&2; exit 4"}, 4, "broken"),
    ],
)
def test_a_command_that_does_not_do_its_work_has_no_time(plan: dict[str, str], status: int, said: str) -> None:
    done = timed(**plan)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr


def test_the_memory_of_a_program_is_its_own(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    child = "held = bytearray(80_000_000)"
    program.write_text(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}], check=True)\nsys.exit(0)\n",
        encoding="utf-8",
    )
    report = tmp_path / "report"
    assert run("peak_memory", report, program).returncode == 0
    own, largest_child = map(int, report.read_text(encoding="ascii").split())
    assert 1_000 < own < 60_000
    assert largest_child > 78_000


def test_a_context_has_the_size_that_was_asked_for(tmp_path: Path) -> None:
    context = tmp_path / "context"
    context.mkdir()
    context.joinpath("left").touch()
    assert run("make_context", context, 20, 1).returncode == 0
    files = {path for path in context.rglob("*") if path.is_file()} - {context / "Dockerfile"}
    assert len(files) == 20
    assert {path.stat().st_size for path in files} == {50_000}
    assert len({path.read_bytes() for path in files}) == 20
