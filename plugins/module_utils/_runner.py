# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The only place that starts processes: argv in, bytes out, never through a shell's parser."""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import tempfile
import threading
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    ToolFailed,
    Unavailable,
)

if t.TYPE_CHECKING:
    import subprocess

    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.nephoran.container_build.plugins.module_utils._grpc import Channel

# Ansible's become often resets PATH to one without /usr/local.
EXTRA_BIN_DIRS = ["/usr/local/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"]
# timeout(1) of coreutils: 124 when the limit was reached; if SIGKILL had to be sent, it ends itself by that too.
TIMED_OUT = (124, -signal.SIGKILL)
KILL_AFTER_SECONDS = 10
SAME_MOMENT_SECONDS = 0.002

_URL_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/@\s]+@")


def redact(argv: t.Sequence[str]) -> list[str]:
    """Return *argv* with the user information of URLs masked, fit for results and logs."""
    return [_URL_USERINFO.sub(r"\g<scheme>********@", word) for word in argv]


class Completed(t.NamedTuple):
    """A process that ended.

    Attributes:
        argv: the words it was started with.
        rc: its exit status.
        stdout: what it wrote there, as bytes: documents are hashed before they are decoded.
        stderr: what it wrote there, decoded.
    """

    argv: tuple[str, ...]
    rc: int
    stdout: bytes
    stderr: str

    @property
    def text(self) -> str:
        """Standard output, decoded."""
        return self.stdout.decode("utf-8", "surrogateescape")

    @property
    def tool(self) -> str:
        """The name of the command."""
        return self.argv[0].rsplit("/", 1)[-1]


class RunningProcess:
    """A process that is followed: the parent of the command, with a group of processes of their own.

    Args:
        process: as it was started.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.pid = process.pid
        self._process = process

    def has_ended(self) -> bool:
        """Tell whether the process has ended."""
        return self._process.poll() is not None

    def end_group(self) -> None:
        """Ask the process and the others of its group to end; those that have not 10 s later are killed."""
        if self.has_ended():
            return
        # timeout(1) has a group of its own, and hands on what ends it, but not in the instant before it knows its
        # child.
        try:
            os.killpg(self.pid, signal.SIGTERM)
        except ProcessLookupError:
            # It has no group yet, and so no child.
            self._process.terminate()


class Follower(t.Protocol):
    """Follows one process while it runs, and may end it; entered before its start and left after its end."""

    interrupted: str
    """Why the process was ended; empty if it was not."""
    ending: t.Callable[[RunningProcess], None]
    """Asks it and its children to end, for the follower or since its time is over, and does not wait for that."""

    def __enter__(self) -> None: ...

    def __exit__(self, *exception: object) -> None: ...

    def started(self, end: t.Callable[[], None]) -> None:
        """Learn how to ask the process and its children to end."""

    def heard(self, stream: str, piece: bytes) -> None:
        """Learn what the process wrote on a stream; pieces end anywhere."""


class Runner(t.Protocol):
    """What the backends need of the world outside."""

    def find(self, command: str) -> str:
        """Return the path of *command*; raise ``Unavailable`` if the node has none."""

    def run(
        self,
        argv: t.Sequence[str],
        *,
        data: bytes | None = None,
        stdin_path: str | None = None,
        stdout_path: str | None = None,
        environ: t.Mapping[str, str] | None = None,
        timeout: int | None = None,
        follower: Follower | None = None,
    ) -> Completed:
        """Run *argv* to its end, whatever its exit status."""

    def dial(self, address: str, timeout: int | None) -> Channel:
        """Return what leads to the server behind the Unix socket *address*, which is not connected to yet."""


class ModuleRunner:
    """A ``Runner`` over ``AnsibleModule.run_command`` and this machine's sockets."""

    def __init__(self, module: AnsibleModule) -> None:
        self._module = module
        self._paths: dict[str, str] = {}

    def find(self, command: str) -> str:
        """Return the path of *command*; raise ``Unavailable`` if the node has none."""
        if command not in self._paths:
            path = self._module.get_bin_path(command, opt_dirs=EXTRA_BIN_DIRS)
            if path is None:
                raise Unavailable(
                    "The command is not installed on this node",
                    subject=command,
                    expected=f"{command} in PATH or in {', '.join(EXTRA_BIN_DIRS)}",
                    remedy=_install_hint(command),
                )
            self._paths[command] = path
        return self._paths[command]

    def run(
        self,
        argv: t.Sequence[str],
        *,
        data: bytes | None = None,
        stdin_path: str | None = None,
        stdout_path: str | None = None,
        environ: t.Mapping[str, str] | None = None,
        timeout: int | None = None,
        follower: Follower | None = None,
    ) -> Completed:
        """Run *argv* to its end, whatever its exit status.

        Args:
            argv: the command, found through ``find``, and its words.
            data: bytes for standard input.
            stdin_path: a file to be standard input itself (tools that seek need one).
            stdout_path: a file that standard output is written to.
            environ: variables added to the environment; ``LC_ALL=C`` always is.
            timeout: seconds after which the process and its children are ended; no limit by default.
            follower: is told what happens while the process runs, and may end it.

        Raises:
            Unavailable: the command could not be started.
            ToolFailed: the time limit was reached, or the follower ended the process.
        """
        words = [self.find(argv[0]), *argv[1:]]
        full = list(words)
        if timeout or follower:
            # It hands a request to end on to the whole group of processes, and insists; 0 is no limit.
            seconds = 0 if follower else timeout
            full = [self.find("timeout"), f"--kill-after={KILL_AFTER_SECONDS}", str(seconds), *full]
        limit = _FollowedLimit(timeout) if timeout and follower else None
        started = time.monotonic()
        with contextlib.ExitStack() as stack:
            if data is not None:
                # A file, not a pipe: run_command writes all of its data before it reads, and would lose the words of a
                # tool that ends without reading.
                stdin = stack.enter_context(tempfile.NamedTemporaryFile(dir=self._module.tmpdir))
                stdin.write(data)
                stdin.flush()
                stdin_path = stdin.name
            if follower is not None:
                stack.enter_context(follower)
            if limit is not None:
                stack.callback(limit.cancel)
            rc, stdout, stderr = self._start(_redirected(full, stdin_path, stdout_path), environ, follower, limit)
        completed = Completed(tuple(words), rc, stdout, stderr.decode("utf-8", "replace"))
        if limit is not None:
            timed_out = limit.reached and rc != 0
        else:
            timed_out = bool(timeout) and rc in TIMED_OUT and time.monotonic() - started >= t.cast("int", timeout)
        if timed_out:
            raise ToolFailed(
                f"{completed.tool} did not end within {timeout} s and was stopped",
                subject=" ".join(redact(words)),
                remedy="raise the option timeout, or find out what it waits for",
                tail=completed.stderr,
            )
        if follower is not None and follower.interrupted:
            raise ToolFailed(
                f"{completed.tool} was stopped before it was done: {follower.interrupted}",
                subject=" ".join(redact(words)),
            )
        return completed

    def dial(self, address: str, timeout: int | None) -> Channel:
        """Return what leads to the server behind the Unix socket *address*, which is not connected to yet.

        Args:
            address: the socket.
            timeout: seconds that one call may take; no limit if None.
        """
        from ansible_collections.nephoran.container_build.plugins.module_utils._grpc import SocketChannel  # noqa: PLC0415

        return SocketChannel(address, timeout)

    def _start(
        self,
        words: list[str],
        environ: t.Mapping[str, str] | None,
        follower: Follower | None,
        limit: _FollowedLimit | None,
    ) -> tuple[int, bytes, bytes]:
        try:
            rc, stdout, stderr = self._module.run_command(
                words,
                environ_update={"LC_ALL": "C", "LANGUAGE": "C", **(environ or {})},
                encoding=None,
                expand_user_and_vars=False,
                handle_exceptions=False,
                before_communicate_callback=functools.partial(_started, follower, limit),
            )
        except OSError as error:
            raise Unavailable("The command could not be started", subject=words[0], tail=str(error)) from error
        except ValueError as error:
            raise InvalidInput(
                "A word of a command line cannot be passed to a process",
                subject=ascii(max(words, key=_unusable)[:120]),
                expected="no NUL character, and nothing that is not Unicode",
            ) from error
        return rc, stdout, stderr


class _Overheard:
    """A stream of a process that tells a follower what ``run_command`` reads from it."""

    def __init__(self, stream: t.Any, heard: t.Callable[[bytes], None]) -> None:
        self._stream = stream
        self._heard = heard

    def fileno(self) -> int:
        return int(self._stream.fileno())

    def read(self, size: int) -> bytes | None:
        piece: bytes | None = self._stream.read(size)
        if piece:
            self._heard(piece)
        return piece

    def close(self) -> None:
        self._stream.close()


class _FollowedLimit:
    """The time limit of a process that has a follower, which knows how it is ended.

    Attributes:
        reached: whether the process was asked to end.

    Args:
        seconds: how long it may run.
    """

    def __init__(self, seconds: int) -> None:
        self.reached = False
        self._seconds = seconds
        self._timer: threading.Timer | None = None

    def start(self, end: t.Callable[[], None]) -> None:
        """Count from now on."""
        self._timer = threading.Timer(self._seconds, self._reach, [end])
        self._timer.daemon = True
        self._timer.start()

    def cancel(self) -> None:
        """Count no longer."""
        if self._timer is not None:
            self._timer.cancel()

    def _reach(self, end: t.Callable[[], None]) -> None:
        self.reached = True
        end()


def _started(follower: Follower | None, limit: _FollowedLimit | None, process: subprocess.Popen[bytes]) -> None:
    _answer_alike(process)
    if follower is not None:
        end = functools.partial(follower.ending, RunningProcess(process))
        _attach(follower, process, end)
        if limit is not None:
            limit.start(end)


def _answer_alike(process: subprocess.Popen[bytes]) -> None:
    """Have *process* answer the same when it is asked twice at once whether it has ended.

    ``AnsibleModule.run_command`` asks so when both streams have, and is done or waits for the process. Where that ends
    between the two questions, as about one in a hundred does, it is neither, and lets a second pass.
    """
    ask, at_work = process.poll, -1.0

    def poll() -> int | None:
        nonlocal at_work
        if time.monotonic() - at_work < SAME_MOMENT_SECONDS:
            return None
        answer = ask()
        if answer is None:
            at_work = time.monotonic()
        return answer

    process.poll = poll  # type: ignore[method-assign]


def _attach(follower: Follower, process: subprocess.Popen[bytes], end: t.Callable[[], None]) -> None:
    # Only builds are followed.
    from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import STDERR, STDOUT  # noqa: PLC0415

    process.stdout = t.cast("t.IO[bytes]", _Overheard(process.stdout, functools.partial(follower.heard, STDOUT)))
    process.stderr = t.cast("t.IO[bytes]", _Overheard(process.stderr, functools.partial(follower.heard, STDERR)))
    follower.started(end)


def _unusable(word: str) -> int:
    return sum(character == "\0" or 0xD800 <= ord(character) <= 0xDFFF for character in word)


def _redirected(words: list[str], stdin_path: str | None, stdout_path: str | None) -> list[str]:
    """Give *words* files as standard streams; the paths are parameters of the shell, never parsed by it."""
    if stdin_path is not None:
        words = ["/bin/sh", "-c", 'exec "$@" < "$0"', stdin_path, *words]
    if stdout_path is not None:
        words = ["/bin/sh", "-c", 'exec "$@" > "$0"', stdout_path, *words]
    return words


def _install_hint(command: str) -> str:
    roles = {"buildah": "buildah", **dict.fromkeys(("ctr", "nerdctl", "buildctl"), "nerdctl_full")}
    if command in roles:
        return f"apply the role nephoran.container_build.{roles[command]}"
    return f"install the package that has {command}"


# What tools say when something beneath them is wrong, in the order they are looked for.
# The document's section "Troubleshooting" is where the first remedies come from.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (
        r"(connect|\.sock): permission denied|permission denied.*\.sock|must be root|rootless mode|XDG_RUNTIME_DIR",
        "The user may not use the daemon's socket",
        "run the task as root: become: true",
    ),
    (
        r"(?:containerd.*\.sock|^ctr: .*(?:dial unix|cannot access socket)).*(?:no such file|connection refused)",
        "containerd does not answer on its socket",
        "start it (systemctl start containerd; journalctl -u containerd says why it ended) or set the option address",
    ),
    (
        r"failed to (list workers|call diskusage: Unavailable)|no buildkit host is available|buildkitd`? needs to be",
        "BuildKit does not answer on its socket",
        "start it (systemctl start buildkit; journalctl -u buildkit says why it ended) or set the option buildkit_host",
    ),
    (
        r"rpc error: code = Unavailable|error reading from server: EOF",
        "BuildKit or containerd ended while it was at work",
        "run the task again; journalctl -u buildkit -u containerd says why it ended",
    ),
    (r"no space left on device", "The file system is full", "free space, or prune images and build cache"),
)


def failure(completed: Completed, message: str, *, subject: str | None = None) -> ContainerBuildError:
    """Return the error that *completed* stands for: a known cause if its output names one, else *message*.

    Args:
        completed: a process that reported failure.
        message: what it was meant to do, as a sentence about its failing.
        subject: on what.
    """
    output = completed.stderr if completed.stderr.strip() else completed.text
    return known_failure(message, output, subject=subject) or ToolFailed(
        f"{message}: {completed.tool} exited with {completed.rc}", subject=subject, tail=output
    )


def known_failure(message: str, output: str, *, subject: str | None = None) -> Unavailable | None:
    """Return the error with the cause and the remedy that are known for *output*, None if none are.

    Args:
        message: what failed, as a sentence about its failing.
        output: what the tool or the daemon says.
        subject: on what.
    """
    for pattern, cause, remedy in _CAUSES:
        if re.search(pattern, output, re.IGNORECASE | re.MULTILINE):
            return Unavailable(f"{message}. {cause}", subject=subject, remedy=remedy, tail=output)
    return None


def checked(completed: Completed, message: str, *, subject: str | None = None) -> Completed:
    """Return *completed* if it succeeded, else raise what ``failure`` makes of it."""
    if completed.rc != 0:
        raise failure(completed, message, subject=subject)
    return completed
