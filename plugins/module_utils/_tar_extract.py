# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacks a tar into a folder that nobody else uses, and takes nothing from it that could reach outside.

``tarfile``'s own extraction filters are missing from Python before 3.9.17, and repair where this refuses.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import posixpath
import stat
import tarfile
import typing as t
import zlib

from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    DIRECTORY_MODE,
    background_sync,
    sync_directories_below,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError

_PIECE_BYTES = 1 << 20
_PROGRAM_MODE = 0o755
_FILE_MODE = 0o644


class Readable(t.Protocol):
    """What a tar is read from."""

    def read(self, size: int, /) -> bytes:
        """Return the next *size* bytes, fewer only at the end."""


Inspector = t.Callable[[str, bytes], None]
"""Called with a file's name and its first bytes before any byte of it is written; raises to refuse the archive."""


@dataclasses.dataclass
class Extracted:
    """What was unpacked.

    Attributes:
        files: the sha256 of each regular file by its path below the folder.
        links: the target of each symbolic link by its path below the folder.
    """

    files: dict[str, str] = dataclasses.field(default_factory=dict)
    links: dict[str, str] = dataclasses.field(default_factory=dict)


def extract(stream: Readable, folder: str, inspect: Inspector) -> Extracted:
    """Unpack the tar *stream* into the empty folder *folder* and bring all of it to the disk.

    A member is judged before a byte of it is written. Files are hashed as they are written. What is unpacked belongs to
    the user who runs this; its modes are 0755 and 0644.

    A tar that was cut off between two members cannot be told from a whole one: compare what was unpacked with a list.

    Args:
        stream: the tar, uncompressed.
        folder: exists, is empty, and only the user who runs this can enter it.
        inspect: sees the first bytes of every regular file.

    Raises:
        IntegrityError: the tar is damaged, or holds an absolute name, a name with ``..``, a link that leaves the tree,
            a device, a file with set-user-id or set-group-id, a name twice, or a name below a link.
        OSError: the disk failed, or *stream* could not be read.
    """
    try:
        with (
            background_sync() as sync,
            tarfile.open(fileobj=t.cast("t.IO[bytes]", stream), mode="r|", bufsize=_PIECE_BYTES) as tar,
        ):
            unpacking = _Unpacking(folder, inspect, sync)
            for member in tar:
                unpacking.take(tar, member)
    except (tarfile.TarError, EOFError, zlib.error, ValueError, OverflowError) as error:
        # tarfile raises the last two for some damaged headers.
        raise IntegrityError(
            "The archive is damaged or truncated",
            expected="a gzip-compressed tar",
            remedy="fetch it again",
            tail=str(error),
        ) from error
    sync_directories_below(folder)
    return unpacking.extracted


def member_path(name: str) -> str:
    """Return the path below the tree that a member's *name* stands for.

    Raises:
        IntegrityError: it is absolute, contains ``..`` or characters that do not print.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts or not name.isprintable():
        raise _refused("a name that leaves the folder or does not print", name)
    return "/".join(parts)


def link_stays_inside(path: str, target: str) -> bool:
    """Tell whether a symbolic link at *path* to *target* ends inside the tree, whatever other links the tree holds.

    ``..`` is counted on only at the start, where it leads through folders that are no links.
    """
    if posixpath.isabs(target) or not target or not target.isprintable():
        return False
    parts = [part for part in target.split("/") if part not in ("", ".")]
    ups = next((index for index, part in enumerate(parts) if part != ".."), len(parts))
    return ".." not in parts[ups:] and ups <= path.count("/")


class _Unpacking:
    def __init__(self, folder: str, inspect: Inspector, sync: t.Callable[[int], None]) -> None:
        self.extracted = Extracted()
        self._folder = folder
        self._inspect = inspect
        self._sync = sync
        self._folders = {""}

    def take(self, tar: tarfile.TarFile, member: tarfile.TarInfo) -> None:
        path = member_path(member.name)
        if member.isdir():
            self._make_folders(path)
            return
        if not path or path in self._folders or path in self.extracted.files or path in self.extracted.links:
            raise _refused("a name twice", member.name)
        if member.issym():
            self._link(path, member.linkname)
        elif member.islnk():
            self._hard_link(path, member.linkname)
        elif member.isreg() and not member.issparse():
            self._write(tar, path, member)
        else:
            raise _refused("something that is neither a file, a folder nor a link", member.name)

    def _make_folders(self, path: str) -> None:
        if path in self._folders:
            return
        if path in self.extracted.files or path in self.extracted.links:
            raise _refused("a name below a file or a link", path)
        self._make_folders(posixpath.dirname(path))
        full = os.path.join(self._folder, path)
        os.mkdir(full)
        os.chmod(full, DIRECTORY_MODE)
        self._folders.add(path)

    def _link(self, path: str, target: str) -> None:
        if not link_stays_inside(path, target):
            raise _refused("a link that leaves the folder", f"{path} -> {target}")
        self._make_folders(posixpath.dirname(path))
        os.symlink(target, os.path.join(self._folder, path))
        self.extracted.links[path] = target

    def _hard_link(self, path: str, name: str) -> None:
        target = member_path(name)
        if target not in self.extracted.files:
            raise _refused("a hard link to a file that it does not hold", f"{path} -> {name}")
        self._make_folders(posixpath.dirname(path))
        os.link(os.path.join(self._folder, target), os.path.join(self._folder, path))
        self.extracted.files[path] = self.extracted.files[target]

    def _write(self, tar: tarfile.TarFile, path: str, member: tarfile.TarInfo) -> None:
        if member.mode & (stat.S_ISUID | stat.S_ISGID):
            raise _refused("a file with set-user-id or set-group-id", path)
        content = tar.extractfile(member)
        if content is None:
            raise _refused("a file without content", path)
        piece = content.read(_PIECE_BYTES)
        self._inspect(path, piece)
        self._make_folders(posixpath.dirname(path))
        digest = hashlib.sha256()
        descriptor = os.open(
            os.path.join(self._folder, path), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
        )
        try:
            os.fchmod(descriptor, _PROGRAM_MODE if member.mode & 0o111 else _FILE_MODE)
            while piece:
                write_all(descriptor, piece)
                digest.update(piece)
                piece = content.read(_PIECE_BYTES)
        except BaseException:
            os.close(descriptor)
            raise
        self._sync(descriptor)
        self.extracted.files[path] = digest.hexdigest()


def write_all(descriptor: int, content: bytes) -> None:
    """Write *content* as a whole, however little of it the system takes at a time."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _refused(what: str, name: str) -> IntegrityError:
    return IntegrityError(
        f"The archive holds {what}; nothing of it was installed",
        subject=repr(name[:200]),
        remedy="take the archive from the release, and its checksum with it",
    )
