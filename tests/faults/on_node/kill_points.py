# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ends a module before each system call by which it changes the disk, or lets that call fail, and looks what is left.

Runs on the node. Reads a plan from standard input as JSON and prints what was found as JSON:

    library, module  where the module's files are, and its name
    root             the folder that all happens in, with the archive's prefix in it
    prepare          options of the runs that come before, beginning with an empty root
    work             options of the run that is disturbed
    archives         sha256 of each file of each archive, by version
    fault            kill, or the name of an error, such as ENOSPC, that the call returns instead of being made
    only             names of the calls to disturb; all if empty
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import typing as t

import installation
from module_process import KILLED, Call, Finished, Module

KILL = "kill"
# The calls below the root are the same in each run; those elsewhere may shift where it begins.
ATTEMPTS = 5


class Disturbance:
    """One run that is disturbed at every point."""

    def __init__(self, plan: dict[str, t.Any]) -> None:
        self._root: str = plan["root"]
        self._template = f"{self._root}.template"
        self._work: dict[str, t.Any] = plan["work"]
        self._archives: dict[str, dict[str, str]] = plan["archives"]
        self._fault: str = plan["fault"]
        self._only: list[str] = plan["only"]
        self._module = Module(plan["library"], plan["module"])
        self._prepare(plan["prepare"])
        self._before = installation.served(self._root)
        self._calls = self._record()
        self._after = installation.served(self._root)
        self._final = installation.listing(self._root)
        self.troubles: list[str] = []
        self.mixed = 0

    @property
    def points(self) -> list[Call]:
        """The calls that are disturbed."""
        return [
            call for call in self._calls if self._changes_root(call) and (not self._only or call.name in self._only)
        ]

    def disturb(self, point: Call) -> None:
        """Disturb the run at *point*, look at what is left, and let it run again."""
        finished = self._reach(point)
        where = f"{point.name} {point.number} ({point.text[:200]})"
        if finished is None:
            self.troubles.append(f"{where}: was not reached in {ATTEMPTS} attempts")
            return
        served = installation.served(self._root)
        wrong = installation.damage(self._root, self._archives)
        if served not in (self._before, self._after) or len(installation.served_by(self._root)) > 1 or wrong:
            self.mixed += 1
            expected = self._before if len(served) <= len(self._before) else self._after
            self.troubles.append(f"{where}: mixed: {[*wrong, *installation.differences(served, expected)]}")
        if self._fault != KILL:
            self._judge_failure(where, finished)
        self._converge(where)

    def clean_up(self) -> None:
        """Leave nothing."""
        for folder in (self._root, self._template):
            shutil.rmtree(folder, ignore_errors=True)

    def _prepare(self, runs: list[dict[str, t.Any]]) -> None:
        self.clean_up()
        os.makedirs(self._root)
        for options in runs:
            _require(self._module.run(options))
        shutil.copytree(self._root, self._template, symlinks=True)

    def _record(self) -> list[Call]:
        finished = self._module.run(self._work, watched=True)
        _require(finished)
        return finished.calls

    def _reach(self, point: Call) -> Finished | None:
        what = "signal=KILL" if self._fault == KILL else f"error={self._fault}"
        number = point.number
        for _attempt in range(ATTEMPTS):
            installation.replace(self._root, self._template)
            finished = self._module.run(self._work, inject=f"{point.name}:{what}:when={number}")
            same = [call for call in finished.calls if call.name == point.name]
            hit = same[number - 1] if len(same) >= number else None
            was_disturbed = (
                finished.status == KILLED if self._fault == KILL else "(INJECTED)" in (hit.text if hit else "")
            )
            if was_disturbed and hit is not None and self._changes_root(hit):
                return finished
            # Shifted: take the call that has the same place among those below the root.
            ours = [call.number for call in self._calls if call.name == point.name and self._changes_root(call)]
            seen = [call.number for call in same if self._changes_root(call)]
            place = ours.index(point.number)
            number = seen[place] if place < len(seen) else number + 1
        return None

    def _judge_failure(self, where: str, finished: Finished) -> None:
        if not finished.result.get("failed") or "To do:" not in finished.result.get("msg", ""):
            self.troubles.append(f"{where}: no failure in words: {finished.status} {finished.result}")
        left = [path for path in installation.listing(self._root) if "staging" in path]
        if left:
            self.troubles.append(f"{where}: staging is left: {left[:3]}")

    def _converge(self, where: str) -> None:
        again = self._module.run(self._work)
        if again.status != 0:
            self.troubles.append(f"{where}: the next run failed: {again.result.get('msg')}")
            return
        wrong = installation.differences(installation.listing(self._root), self._final)
        if wrong:
            self.troubles.append(f"{where}: the next run did not converge: {wrong[:5]}")
        once_more = self._module.run(self._work)
        if once_more.status != 0 or once_more.result["changed"]:
            self.troubles.append(f"{where}: the run after the next one still changed something: {once_more.result}")

    def _changes_root(self, call: Call) -> bool:
        opens = call.name in ("open", "openat")
        return f"{self._root}/" in call.text and (not opens or "O_CREAT" in call.text)


def _require(finished: Finished) -> None:
    if finished.status != 0:
        raise SystemExit(f"An undisturbed run failed with {finished.status}: {finished.result.get('msg')}")


def main() -> None:
    """Carry out the plan."""
    disturbance = Disturbance(json.load(sys.stdin))
    points = disturbance.points
    began = time.monotonic()
    for point in points:
        disturbance.disturb(point)
    report = {
        "points": len(points),
        "mixed": disturbance.mixed,
        "troubles": disturbance.troubles,
        "seconds": time.monotonic() - began,
    }
    disturbance.clean_up()
    print(json.dumps(report))


if __name__ == "__main__":
    main()
