# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest
from lab import shell


def test_run_keeps_both_streams_apart() -> None:
    done = shell.run(["sh", "-c", "echo out; echo err >&2"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "out\n", "err\n")


def test_run_reads_nothing_from_the_terminal_and_speaks_no_local_language() -> None:
    assert shell.run(["sh", "-c", "cat; echo $LC_ALL"], env={"OTHER": "1"}).stdout == "C.UTF-8\n"


def test_failure_names_the_command_and_its_last_lines_only() -> None:
    with pytest.raises(shell.CommandError) as caught:
        shell.run(["sh", "-c", "seq 1 100; exit 3"])
    message = str(caught.value)
    assert message.startswith("Failed with exit status 3: sh -c 'seq 1 100; exit 3'\n")
    assert message.endswith("    100")
    assert len(message.splitlines()) == 1 + shell.TAIL_LINES


def test_unchecked_failure_is_a_result() -> None:
    assert shell.run(["sh", "-c", "exit 3"], check=False).returncode == 3


def test_missing_program_is_named() -> None:
    with pytest.raises(shell.CommandError, match=r"Could not be started: /nonexistent/tool"):
        shell.run(["/nonexistent/tool"])


def test_timeout_keeps_what_was_said_until_then() -> None:
    with pytest.raises(shell.CommandError, match=r"(?s)Took longer than 0\.5 s: .*began"):
        shell.run(["sh", "-c", "echo began; exec sleep 30"], timeout=0.5)


def test_follow_hands_over_lines_and_logs_them(tmp_path: Path) -> None:
    lines: list[str] = []
    log = tmp_path / "log"
    shell.follow(["sh", "-c", "echo one; echo two >&2"], lines.append, log=log)
    assert lines == ["one", "two"]
    assert log.read_text() == "one\ntwo\n"


def test_follow_says_where_the_log_is(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(shell.CommandError, match=f"(?s)exit status 1.*why\n.*{log}"):
        shell.follow(["sh", "-c", "echo why; exit 1"], lambda _line: None, log=log)


def test_follow_names_a_missing_program() -> None:
    with pytest.raises(shell.CommandError, match=r"Could not be started: /nonexistent/tool"):
        shell.follow(["/nonexistent/tool"], lambda _line: None)


def test_follow_ends_the_program_when_it_is_interrupted() -> None:
    processes: list[int] = []

    def interrupted(line: str) -> None:
        processes.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shell.follow(["sh", "-c", "echo $$; exec sleep 60"], interrupted)
    with pytest.raises(ProcessLookupError):
        os.kill(processes[0], 0)
