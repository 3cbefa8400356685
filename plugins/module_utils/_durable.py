# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes to the file system that survive a power loss, and that happen whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    Unavailable,
)

DIRECTORY_MODE = 0o755
TEMPORARY_SUFFIX = ".nerdctl-full-tmp"
"""Ends the names of links that were not renamed yet, so that a later run knows them."""

# Files that wait for the disk keep a descriptor each; 64 stay far below any usual limit.
_FILES_WAITING_MAX = 64


def sync_directory(path: str) -> None:
    """Make the names in the folder *path* durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directories_below(path: str) -> None:
    """Make the names in *path* and in every folder below it durable."""
    for folder, _folders, _files in os.walk(path):
        sync_directory(folder)


def make_directories(path: str, mode: int = DIRECTORY_MODE) -> None:
    """Create the folder *path* and its missing parents, durably, whatever the umask is."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path)
    make_directories(parent)
    # Another run may have been faster.
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, mode)
        os.chmod(path, mode)
    sync_directory(parent)


def replace_link(path: str, target: str) -> None:
    """Make *path* a link to *target* by one rename: whoever looks sees what was there or the new link."""
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.urandom(4).hex()}{TEMPORARY_SUFFIX}")
    os.symlink(target, temporary)
    try:
        os.replace(temporary, path)
    except OSError:
        os.unlink(temporary)
        raise


def remove_tree(path: str) -> None:
    """Remove the folder *path* and all that is in it; the name must be one that nobody takes for complete."""
    shutil.rmtree(path)


@contextlib.contextmanager
def background_sync() -> t.Iterator[t.Callable[[int], None]]:
    """Give a function that takes over open files: they are brought to the disk and closed while the next are written.

    The end of the block waits until all of them are durable.

    Raises:
        OSError: at the end of the block, the first one that a file met.
    """
    # Only who unpacks an archive has so many files.
    import queue  # noqa: PLC0415
    import threading  # noqa: PLC0415

    waiting: queue.Queue[int | None] = queue.Queue(_FILES_WAITING_MAX)
    errors: list[OSError] = []
    thread = threading.Thread(target=_sync_files, args=(waiting.get, errors), daemon=True)
    thread.start()
    try:
        yield waiting.put
    finally:
        waiting.put(None)
        thread.join()
    if errors:
        raise errors[0]


def _sync_files(next_file: t.Callable[[], int | None], errors: list[OSError]) -> None:
    while (descriptor := next_file()) is not None:
        try:
            os.fsync(descriptor)
        except OSError as error:  # noqa: PERF203 - each file has to be closed, whatever became of the others
            errors.append(error)
        finally:
            os.close(descriptor)


def nearest_existing(path: str) -> str:
    """Return *path*, or the nearest of its parents that exists."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return path


def free_bytes(folder: str) -> int:
    """Return how many bytes this user may still write to the file system of *folder*."""
    usage = os.statvfs(folder)
    return usage.f_frsize * (usage.f_bfree if os.geteuid() == 0 else usage.f_bavail)


def require_space(folder: str, size: int, what: str) -> None:
    """Check that *folder* has room for *size* bytes.

    Raises:
        Unavailable: it has not.
    """
    free = free_bytes(folder)
    if free < size:
        raise Unavailable(
            f"The file system has too little room for {what}",
            subject=folder,
            expected=f"{_mebibytes(size)} free; {_mebibytes(free)} are",
            remedy="free space there, or choose another prefix",
        )


def require_usable(path: str, option: str, *, executable: bool = False) -> None:
    """Check that files can be created below *path*, which need not exist yet, and run from there if they are to be.

    Args:
        path: the folder.
        option: what the user changes to have another folder.
        executable: whether programs are to be started from there.

    Raises:
        Unavailable: the file system or the permissions forbid it; the message says which.
    """
    existing = nearest_existing(path)
    flags = os.statvfs(existing).f_flag
    if flags & os.ST_RDONLY:
        raise Unavailable(
            "The file system is mounted read-only",
            subject=existing,
            remedy=f"set the option {option} to a folder that can be written, or mount it read-write",
        )
    if executable and flags & os.ST_NOEXEC:
        raise Unavailable(
            "The file system is mounted noexec, so that no program can be started from it",
            subject=existing,
            remedy=f"set the option {option} to a folder elsewhere, or mount it without noexec",
        )
    if not stat.S_ISDIR(os.stat(existing).st_mode):
        raise Unavailable(
            "A file stands where a folder is needed", subject=existing, remedy=f"move it, or change {option}"
        )
    if not os.access(existing, os.W_OK | os.X_OK):
        raise Unavailable(
            "The user may not write there",
            subject=existing,
            remedy="run the task as root: become: true",
        )


def disk_error(error: OSError, doing: str, folder: str) -> ContainerBuildError:
    """Return what *error* means to a person.

    Args:
        error: what the system said.
        doing: what was being done, as a clause that follows "while".
        folder: where, in case the system did not say.
    """
    remedies = {
        errno.ENOSPC: "free space there",
        errno.EDQUOT: "raise the quota",
        errno.EROFS: "mount the file system read-write, or choose another prefix",
        errno.EACCES: "run the task as root: become: true",
        errno.EPERM: "run the task as root: become: true; lsattr shows whether a file is immutable",
    }
    return Unavailable(
        f"{error.strerror or error} while {doing}",
        subject=str(error.filename or folder),
        remedy=remedies.get(error.errno or 0),
    )


def _mebibytes(size: int) -> str:
    return f"{-(-size // (1 << 20))} MiB"
