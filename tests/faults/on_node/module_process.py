# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module on a node, the files that Ansible sends, in a process that strace watches from its first step.

Runs on the node: Python's standard library only. The modules' imports are done once; each run is a fork.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback
import typing as t

# What changes names, content, modes or times of files. The question mark: not every architecture has each of them.
CHANGES = (
    *("openat", "open", "creat", "mkdir", "mkdirat", "rmdir", "unlink", "unlinkat", "symlink", "symlinkat"),
    *("link", "linkat", "rename", "renameat", "renameat2", "write", "pwrite64", "pwritev", "writev", "truncate"),
    *("ftruncate", "fallocate", "copy_file_range", "sendfile", "chmod", "fchmod", "fchmodat", "chown", "fchown"),
    *("lchown", "fchownat", "utimensat", "utime", "utimes", "setxattr", "fsetxattr", "fsync", "fdatasync"),
)
TRACE = ",".join(f"?{name}" for name in CHANGES)
ATTACH_SECONDS = 20
KILLED = -signal.SIGKILL
_CALL = re.compile(r"^(?:(?P<pid>\d+) +)?(?P<name>[a-z0-9_]+)\((?P<arguments>.*)$")

_RESUMED = re.compile(r"^(?P<pid>\d+) +<\.\.\. ")


class Call(t.NamedTuple):
    """A system call in a log of strace.

    Attributes:
        name: of the call.
        number: how many calls of this name the thread had made with it.
        text: the line after the name and the parenthesis.
    """

    name: str
    number: int
    text: str


class Finished(t.NamedTuple):
    """A run of a module.

    Attributes:
        status: the exit status, or the negative number of the signal that ended it.
        result: what it told Ansible; empty if it told nothing.
        calls: what strace saw; empty if it did not watch.
    """

    status: int
    result: dict[str, t.Any]
    calls: list[Call]


class Module:
    """A module whose files, as Ansible's own payload holds them, lie in a folder.

    Args:
        library: the folder.
        name: the module's full name in Python.
    """

    def __init__(self, library: str, name: str) -> None:
        sys.path.insert(0, library)
        self._basic = importlib.import_module("ansible.module_utils.basic")
        self._module = importlib.import_module(name)

    def run(
        self, options: dict[str, t.Any], *, watched: bool = False, inject: str = "", threads: bool = False
    ) -> Finished:
        """Run the module.

        Args:
            options: its options.
            watched: whether strace watches.
            inject: a fault for strace to inject, as its option ``inject`` takes it.
            threads: whether all threads and processes are watched, not the main thread alone.
        """
        with tempfile.NamedTemporaryFile() as output, tempfile.NamedTemporaryFile("r", errors="replace") as log:
            waiting, go = os.pipe()
            child = os.fork()
            if child == 0:
                os.close(go)
                self._run_and_exit(options, waiting, output.fileno())
            os.close(waiting)
            strace = _watch(child, log.name, inject, threads=threads) if watched or inject else None
            os.write(go, b"!")
            os.close(go)
            _pid, status = os.waitpid(child, 0)
            if strace is not None:
                strace.wait()
            code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
            return Finished(code, _result(text, code), _calls(log.read()))

    def _run_and_exit(self, options: dict[str, t.Any], waiting: int, output: int) -> t.NoReturn:
        try:
            os.read(waiting, 1)
            os.dup2(output, 1)
            vars(self._basic).update(
                _ANSIBLE_ARGS=json.dumps({"ANSIBLE_MODULE_ARGS": options}).encode(), _ANSIBLE_PROFILE="legacy"
            )
            self._module.main()
        except SystemExit as ending:
            sys.stdout.flush()
            os._exit(ending.code if isinstance(ending.code, int) else 1)
        except BaseException:  # noqa: BLE001 - whatever it is, this process must not go on as its parent would
            traceback.print_exc(file=sys.stdout)
            sys.stdout.flush()
        os._exit(70)


def _watch(child: int, log: str, inject: str, *, threads: bool) -> subprocess.Popen[bytes]:
    words = ["strace", "-qq", "-y", "-s", "0", "-o", log, "-p", str(child), "-e", f"trace={TRACE}", "-e", "signal=none"]
    words += ["-f"] if threads else []
    words += ["-e", f"inject={inject}"] if inject else []
    strace = subprocess.Popen(words, stdin=subprocess.DEVNULL)
    deadline = time.monotonic() + ATTACH_SECONDS
    while not _is_traced(child):
        if strace.poll() is not None or time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            raise SystemExit(f"strace did not attach to a process (exit status {strace.poll()})")
        time.sleep(0.001)
    return strace


def _is_traced(pid: int) -> bool:
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return any(line.startswith("TracerPid:") and line.split()[1] != "0" for line in lines)


def _result(text: str, status: int) -> dict[str, t.Any]:
    text = text.strip()
    if not text.startswith("{"):
        if status not in (0, KILLED):
            sys.stderr.write(text)
        return {}
    result: dict[str, t.Any] = json.loads(text)
    return result


def _calls(log: str) -> list[Call]:
    counts: dict[tuple[str, str], int] = {}
    calls = []
    unfinished: dict[str, Call] = {}
    for line in log.splitlines():
        resumed = _RESUMED.match(line)
        if resumed is not None and resumed["pid"] in unfinished:
            # What one thread waited for while another one went on counts from when it was done.
            calls.append(unfinished.pop(resumed["pid"]))
        match = _CALL.match(line)
        if match is None:
            continue
        key = (match["pid"] or "", match["name"])
        counts[key] = counts.get(key, 0) + 1
        call = Call(match["name"], counts[key], match["arguments"])
        if line.endswith("<unfinished ...>"):
            unfinished[key[0]] = call
        else:
            calls.append(call)
    return calls
