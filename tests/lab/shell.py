# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that runs other programs."""

from __future__ import annotations

import collections
import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError

TAIL_LINES = 20
TERMINATION_SECONDS = 5

# What takes long must not go on writing once this process was killed: the next run sweeps up behind it.
_ENDS_WITH_US = ("setpriv", "--pdeathsig", "KILL", "--")


class CommandError(LabError):
    """A program could not be started, ended with an exit status other than 0, or took too long."""

    def __init__(self, argv: Sequence[str], outcome: str, output: str, *, remedy: str = "") -> None:
        lines = [f"{outcome}: {shlex.join(argv)}"]
        lines += [f"    {line}" for line in output.rstrip().splitlines()[-TAIL_LINES:]]
        super().__init__("\n".join(lines), remedy=remedy)
        self.argv = tuple(argv)
        self.output = output


@dataclass(frozen=True)
class Result:
    """What a finished program left behind."""

    returncode: int
    stdout: str
    stderr: str


def run(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
    check: bool = True,
) -> Result:
    """Run a program to its end and keep its output.

    :param argv: the program and its arguments; no shell is involved.
    :param cwd: the directory to run in; by default the current one.
    :param env: variables to add to this process's own environment.
    :param stdin: text for standard input, which is empty by default.
    :param timeout: seconds after which the program is killed; by default it may take for ever.
    :param check: raise if the exit status is not 0.
    :raises CommandError: with the command line and its last lines of output.
    """
    arguments = [str(argument) for argument in argv]
    try:
        done = subprocess.run(
            arguments,
            cwd=cwd,
            env=_environment(env),
            input=stdin or "",
            timeout=timeout,
            check=False,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except subprocess.TimeoutExpired as error:
        raise CommandError(
            arguments, f"Took longer than {timeout:g} s", _decoded(error.stdout, error.stderr)
        ) from error
    except OSError as error:
        raise _not_started(arguments, error) from error
    if check and done.returncode != 0:
        raise CommandError(arguments, _outcome(done.returncode), done.stdout + done.stderr)
    return Result(done.returncode, done.stdout, done.stderr)


def follow(
    argv: Sequence[str | Path],
    on_line: Callable[[str], None],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    log: Path | None = None,
) -> None:
    """Run a program that takes long, and hand over each line of its output (both streams) as it appears.

    :param on_line: called with each line, without its line feed.
    :param log: a file that receives the whole output, replacing what it held.
    :raises CommandError: with the command line and its last lines of output.
    """
    arguments = [str(argument) for argument in argv]
    if shutil.which(arguments[0]) is None:
        raise _not_started(arguments, FileNotFoundError(f"There is no program {arguments[0]}."))
    tail: collections.deque[str] = collections.deque(maxlen=TAIL_LINES)
    reading, writing = os.pipe()
    with open(reading, encoding="utf-8", errors="replace") as output:
        try:
            process = subprocess.Popen(
                [*_ENDS_WITH_US, *arguments],
                cwd=cwd,
                env=_environment(env),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=subprocess.STDOUT,
            )
        except OSError as error:
            raise _not_started(arguments, error) from error
        finally:
            os.close(writing)
        with process, open(log or os.devnull, "w", encoding="utf-8") as log_file:
            try:
                for line in output:
                    log_file.write(line)
                    tail.append(line)
                    on_line(line.rstrip())
                process.wait()
            except BaseException:
                _stop(process)
                raise
    if process.returncode != 0:
        remedy = f"The whole output is in {log}." if log else ""
        raise CommandError(arguments, _outcome(process.returncode), "".join(tail), remedy=remedy)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(TERMINATION_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()


def _environment(added: Mapping[str, str] | None) -> dict[str, str]:
    # Output is parsed, so it must not depend on the language of whoever runs the tests.
    return {**os.environ, "LC_ALL": "C.UTF-8", **(added or {})}


def _outcome(returncode: int) -> str:
    return f"Killed by signal {-returncode}" if returncode < 0 else f"Failed with exit status {returncode}"


def _not_started(argv: Sequence[str], error: OSError) -> CommandError:
    return CommandError(argv, "Could not be started", str(error))


def _decoded(*streams: bytes | str | None) -> str:
    # TimeoutExpired holds bytes even where text was asked for.
    return "".join(stream.decode(errors="replace") if isinstance(stream, bytes) else stream or "" for stream in streams)
