# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A lock that one run on a node holds while it changes an installation."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, Unavailable

_POLL_SECONDS = 0.1


@contextlib.contextmanager
def locked(path: str, timeout: float, busy: str = "Another run is changing this installation") -> t.Iterator[None]:
    """Hold the lock *path* for the length of the block.

    The lock is the kernel's: it ends with the process that holds it, however that ends.

    Args:
        path: a file that is created if it is missing; its folder must exist.
        timeout: seconds to wait for a run that holds it.
        busy: what is said if it still holds it then.

    Raises:
        Unavailable: another run still held it after *timeout*.
        InvalidInput: a link stands at *path*.
    """
    descriptor = _acquire(path, time.monotonic() + timeout, busy)
    try:
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        # Whoever finds the lock held later must not read who held it before.
        os.truncate(descriptor, 0)
        os.close(descriptor)


def _acquire(path: str, deadline: float, busy: str) -> int:
    while True:
        descriptor = _open(path)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Whoever uninstalls removes the lock's file with the rest: the lock then lies on a file that has no name.
            if _is_still_at(descriptor, path):
                return descriptor
        except BlockingIOError:
            if time.monotonic() >= deadline:
                holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
                os.close(descriptor)
                raise Unavailable(
                    busy,
                    subject=f"{path}, held by process {holder or 'unknown'}",
                    remedy="wait for it to end, or raise the option timeout",
                ) from None
            time.sleep(_POLL_SECONDS)
        os.close(descriptor)


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise InvalidInput(
            "A link stands where the lock's file belongs; it is not followed",
            subject=path,
            remedy="find out who put it there, and remove it",
        ) from error


def _is_still_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False
