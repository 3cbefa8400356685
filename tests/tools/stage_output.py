# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a stage of `make test` prints: shown as it comes, kept, and searched for what failed."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

# What Ansible and pytest print where something fails; Ansible's word for a task that it will try again is none of it.
_FAILURE = re.compile(r"^(fatal: |failed: |FAILED (?!- RETRYING)|ERROR \S)")
_RECAP = re.compile(r"^(?P<host>\S+) +: ok=\d.*(unreachable|failed)=[1-9]")
_TASK = re.compile(r"^(TASK|PLAY|RUNNING HANDLER) ")
_IGNORED = "...ignoring"
# A failure that was rescued looks alike: what ended the stage is among the last ones.
_FAILURES = 3
_BEFORE, _AFTER, _LAST = 8, 25, 30
_WIDTH = 300
_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def run_recorded(
    command: Sequence[str], folder: Path, variables: Mapping[str, str], output: Path, show: IO[str] | None
) -> int:
    """Run a command that reads nothing, keep what it prints in the file *output*, and return its exit status.

    Args:
        command: the words of the command.
        folder: where it runs.
        variables: its environment.
        output: the file, which is overwritten.
        show: where its output is shown, line by line as it comes; not at all if None.
    """
    with (
        output.open("wb") as file,
        subprocess.Popen(
            command,
            cwd=folder,
            # Through a pipe, Python would keep lines back until there are many.
            env={**variables, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if show else file,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        for line in process.stdout or ():
            file.write(line)
            if show:
                show.write(line.decode(errors="replace"))
                show.flush()
        return process.wait()


def excerpt(output: Path) -> str:
    """Return the lines around the last failures that the file *output* tells of; its last lines if it tells of none.

    Where Ansible's recap names the hosts that failed, failures of others are none: those were rescued.
    """
    lines = [_COLOUR.sub("", line)[:_WIDTH] for line in output.read_text(errors="replace").splitlines()]
    failures = [number for number, line in enumerate(lines) if _FAILURE.match(line) and not _ignored(lines, number)]
    failures = _of_failed_hosts(failures, lines)[-_FAILURES:]
    if not failures:
        return "\n".join(lines[-_LAST:])
    wanted = sorted({number for at in failures for number in range(max(0, at - _BEFORE), min(len(lines), at + _AFTER))})
    parts = []
    for before, number in zip([wanted[0] - 1, *wanted], wanted, strict=False):
        parts += ["[…]"] if number > before + 1 else []
        parts.append(lines[number])
    return "\n".join(parts)


def _ignored(lines: Sequence[str], at: int) -> bool:
    # Ansible's two streams may overtake one another: the word stands after the failure or before it.
    before = itertools.takewhile(lambda line: not _TASK.match(line), reversed(lines[:at]))
    after = itertools.takewhile(lambda line: not _TASK.match(line), lines[at:])
    return _IGNORED in itertools.chain(before, after)


def _of_failed_hosts(failures: list[int], lines: Sequence[str]) -> list[int]:
    hosts = [re.escape(recap["host"]) for recap in map(_RECAP.match, lines) if recap]
    if not hosts:
        return failures
    named = re.compile(rf"\[({'|'.join(hosts)})(?![\w.-])")
    return [number for number in failures if named.search(lines[number])] or failures
