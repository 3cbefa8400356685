# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files in an image archive or a layout folder, found once and read in pieces; nothing is ever unpacked."""

from __future__ import annotations

import gzip
import importlib
import io
import os
import posixpath
import re
import stat
import tarfile
import types
import typing as t
import zlib

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
)

PIECE_SIZE = 1024 * 1024
"""Bytes that are in memory at once when a file is read."""

MEMBERS_MAX = 100_000
KEPT_FILE_SIZE_MAX = 256 * 1024
KEPT_SIZE_MAX = 16 * 1024 * 1024
"""Bytes of small files that are kept when a compressed archive is gone through: to come back costs another pass."""

_TYPES_WITH_CONTENT = (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE)
_HEADER_SIZE_MAX = 1024 * 1024
_LINKS_MAX = 8
_LAYOUT_NAME = re.compile(r"oci-layout|index\.json|blobs/[a-z0-9]+/[a-f0-9]+")
_GZIP_MAGIC = b"\x1f\x8b"
_ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_OTHER_MAGICS: t.Mapping[bytes, str] = {b"\xfd7zXZ\x00": "xz", b"BZh": "bzip2"}


def _stdlib_zstd() -> types.ModuleType | None:
    try:
        return importlib.import_module("compression.zstd")
    except ImportError:
        return None


_ZSTD = _stdlib_zstd()
_DAMAGED: tuple[type[Exception], ...] = (
    *(tarfile.TarError, EOFError, zlib.error, OSError, ValueError, OverflowError),
    *([] if _ZSTD is None else [_ZSTD.ZstdError]),
)

OpenZstd = t.Callable[[str], t.IO[bytes]]
"""Opens a file that zstd compressed and gives its content, from the beginning each time; need not be seekable."""


class Members(t.Protocol):
    """Files by their names, with ``/`` between the parts and nothing before them."""

    def size(self, name: str) -> int | None:
        """Return the size of a file in bytes, ``None`` if there is none of this name."""

    def read(self, name: str) -> t.Iterator[bytes]:
        """Yield a file in pieces of at most :data:`PIECE_SIZE`.

        Raises:
            IntegrityError: it cannot be read to its end.
        """

    def close(self) -> None:
        """Close what is open."""


def open_members(path: str, open_zstd: OpenZstd | None = None) -> Members:
    """Open an archive, plain or compressed, or a folder.

    Args:
        path: the archive or the folder.
        open_zstd: reads zstd where Python cannot, which is before 3.14.

    Raises:
        InvalidInput: it is compressed in a way that cannot be read here, no tar, or may not be read.
        IntegrityError: it is cut off, damaged or hostile.
        NotFound: there is nothing at *path*.
    """
    try:
        kind = stat.S_IFMT(os.stat(path).st_mode)
        if kind == stat.S_IFDIR:
            return LayoutMembers(path)
        if kind != stat.S_IFREG:
            raise _not_an_archive(path)
        return TarMembers(path, _open_stream(path, open_zstd))
    except FileNotFoundError as error:
        raise NotFound("There is no such image archive on the node", subject=path, remedy="correct the path") from error
    except PermissionError as error:
        raise InvalidInput("The image archive may not be read", subject=path, tail=str(error)) from error
    except (OSError, UnicodeEncodeError) as error:
        # Such as a name that is too long, or that cannot be one.
        raise InvalidInput("Not the path of an image archive", subject=path, tail=str(error)) from error


class LayoutMembers:
    """The files of an OCI layout folder; others below the folder are not found."""

    def __init__(self, path: str) -> None:
        self._path = path

    def size(self, name: str) -> int | None:
        """See :meth:`Members.size`."""
        path = os.path.join(self._path, name)
        try:
            status = os.stat(path) if _LAYOUT_NAME.fullmatch(name) else None
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _broken(path, str(error)) from error
        return status.st_size if status is not None and stat.S_ISREG(status.st_mode) else None

    def read(self, name: str) -> t.Iterator[bytes]:
        """See :meth:`Members.read`."""
        path = os.path.join(self._path, name)
        try:
            # A pipe in the folder must not make us wait for a writer.
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb", buffering=0) as stream:
                while piece := stream.read(PIECE_SIZE):
                    yield piece
        except OSError as error:
            raise _broken(path, str(error)) from error

    def close(self) -> None:
        """See :meth:`Members.close`."""


class _Stream(t.NamedTuple):
    content: t.IO[bytes]
    compressed: bool


class TarMembers:
    """The regular files in a tar, and the links to them; the tar is gone through once, when this is made.

    Args:
        path: where the tar lies.
        stream: its content.
    """

    def __init__(self, path: str, stream: _Stream) -> None:
        self._path = path
        self._stream = stream.content
        self._files: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        self._kept: dict[str, bytes] = {}
        self._room = KEPT_SIZE_MAX
        try:
            self._index(keep=stream.compressed)
        except BaseException:
            self.close()
            raise

    def size(self, name: str) -> int | None:
        """See :meth:`Members.size`."""
        found = self._files.get(self._resolved(name))
        return None if found is None else found[1]

    def read(self, name: str) -> t.Iterator[bytes]:
        """See :meth:`Members.read`."""
        name = self._resolved(name)
        if name in self._kept:
            yield self._kept[name]
            return
        offset, remaining = self._files[name]
        try:
            while remaining:
                # Another file may have been read since the last piece.
                self._stream.seek(offset)
                piece = self._stream.read(min(PIECE_SIZE, remaining))
                if not piece:
                    raise EOFError(f"{remaining} bytes of {name} are missing")
                offset += len(piece)
                remaining -= len(piece)
                yield piece
        except _DAMAGED as error:
            raise _broken(self._path, str(error)) from error

    def close(self) -> None:
        """See :meth:`Members.close`."""
        self._stream.close()

    def _resolved(self, name: str) -> str:
        for _link in range(_LINKS_MAX):
            if name in self._files or name not in self._links:
                break
            name = self._links[name]
        return name

    def _index(self, *, keep: bool) -> None:
        last = ""
        try:
            # Python before 3.10 stumbles over a tar that holds nothing.
            empty = not self._stream.read(tarfile.BLOCKSIZE).strip(b"\0")
            self._stream.seek(0)
            if empty:
                raise _not_an_archive(self._path)
            with tarfile.open(fileobj=self._stream, mode="r:", tarinfo=_BoundedTarInfo) as archive:
                while (member := archive.next()) is not None:
                    # All members ever seen would stay in memory.
                    archive.members = []  # type: ignore[attr-defined]
                    last = f"{member.size} bytes of {member.name!r}"
                    self._take(member, archive, keep)
        except _DAMAGED as error:
            if not last and isinstance(error, tarfile.TarError):
                raise _not_an_archive(self._path) from error
            raise _broken(self._path, str(error), expected=f"all of {last}" if last else None) from error

    def _take(self, member: tarfile.TarInfo, archive: tarfile.TarFile, keep: bool) -> None:
        name = self._safe(member.name, member.name)
        if member.issym():
            self._links[name] = self._safe(posixpath.join(posixpath.dirname(name), member.linkname), member.name)
        elif member.islnk():
            self._links[name] = self._safe(member.linkname, member.name)
        elif member.isreg():
            if member.issparse():
                raise self._hostile(member.name, "a sparse file")
            if len(self._files) >= MEMBERS_MAX:
                raise self._hostile(member.name, f"more than {MEMBERS_MAX} files")
            self._files[name] = (member.offset_data, member.size)
            if keep and member.size <= min(KEPT_FILE_SIZE_MAX, self._room):
                content = archive.extractfile(member)
                self._kept[name] = b"" if content is None else content.read()
                self._room -= member.size

    def _safe(self, name: str, shown: str) -> str:
        normal = posixpath.normpath(name)
        if posixpath.isabs(name) or normal.split("/")[0] == ".." or not name.isprintable():
            raise self._hostile(shown, "a name that leads out of it or holds control characters")
        return normal

    def _hostile(self, name: str, what: str) -> IntegrityError:
        return IntegrityError(
            f"The image archive holds {what}",
            subject=f"{name[:150]!a} in {self._path}",
            expected="regular files and folders under relative names, as every image tool writes them",
            remedy="take the archive from somewhere else: nothing of it was used",
        )


class _BoundedTarInfo(tarfile.TarInfo):
    """A header that cannot make :mod:`tarfile` read a whole gigabyte as a name, or go backwards."""

    def _proc_member(self, tarfile: tarfile.TarFile) -> tarfile.TarInfo:
        if self.size < 0 or (self.type not in _TYPES_WITH_CONTENT and self.size > _HEADER_SIZE_MAX):
            raise _impossible(self)
        member = t.cast("_BoundedTarInfo", super()._proc_member(tarfile))  # type: ignore[misc]
        if member.size < 0:
            raise _impossible(member)
        return member


def _impossible(header: tarfile.TarInfo) -> tarfile.TarError:
    return tarfile.ReadError(f"a header states a size of {header.size} bytes")


class _Rewinding(io.RawIOBase):
    """Makes a stream seekable that can only be read forwards and opened again."""

    def __init__(self, source: t.IO[bytes], reopen: t.Callable[[], t.IO[bytes]]) -> None:
        super().__init__()
        self._source = source
        self._reopen = reopen
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: t.Any) -> int:
        piece = self._source.read(len(buffer))
        buffer[: len(piece)] = piece
        self._position += len(piece)
        return len(piece)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_CUR:
            offset += self._position
        elif whence == os.SEEK_END:
            raise io.UnsupportedOperation("the end is not known")
        if offset < self._position:
            self._source.close()
            self._source = self._reopen()
            self._position = 0
        while self._position < offset:
            skipped = len(self._source.read(min(PIECE_SIZE, offset - self._position)))
            if not skipped:
                break
            self._position += skipped
        return self._position

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def _open_stream(path: str, open_zstd: OpenZstd | None) -> _Stream:
    with open(path, "rb") as raw:
        magic = raw.read(6)
    for other, name in _OTHER_MAGICS.items():
        if magic.startswith(other):
            raise InvalidInput(
                f"The image archive is compressed by {name}",
                subject=path,
                expected="a plain tar, or one that gzip or zstd compressed",
                remedy=f"decompress it first, with {name} -d",
            )
    if magic.startswith(_GZIP_MAGIC):
        return _Stream(t.cast("t.IO[bytes]", gzip.open(path)), compressed=True)
    if magic.startswith(_ZSTD_MAGIC):
        reopen = open_zstd or (_refuse_zstd if _ZSTD is None else _ZSTD.open)
        rewinding = _Rewinding(reopen(path), lambda: reopen(path))
        return _Stream(io.BufferedReader(rewinding, PIECE_SIZE), compressed=True)
    return _Stream(open(path, "rb"), compressed=False)


def _refuse_zstd(path: str) -> t.IO[bytes]:
    raise InvalidInput(
        "The image archive is compressed by zstd, which Python before 3.14 cannot read",
        subject=path,
        expected="a plain tar, or one that gzip compressed",
        remedy="decompress it first, with zstd -d, or use a newer Python on the node",
    )


def _not_an_archive(path: str) -> InvalidInput:
    return InvalidInput(
        "Not an image archive: it is not even a tar",
        subject=path,
        expected="what docker save, nerdctl save, ctr images export, or buildah push write, or an OCI layout folder",
        remedy="correct the path, or get the file again: an error page saved under its name is a usual cause",
    )


def _broken(path: str, reason: str, expected: str | None = None) -> IntegrityError:
    return IntegrityError(
        f"The image archive ends early or is damaged ({reason})",
        subject=path,
        expected=expected,
        remedy="copy or export it again, and compare sizes and checksums",
    )
