# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The processes of this machine, read from ``/proc``."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._file_digest import file_digest

_DELETED = " (deleted)"
# struct ucred of unix(7): process, user, group.
_CREDENTIALS = struct.Struct("3i")
_CONNECT_SECONDS = 5.0

USER_MANAGER = "user@"
"""What the names of the services begin with in which users have a systemd of their own: ``user@.service(5)``."""


class Process(t.NamedTuple):
    """A process that runs.

    Attributes:
        pid: its number.
        executable: the file that it was started from, whether or not that is still there.
    """

    pid: int
    executable: str


class ProcessTable(t.NamedTuple):
    """What the kernel tells of processes.

    Attributes:
        root: where ``/proc`` is mounted.
    """

    root: str = "/proc"

    def running(self) -> t.Iterator[Process]:
        """Yield the processes that see the same root file system as this one: a container's paths mean other files."""
        for name in os.listdir(self.root):
            if name.isascii() and name.isdigit():
                process = self.process(int(name))
                if process is not None:
                    yield process

    def process(self, pid: int) -> Process | None:
        """Return the process *pid*.

        Returns:
            ``None`` if it ended, is the kernel's, may not be looked at, or has another root file system.
        """
        executable = self.executable(pid)
        try:
            if executable is None or not os.path.samefile(os.path.join(self.root, str(pid), "root"), "/"):
                return None
        except OSError:
            # It ended meanwhile, or belongs to somebody else.
            return None
        return Process(pid, executable)

    def executable(self, pid: int) -> str | None:
        """Return the file that the process *pid* was started from, whatever its root file system is.

        Returns:
            ``None`` if it ended, is the kernel's, or may not be looked at.
        """
        try:
            return os.readlink(os.path.join(self.root, str(pid), "exe")).removesuffix(_DELETED)
        except OSError:
            return None

    def program_digest(self, pid: int) -> str | None:
        """Return the sha256 of the program that the process *pid* runs, which may have been removed or replaced.

        Returns:
            ``None`` if the process ended, or may not be looked at.
        """
        try:
            return file_digest(os.path.join(self.root, str(pid), "exe"))
        except OSError:
            return None

    def program_identity(self, pid: int) -> tuple[int, int] | None:
        """Return device and number of the file that the process *pid* runs; ``None`` as for ``program_digest``."""
        try:
            status = os.stat(os.path.join(self.root, str(pid), "exe"))
        except OSError:
            return None
        return status.st_dev, status.st_ino

    def search_path(self, pid: int) -> list[str]:
        """Return the folders that the process *pid* was told to look for commands in."""
        with contextlib.suppress(OSError), open(os.path.join(self.root, str(pid), "environ"), "rb") as environ:
            for variable in environ.read().split(b"\0"):
                if variable.startswith(b"PATH="):
                    return [folder for folder in os.fsdecode(variable[len(b"PATH=") :]).split(":") if folder]
        return []

    def arguments(self, pid: int) -> list[str]:
        """Return the command line of the process *pid*, nothing if it ended or may not be looked at."""
        with contextlib.suppress(OSError), open(os.path.join(self.root, str(pid), "cmdline"), "rb") as words:
            return [os.fsdecode(word) for word in words.read().split(b"\0")[:-1]]
        return []

    def began(self, pid: int) -> int | None:
        """Return when the process *pid* began, in ticks of the kernel since it booted; ``None`` if there is none.

        With the number it tells one process from every other. Source: field 22 of ``proc_pid_stat(5)``.
        """
        status = self._status(str(pid))
        return int(status[19]) if status else None

    def children(self) -> dict[int, list[int]]:
        """Return which processes each one has started, or inherited from one that ended, by its number.

        Source: field 4 of ``proc_pid_stat(5)``.
        """
        found: dict[int, list[int]] = {}
        for name in os.listdir(self.root):
            if name.isascii() and name.isdigit():
                status = self._status(name)
                if status:
                    found.setdefault(int(status[1]), []).append(int(name))
        return found

    def pid_namespace(self, pid: int) -> str | None:
        """Return what names the PID namespace of the process *pid*; ``None`` as for ``folder``."""
        try:
            return os.readlink(os.path.join(self.root, str(pid), "ns", "pid"))
        except OSError:
            return None

    def kill(self, pid: int, began: int) -> bool:
        """Kill the process *pid* that began at *began*, as ``began`` tells it.

        Returns:
            ``False`` if there is no such process any more, whatever has its number now.

        Raises:
            PermissionError: it is somebody else's.
        """
        if self.began(pid) != began:
            return False
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def folder(self, pid: int) -> str | None:
        """Return the folder that the process *pid* works in; ``None`` if it ended or may not be looked at."""
        try:
            return os.readlink(os.path.join(self.root, str(pid), "cwd"))
        except OSError:
            return None

    def holders(self, path: str) -> list[int]:
        """Return the processes that have the file *path* open, removed or not, whatever their root file system is.

        Raises:
            PermissionError: a process may not be looked at, so that nobody can tell.
        """
        found = []
        for name in filter(str.isdigit, os.listdir(self.root)):
            folder = os.path.join(self.root, name, "fd")
            # A process, or a descriptor, that is gone holds nothing.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for descriptor in os.listdir(folder):
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        if os.readlink(os.path.join(folder, descriptor)).removesuffix(_DELETED) == path:
                            found.append(int(name))
                            break
        return found

    def unit(self, pid: int) -> str | None:
        """Return the service of the system's systemd that the process *pid* belongs to, ``None`` if to none.

        What a user's own systemd starts belongs to ``user@UID.service``, whatever that calls it.
        """
        with (
            contextlib.suppress(OSError),
            open(os.path.join(self.root, str(pid), "cgroup"), encoding="utf-8") as cgroups,
        ):
            for line in cgroups:
                services = [name for name in line.rstrip("\n").split("/") if name.endswith(".service")]
                if services:
                    return next((name for name in services if name.startswith(USER_MANAGER)), services[-1])
        return None

    def _status(self, name: str) -> list[bytes]:
        """Return the fields of ``proc_pid_stat(5)`` from the third on, nothing if there is no such process."""
        try:
            with open(os.path.join(self.root, name, "stat"), "rb") as status:
                # The second field is the program's name, which may hold anything.
                return status.read().rpartition(b")")[2].split()
        except OSError:
            return []


def listener(path: str, peer: t.Callable[[str], int | None]) -> int | None:
    """Return what *peer* tells of the socket *path*.

    Raises:
        Unavailable: this user may not ask.
    """
    try:
        return peer(path)
    except OSError as error:
        raise Unavailable(
            f"It cannot be found out who listens on the socket ({error.strerror or error})",
            subject=path,
            remedy="run the task as root: become: true",
        ) from error


def socket_peer(path: str) -> int | None:
    """Return the number of the process that listens on the UNIX socket *path*.

    Returns:
        ``None`` if nobody listens there; 0 if somebody does whom this process cannot see.

    Raises:
        PermissionError: this user may not connect.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(_CONNECT_SECONDS)
        try:
            client.connect(path)
        except (FileNotFoundError, ConnectionRefusedError, NotADirectoryError):
            return None
        except (TimeoutError, socket.timeout):
            # Its queue is full: somebody is there, and too busy to say who.
            return 0
        (pid, _user, _group) = _CREDENTIALS.unpack(
            client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        return int(pid)
