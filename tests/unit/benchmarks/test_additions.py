# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module adds is told without its builder, and the builder is itself again in the end."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from benchmarks import additions


class FakeNode:
    """A node where a module takes three seconds, and its builder's longest process two and a half."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.fails = False

    @contextlib.contextmanager
    def stores_in_memory(self, services: object, stores: object) -> Iterator[None]:
        yield

    def run(self, command: str, data: bytes = b"") -> str:
        self.ran.append(command)
        return "100000\n2500000\n30000\n" if command.startswith("cat ") else ""

    def program(self, name: str, *arguments: object) -> str:
        return name

    def module_command(self, module: str, arguments: dict[str, Any]) -> str:
        return f"{module} {arguments}"

    def seconds(self, **plan: str) -> float:
        if self.fails:
            raise SystemExit("It built nothing.")
        return 3.0


def test_what_is_added_is_what_is_left_without_the_builder() -> None:
    node: Any = FakeNode()
    results = additions.measure(node, 1)
    assert [row[1:] for row in results.table.rows] == [("3.00 s", "2.50 s", "0.50 s (0.50, 0.50)")] * 3
    assert [goal.met for goal in results.goals] == [False] * 3


def test_no_stopwatch_stays_behind() -> None:
    node: Any = FakeNode()
    node.fails = True
    with pytest.raises(SystemExit):
        additions.measure(node, 1)
    assert node.ran[-3:] == [additions.TAKE_AWAY.format(builder=builder) for builder in additions.BUILDERS]


def test_a_stopwatch_changes_nothing_but_the_note(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("#!/bin/sh\necho $0 $#; exit 3\n")
    (tmp_path / "real").chmod(0o755)
    (tmp_path / "tool.itself").symlink_to("real")
    notes = tmp_path / "notes"
    tool = tmp_path / "tool"
    tool.write_text(additions.STOPWATCH.replace(additions.NOTES, str(notes)))
    tool.chmod(0o755)
    done = subprocess.run([tool, "a b", "c"], check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, f"{tmp_path}/real 2\n", "")
    assert int(notes.read_text()) > 0
