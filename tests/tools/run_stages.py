# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs the stages of `make test`, all of them even when one fails, and ends with a table and the totals.

Usage: .venv/bin/python tests/tools/run_stages.py [--exitfirst] [GROUP or STAGE ...]

Stages that need little of each other run side by side, and each shows what it printed when it has ended. What a failed
stage said of its failure is repeated at the end. The exit status is 0 only when no stage failed. A stage that this
machine cannot run is skipped, and the reason shown.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.table import Table
from stage_output import excerpt, run_recorded
from stages import GROUPS, REPORTS, STAGES, Stage
from venvs import CHECKOUT, ENVIRONMENTS, STATE

INTERRUPTED = 130
# The terminal is at the other end of a pipe.
_COLOURED = {"FORCE_COLOR": "1", "ANSIBLE_FORCE_COLOR": "1"}
_PLAIN = {"NO_COLOR": "1", "ANSIBLE_NOCOLOR": "1"}
# What tests bring to the disk costs nothing there.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder that is made there has a name of its own
# The reports of the last run of each suite: figures are among their properties.
KEPT_REPORTS = STATE / "reports"
_STYLES = {"passed": "green", "failed": "bold red", "skipped": "yellow"}


@dataclass(frozen=True)
class Tally:
    """How many tests a stage ran, by outcome; a stage that is not a test suite counts as one."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self) -> str:
        counts = {"failed": self.failed, "passed": self.passed, "skipped": self.skipped}
        return ", ".join(f"{count} {outcome}" for outcome, count in counts.items() if count) or "nothing ran"


@dataclass(frozen=True)
class Outcome:
    """What became of one stage."""

    stage: Stage
    verdict: str
    tests: Tally
    seconds: float
    remark: str = ""
    failure: str = ""


def run(stage: Stage, console: Console, reports: Path) -> Outcome:
    """Run one stage, whose output is seen as it comes."""
    console.rule(f"[bold]{_title(stage)}", align="left")
    console.file.flush()
    outcome = _outcome(stage, reports, console.file)
    console.print(_verdict(outcome), style=_STYLES[outcome.verdict])
    return outcome


def run_side_by_side(stages: Sequence[Stage], console: Console, reports: Path) -> Iterator[Outcome]:
    """Run stages at the same time, as many as there are processors, and give each when it has ended."""
    console.print(f"side by side: {', '.join(map(_title, stages))}", style="bold")
    console.file.flush()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        running = [pool.submit(_run_beside, stage, console, reports) for stage in stages]
        for ended in as_completed(running):
            outcome = ended.result()
            console.rule(f"[bold]{_title(outcome.stage)}", align="left")
            console.file.write(_output(outcome.stage, reports).read_text(errors="replace"))
            console.print(_verdict(outcome), style=_STYLES[outcome.verdict])
            yield outcome


def _run_beside(stage: Stage, console: Console, reports: Path) -> Outcome:
    console.print(f"started: {_title(stage)}", style="dim")
    console.file.flush()
    return _outcome(stage, reports, None)


def _title(stage: Stage) -> str:
    return f"{stage.group}: {stage.name}"


def _verdict(outcome: Outcome) -> str:
    took = f" after {outcome.seconds:.1f} s" if outcome.seconds else ""
    return f"{outcome.verdict}{took}{': ' if outcome.remark else ''}{outcome.remark}"


def _output(stage: Stage, reports: Path) -> Path:
    return reports / f"{stage.name}.out"


def _outcome(stage: Stage, reports: Path, show: IO[str] | None) -> Outcome:
    environment = ENVIRONMENTS[stage.environment]
    output = _output(stage, reports)
    output.touch()
    if not environment.is_ready():
        return _without_environment(stage)
    started = time.monotonic()
    command = [part.replace(REPORTS, str(reports)) for part in stage.command]
    status = run_recorded(command, CHECKOUT, _variables(stage, environment.path, reports), output, show)
    seconds = time.monotonic() - started
    verdict = "failed" if status else "passed"
    remark = f"exit status {status}" if status else ""
    failure = excerpt(output) if status else ""
    return Outcome(stage, verdict, _count(stage, verdict, reports), seconds, remark, failure)


def _without_environment(stage: Stage) -> Outcome:
    environment = ENVIRONMENTS[stage.environment]
    if environment.find_python():
        return Outcome(stage, "failed", Tally(failed=1), 0.0, f"{environment.folder} is out of date: run `make venv`")
    return Outcome(stage, "skipped", Tally(skipped=1), 0.0, f"no Python {environment.pythons} on this machine")


def _variables(stage: Stage, environment: Path, reports: Path) -> dict[str, str]:
    variables = {name: value.replace(REPORTS, str(reports)) for name, value in stage.variables.items()}
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(environment / "bin"), os.environ["PATH"]]),
        "VIRTUAL_ENV": str(environment),
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(STATE / "collections"),
        **(_COLOURED if sys.stdout.isatty() else _PLAIN),
        **variables,
    }


def _count(stage: Stage, verdict: str, reports: Path) -> Tally:
    """Read the stage's JUnit report, if it has written one, and never let it be kinder than the exit status."""
    report = reports / f"{stage.name}.xml"
    if not report.is_file():
        return Tally(failed=1) if verdict == "failed" else Tally(passed=1)
    total = Tally()
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - our own pytest wrote it
        failed = int(suite.get("failures", "0")) + int(suite.get("errors", "0"))
        skipped = int(suite.get("skipped", "0"))
        total += Tally(int(suite.get("tests", "0")) - failed - skipped, failed, skipped)
    if verdict == "failed" and not total.failed:
        total += Tally(failed=1)
    return total


def keep_reports(reports: Path) -> None:
    """Leave the JUnit reports in *reports* where they can be read when this run is over."""
    KEPT_REPORTS.mkdir(parents=True, exist_ok=True)
    for report in reports.glob("*.xml"):
        shutil.copy(report, KEPT_REPORTS)


def summarise(outcomes: Sequence[Outcome], console: Console, seconds: float) -> None:
    table = Table(title="Summary", title_justify="left", title_style="bold", box=None, pad_edge=False)
    for header, justify in (
        ("stage", "left"),
        ("outcome", "left"),
        ("tests", "left"),
        ("seconds", "right"),
        ("", "left"),
    ):
        table.add_column(header, justify=justify)  # type: ignore[arg-type]  # rich names the literals, a tuple loses them
    for outcome in outcomes:
        style = _STYLES[outcome.verdict]
        table.add_row(
            _title(outcome.stage),
            f"[{style}]{outcome.verdict}[/]",
            str(outcome.tests),
            f"{outcome.seconds:.1f}",
            outcome.remark,
        )
    console.print()
    console.print(table)
    # The last lines are what is read, and all that is kept of a long run in some places.
    for outcome in outcomes:
        if outcome.failure:
            console.rule(f"[bold red]{_title(outcome.stage)}: what failed", align="left", style="red")
            console.print(outcome.failure, markup=False, soft_wrap=True)
    console.print()
    total = sum((outcome.tests for outcome in outcomes), Tally())
    colour = _STYLES["failed" if total.failed else "passed"]
    console.rule(f"[{colour}]{total} in {seconds:.2f}s", characters="=", style=colour)


def run_all(stages: Sequence[Stage], console: Console, reports: Path) -> Iterator[Outcome]:
    for together, batch in itertools.groupby(stages, lambda stage: stage.together):
        neighbours = list(batch)
        if together and len(neighbours) > 1:
            yield from run_side_by_side(neighbours, console, reports)
        else:
            for stage in neighbours:
                yield run(stage, console, reports)


def select(names: Sequence[str]) -> list[Stage]:
    known = {*GROUPS, *(stage.name for stage in STAGES)}
    unknown = [name for name in names if name not in known]
    if unknown:
        choices = ", ".join([*GROUPS, *(stage.name for stage in STAGES if stage.name not in GROUPS)])
        raise SystemExit(f"unknown stage: {', '.join(unknown)} (known: {choices})")
    return [stage for stage in STAGES if not names or stage.group in names or stage.name in names]


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the stages of `make test`.")
    parser.add_argument("--exitfirst", "-x", action="store_true", help="stop at the first stage that fails")
    parser.add_argument(
        "names", nargs="*", metavar="GROUP|STAGE", help=f"groups: {', '.join(GROUPS)}; all when none is named"
    )
    arguments = parser.parse_args()
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    outcomes: list[Outcome] = []
    started = time.monotonic()
    interrupted = False
    with tempfile.TemporaryDirectory(prefix="stages-", dir=_MEMORY if os.access(_MEMORY, os.W_OK) else None) as folder:
        try:
            for outcome in run_all(select(arguments.names), console, Path(folder)):
                outcomes.append(outcome)
                if arguments.exitfirst and outcome.verdict == "failed":
                    break
        except KeyboardInterrupt:
            interrupted = True
        keep_reports(Path(folder))
    summarise(outcomes, console, time.monotonic() - started)
    if interrupted:
        console.print("interrupted: the stages after these did not run", style="bold red")
        return INTERRUPTED
    return 1 if any(outcome.verdict == "failed" for outcome in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
