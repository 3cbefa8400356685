# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file or a folder that a tool writes: beside its place first, then there by one rename."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import shutil
import stat
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    disk_error,
    sync_directories_below,
    sync_directory,
)

_TEMPORARY_SUFFIX = ".nephoran-output"
_ASIDE_SUFFIX = ".nephoran-replaced"
# Of linux/fcntl.h and linux/fs.h.
_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


@contextlib.contextmanager
def staged(path: str) -> t.Iterator[str]:
    """Give the path beside *path* that a tool is to write to; what is still there at the end of the block is removed.

    It is the same path each time, so that what a task left that was killed is removed by the next one.

    Raises:
        Unavailable: the file system refuses.
    """
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}{_TEMPORARY_SUFFIX}")
    try:
        remove_any(temporary)
        try:
            yield temporary
        finally:
            remove_any(temporary)
    except OSError as error:
        raise disk_error(error, "writing an output", folder) from error


def put_file_in_place(temporary: str, path: str) -> None:
    """Make the file *temporary* the file *path*, durably, with the mode and owner of the one that it replaces."""
    descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        _take_over_access(descriptor, path)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.replace(temporary, path)
    sync_directory(os.path.dirname(path))


def put_folder_in_place(temporary: str, path: str) -> None:
    """Make the folder *temporary* the folder *path*, durably; what was there is removed afterwards.

    Where the file system can swap two names, there is a whole folder at every moment; elsewhere there is none for the
    time between two renames.
    """
    _sync_files_below(temporary)
    sync_directories_below(temporary)
    parent = os.path.dirname(path)
    if not os.path.isdir(path) or not os.listdir(path):
        # An empty folder is replaced by the rename itself.
        os.rename(temporary, path)
        sync_directory(parent)
        return
    try:
        _exchange(temporary, path)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS):
            raise
        aside = os.path.join(parent, f".{os.path.basename(path)}{_ASIDE_SUFFIX}")
        remove_any(aside)
        os.rename(path, aside)
        os.rename(temporary, path)
        temporary = aside
    sync_directory(parent)
    remove_any(temporary)


def remove_any(path: str) -> None:
    """Remove the file or the folder *path* if there is one."""
    try:
        is_folder = stat.S_ISDIR(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if is_folder:
        shutil.rmtree(path)
    else:
        os.unlink(path)


def _sync_files_below(path: str) -> None:
    for folder, _folders, files in os.walk(path):
        for name in files:
            file = os.path.join(folder, name)
            if stat.S_ISREG(os.lstat(file).st_mode):
                _sync_file(file)


def _sync_file(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _exchange(one: str, other: str) -> None:
    """Swap two names by one call of the kernel, which Python's library does not offer.

    Raises:
        OSError: ENOSYS or EINVAL if the C library, the kernel or the file system cannot.
    """
    library = ctypes.CDLL(None, use_errno=True)
    try:
        renameat2 = library.renameat2
    except AttributeError:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS), one) from None
    flags = ctypes.c_uint(_RENAME_EXCHANGE)
    if renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), flags) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), one)


def _take_over_access(descriptor: int, path: str) -> None:
    try:
        old = os.stat(path)
    except FileNotFoundError:
        umask = os.umask(0)
        os.umask(umask)
        os.fchmod(descriptor, 0o666 & ~umask)
        return
    os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
