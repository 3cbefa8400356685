# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import io
import sys
from pathlib import Path

import pytest
import run_stages
import stages
import venvs
from pythons import Interpreter
from rich.console import Console
from run_stages import Tally
from stages import Stage

REPORT = """<testsuites>
<testsuite name="a" tests="5" failures="{failures}" errors="0" skipped="1"/>
<testsuite name="b" tests="2" failures="0" errors="0" skipped="0"/>
</testsuites>
"""


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=400)


@pytest.fixture(autouse=True)
def ready(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that needs no preparation, whose programs are those of the tests."""
    environment = dataclasses.replace(run_stages.ENVIRONMENTS["core-2.19"], folder=str(tmp_path))
    monkeypatch.setattr(venvs.Environment, "is_ready", lambda self: True)
    monkeypatch.setitem(run_stages.ENVIRONMENTS, "core-2.19", environment)
    monkeypatch.setattr(run_stages, "KEPT_REPORTS", tmp_path / "kept")


def python(code: str, name: str = "stage") -> Stage:
    return Stage("group", name, (sys.executable, "-c", code))


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_stage_that_succeeds_counts_as_one_test(console: Console, tmp_path: Path) -> None:
    outcome = run_stages.run(python("pass"), console, tmp_path)
    assert (outcome.verdict, outcome.tests) == ("passed", Tally(passed=1))


def test_a_stage_that_fails_says_its_exit_status(console: Console, tmp_path: Path) -> None:
    outcome = run_stages.run(python("raise SystemExit(3)"), console, tmp_path)
    assert (outcome.verdict, outcome.tests, outcome.remark) == ("failed", Tally(failed=1), "exit status 3")
    assert "failed after" in printed(console)


@pytest.mark.parametrize(
    ("failures", "status", "expected"),
    [
        (0, 0, Tally(passed=6, skipped=1)),
        (2, 1, Tally(passed=4, failed=2, skipped=1)),
        # The report is all green, but the command failed: the report is not to be kinder than the command.
        (0, 1, Tally(passed=6, failed=1, skipped=1)),
    ],
)
def test_a_test_suite_counts_its_tests(
    failures: int, status: int, expected: Tally, console: Console, tmp_path: Path
) -> None:
    report = REPORT.format(failures=failures)
    code = f"open({str(tmp_path / 'suite.xml')!r}, 'w').write({report!r}); raise SystemExit({status})"
    assert run_stages.run(python(code, "suite"), console, tmp_path).tests == expected


def test_the_place_of_reports_is_told_to_command_and_variables(console: Console, tmp_path: Path) -> None:
    code = f"import os, sys; sys.exit(not (sys.argv[1] == os.environ['REPORT'] == {str(tmp_path / 'x')!r}))"
    stage = Stage(
        "g", "s", (sys.executable, "-c", code, f"{stages.REPORTS}/x"), variables={"REPORT": f"{stages.REPORTS}/x"}
    )
    assert run_stages.run(stage, console, tmp_path).verdict == "passed"


def test_a_stage_reads_nothing_from_the_terminal(console: Console, tmp_path: Path) -> None:
    assert run_stages.run(python("import sys; sys.exit(len(sys.stdin.read()))"), console, tmp_path).verdict == "passed"


def test_a_stage_without_its_environment_is_skipped_with_the_reason(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venvs.Environment, "is_ready", lambda self: False)
    monkeypatch.setattr(venvs.Environment, "find_python", lambda self: None)
    outcome = run_stages.run(python("pass"), console, tmp_path)
    assert (outcome.verdict, outcome.tests) == ("skipped", Tally(skipped=1))
    assert "no Python 3.11 to 3.13 on this machine" in printed(console)


def test_an_environment_that_could_be_there_is_no_excuse(
    console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venvs.Environment, "is_ready", lambda self: False)
    monkeypatch.setattr(venvs.Environment, "find_python", lambda self: Interpreter((3, 11), Path(sys.executable)))
    outcome = run_stages.run(python("pass"), console, tmp_path)
    assert (outcome.verdict, outcome.tests) == ("failed", Tally(failed=1))
    assert "run `make venv`" in outcome.remark


def test_the_last_line_has_the_totals(console: Console) -> None:
    outcomes = [
        run_stages.Outcome(python("pass", "good"), "passed", Tally(passed=41, skipped=1), 2.5),
        run_stages.Outcome(python("pass", "bad"), "failed", Tally(failed=2), 0.5, "exit status 9"),
    ]
    run_stages.summarise(outcomes, console, 3.25)
    *table, last = printed(console).splitlines()
    assert last.strip("= ") == "2 failed, 41 passed, 1 skipped in 3.25s"
    assert any("bad" in line and "exit status 9" in line for line in table)


def test_stages_are_chosen_by_group_or_name() -> None:
    assert run_stages.select([]) == list(stages.STAGES)
    assert {stage.group for stage in run_stages.select(["unit"])} == {"unit"}
    assert [stage.name for stage in run_stages.select(["mypy"])] == ["mypy"]
    with pytest.raises(SystemExit, match="unknown stage: nonsense"):
        run_stages.select(["mypy", "nonsense"])


def test_neighbours_run_at_the_same_time_and_are_shown_one_after_the_other(console: Console, tmp_path: Path) -> None:
    # Each waits until the other one runs, so that neither ends alone.
    code = """
import pathlib, sys, time
mine, others = (pathlib.Path(sys.argv[1], name) for name in sys.argv[2:])
print("first line of", mine.name, flush=True)
mine.touch()
deadline = time.monotonic() + 30
while not others.exists():
    if time.monotonic() > deadline:
        sys.exit("alone")
    time.sleep(0.01)
print("last line of", mine.name)
"""
    both = [
        Stage("g", mine, (sys.executable, "-c", code, str(tmp_path), mine, other), together=True)
        for mine, other in (("one", "two"), ("two", "one"))
    ]
    assert [outcome.verdict for outcome in run_stages.run_all(both, console, tmp_path)] == ["passed", "passed"]
    lines = [line.rstrip() for line in printed(console).splitlines()]
    assert lines[0] == "side by side: g: one, g: two"
    for name in ("one", "two"):
        at = lines.index(f"first line of {name}")
        assert lines[at + 1] == f"last line of {name}"
        assert lines[at + 2].startswith("passed after")


def test_a_stage_alone_shows_its_lines_as_they_come(tmp_path: Path) -> None:
    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            if text == "halfway\n":
                (tmp_path / "seen").touch()
            return super().write(text)

    code = f"""
import pathlib, sys, time
print("halfway")
deadline = time.monotonic() + 30
while not pathlib.Path({str(tmp_path / "seen")!r}).exists():
    if time.monotonic() > deadline:
        sys.exit(1)
    time.sleep(0.01)
"""
    stage = dataclasses.replace(python(code), together=True)
    outcomes = list(run_stages.run_all([stage], Console(file=Screen(), width=400), tmp_path))
    assert [outcome.verdict for outcome in outcomes] == ["passed"]


def test_what_failed_is_repeated_at_the_end(console: Console, tmp_path: Path) -> None:
    code = "print('[red]why[/red]'); raise SystemExit(1)"
    outcomes = [run_stages.run(python("print('fine')", "good"), console, tmp_path)]
    outcomes.append(run_stages.run(python(code, "bad"), console, tmp_path))
    console.file = io.StringIO()
    run_stages.summarise(outcomes, console, 1.0)
    before, _rule, after = printed(console).partition("group: bad: what failed")
    assert ("Summary" in before, after.count("[red]why[/red]")) == (True, 1)
    assert "fine" not in before + after


def test_one_failure_does_not_hide_the_others_and_makes_the_exit_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_stages, "STAGES", (python("raise SystemExit(1)", "first"), python("pass", "second")))
    monkeypatch.setattr(sys, "argv", ["run_stages.py"])
    assert run_stages.main() == 1
    assert "1 failed, 1 passed" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["run_stages.py", "--exitfirst"])
    assert run_stages.main() == 1
    assert "1 failed in" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["run_stages.py", "second"])
    assert run_stages.main() == 0


def test_reports_can_be_read_when_the_run_is_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    report = REPORT.format(failures=0)
    writing = f"import sys; open(sys.argv[1], 'w').write({report!r})"
    stage = Stage("group", "suite", (sys.executable, "-c", writing, f"{stages.REPORTS}/suite.xml"))
    monkeypatch.setattr(run_stages, "STAGES", (stage,))
    monkeypatch.setattr(sys, "argv", ["run_stages.py"])
    run_stages.main()
    assert (tmp_path / "kept" / "suite.xml").read_text() == report
