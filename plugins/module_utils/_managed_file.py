# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small text files that a role owns: what they should be, what they are, and the swap in between."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import tempfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    disk_error,
    make_directories,
    sync_directory,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

PUBLIC_MODE = 0o644
SECRET_MODE = 0o600

_MODE = r"0?[0-7]{3}"


class FileState(t.NamedTuple):
    """A file as it is.

    Attributes:
        text: its content; bytes that are not UTF-8 stand as lone surrogates.
        mode: its permission bits.
        owned: whether it belongs to the user that the module runs as.
    """

    text: str
    mode: int
    owned: bool = True


class ManagedFile(t.NamedTuple):
    """A file as it should be; it belongs to the user that the module runs as.

    Attributes:
        path: where, absolute.
        text: its content.
        mode: its permission bits.
        secret: whether its content may be shown to nobody, not even in a diff.
    """

    path: str
    text: str
    mode: int = PUBLIC_MODE
    secret: bool = False

    def is_met_by(self, state: FileState | None) -> bool:
        """Tell whether *state* is exactly this file."""
        return state is not None and (state.text, state.mode, state.owned) == (self.text, self.mode, True)


def parse_mode(text: str) -> int:
    """Return the permission bits that *text* gives in octal.

    Raises:
        InvalidInput: *text* is no file's mode.
    """
    if not re.fullmatch(_MODE, text):
        raise InvalidInput("Not a file mode", subject=repr(text), expected="octal digits, such as 0644")
    return int(text, 8)


def read_file(path: str) -> FileState | None:
    """Return the file at *path*, or ``None`` if there is none.

    Raises:
        InvalidInput: something that is not a regular file stands there; a link is not followed.
        Unavailable: it cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _not_a_file(path, "a link") from error
        raise disk_error(error, "reading a file", path) from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _not_a_file(path, "a folder" if stat.S_ISDIR(status.st_mode) else "a special file")
    with open(descriptor, encoding="utf-8", errors="surrogateescape", newline="") as file:
        owned = (status.st_uid, status.st_gid) == (os.geteuid(), os.getegid())
        return FileState(file.read(), stat.S_IMODE(status.st_mode), owned)


def file_begins_with(path: str, text: str) -> bool:
    """Tell whether a file is at *path* that begins with *text*; a link or a folder that stands there does not.

    Raises:
        Unavailable: the file cannot be read.
    """
    state = read_file(path) if os.path.isfile(path) and not os.path.islink(path) else None
    return state is not None and state.text.startswith(text)


def write_file(path: str, text: str, mode: int, *, durable: bool = True) -> None:
    """Put *text* at *path* by one rename, durably unless told otherwise; missing folders are made.

    Raises:
        Unavailable: the file system refuses.
    """
    folder, name = os.path.split(path)
    try:
        make_directories(folder)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
        try:
            with open(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
                os.fchmod(descriptor, mode)
                file.write(text)
                file.flush()
                if durable:
                    os.fsync(descriptor)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
        if durable:
            sync_directory(folder)
    except OSError as error:
        raise disk_error(error, "writing a file", path) from error


def make_folder(path: str, mode: int) -> None:
    """Make the folder *path* and its missing parents, durably; one that exists keeps its mode.

    Raises:
        Unavailable: the file system refuses.
    """
    try:
        make_directories(path, mode)
    except OSError as error:
        raise disk_error(error, "making a folder", path) from error


def remove_file(path: str) -> None:
    """Remove the file at *path*, if there is one.

    Raises:
        Unavailable: the file system refuses.
    """
    folder = os.path.dirname(path)
    try:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            os.unlink(path)
            sync_directory(folder)
    except OSError as error:
        raise disk_error(error, "removing a file", path) from error


def remove_empty_folder(path: str) -> None:
    """Remove the folder *path* if it exists and nothing is in it."""
    try:
        os.rmdir(path)
        sync_directory(os.path.dirname(path))
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise disk_error(error, "removing a folder", path) from error


def text_diff(path: str, before: FileState | None, after: ManagedFile | None, *, secret: bool) -> dict[str, t.Any]:
    """Return Ansible's diff of one file; of a secret file only that it moves."""
    header = {"before_header": path, "after_header": path}
    if secret:
        shown = "(secret, {})\n"
        return {
            **header,
            "before": shown.format("as it is") if before is not None else "",
            "after": shown.format("as it should be") if after is not None else "",
        }
    return {
        **header,
        "before": before.text.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if before else "",
        "after": after.text if after else "",
    }


def _not_a_file(path: str, what: str) -> InvalidInput:
    return InvalidInput(
        f"There is {what} where a file belongs; it is neither followed nor replaced",
        subject=path,
        remedy="find out who put it there, and move it away",
    )
