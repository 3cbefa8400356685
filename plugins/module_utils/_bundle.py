# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A bundle: one tar whose first member lists the others. Written whole, and believed only as far as it is proven."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import tarfile
import typing as t
from dataclasses import dataclass

from ansible_collections.nephoran.container_build.plugins.module_utils._bundle_manifest import (
    MANIFEST_BYTES_MAX,
    MANIFEST_NAME,
    Member,
    manifest_bytes,
    not_whole,
    parse_manifest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import disk_error, require_space
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._file_digest import file_digest
from ansible_collections.nephoran.container_build.plugins.module_utils._output_place import (
    put_file_in_place,
    put_folder_in_place,
    staged,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan

PRIVATE_FOLDER_MODE = 0o700
_FILE_MODE = 0o644
_PIECE_BYTES = 1 << 20

Sink = t.Callable[[Member, t.IO[bytes]], None]


@dataclass(frozen=True)
class Source:
    """A member, and the file that it is made of."""

    member: Member
    path: str


def plan_bundle(path: str, sources: t.Sequence[Source]) -> Plan:
    """Return what makes the file *path* a bundle of *sources*; nothing, if it is that and is whole."""
    wanted = {source.member.path: source.member.sha256 for source in sources}
    found: dict[str, str] = {}
    why = "new"
    if os.path.lexists(path):
        try:
            raw = _walk(path, _skip)
        except IntegrityError as error:
            why = error.message
        else:
            found = {member.path: member.sha256 for member in parse_manifest(raw, path)}
            if raw == manifest_bytes(source.member for source in sources):
                return Plan(before=found, after=found)
            why = "what belongs in it has changed"
    return Plan((Action("write", path, why),), before=found, after=wanted)


def write_bundle(path: str, sources: t.Sequence[Source]) -> None:
    """Write a bundle of *sources* beside *path*, and put it there by one rename.

    Raises:
        IntegrityError: a file has changed since it was looked at.
        Unavailable: the file system refuses.
    """
    manifest = manifest_bytes(source.member for source in sources)
    ordered = sorted(sources, key=lambda source: source.member.path)
    with staged(path) as temporary:
        require_space(os.path.dirname(path), sum(source.member.size for source in ordered), "the bundle")
        with tarfile.open(temporary, "w", format=tarfile.PAX_FORMAT) as tar:
            tar.addfile(_header(MANIFEST_NAME, len(manifest)), io.BytesIO(manifest))
            for source in ordered:
                with open(source.path, "rb") as file:
                    proven = _Proven(file)
                    with _as_changed(source):
                        tar.addfile(_header(source.member.path, source.member.size), proven)
                    if proven.hexdigest() != source.member.sha256:
                        raise _changed(source)
        put_file_in_place(temporary, path)


def bundle_digest(path: str) -> str:
    """Return the sha256 of the bundle at *path*, in hexadecimal digits.

    Raises:
        NotFound: there is none.
        Unavailable: it cannot be read.
    """
    try:
        digest = file_digest(path)
    except OSError as error:
        raise disk_error(error, "reading the bundle", path) from error
    if digest is None:
        raise NotFound(
            "There is no bundle", subject=path, remedy="make it with the playbook bundle, or correct the path"
        )
    return digest


def read_members(path: str) -> tuple[Member, ...]:
    """Return the members of the bundle at *path*, each of which was proven.

    Raises:
        IntegrityError: it is no bundle, or not whole.
    """
    return parse_manifest(_walk(path, _skip), path)


def is_unpacked(folder: str, members: t.Iterable[Member]) -> bool:
    """Tell whether *folder* holds all *members*, each as it should be.

    Raises:
        Unavailable: a file cannot be read.
    """
    paths = ((os.path.join(folder, member.path), member) for member in members)
    try:
        return all(not os.path.islink(path) and file_digest(path) == member.sha256 for path, member in paths)
    except OSError as error:
        raise disk_error(error, "reading what was unpacked", folder) from error


def unpack_bundle(path: str, folder: str) -> None:
    """Unpack the bundle at *path*, and make that the folder *folder* once every member was proven.

    Raises:
        IntegrityError: it is no bundle, or not whole; nothing is at *folder* then that was not there.
        Unavailable: the file system refuses.
    """
    with staged(folder) as temporary:
        require_space(os.path.dirname(folder), os.path.getsize(path), "what is in the bundle")
        os.mkdir(temporary, PRIVATE_FOLDER_MODE)

        def write(member: Member, content: t.IO[bytes]) -> None:
            place = os.path.join(temporary, member.path)
            os.makedirs(os.path.dirname(place), PRIVATE_FOLDER_MODE, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(place, flags, _FILE_MODE), "wb") as file:
                while piece := content.read(_PIECE_BYTES):
                    file.write(piece)

        _walk(path, write)
        put_folder_in_place(temporary, folder)


def _skip(_member: Member, content: t.IO[bytes]) -> None:
    while content.read(_PIECE_BYTES):
        pass


def _walk(path: str, sink: Sink) -> bytes:
    """Give each member to *sink*, prove what it read, and return the manifest."""
    try:
        with tarfile.open(path, "r|") as tar:
            raw = _read_manifest(tar, path)
            for member in parse_manifest(raw, path):
                _read_member(tar, member, path, sink)
            entry = tar.next()
            if entry is not None:
                raise not_whole(path, f"its manifest does not name {entry.name[:200]!r}")
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise not_whole(path, str(error) or type(error).__name__) from error
    except OSError as error:
        raise disk_error(error, "working through the bundle", path) from error
    return raw


def _read_manifest(tar: tarfile.TarFile, path: str) -> bytes:
    entry = tar.next()
    if entry is None or entry.name != MANIFEST_NAME or not entry.isreg() or entry.size > MANIFEST_BYTES_MAX:
        raise not_whole(path, f"it does not begin with {MANIFEST_NAME}")
    return _content(tar, entry).read()


def _read_member(tar: tarfile.TarFile, member: Member, path: str, sink: Sink) -> None:
    entry = tar.next()
    if entry is None or entry.name != member.path or not entry.isreg() or entry.size != member.size:
        raise not_whole(path, f"{member.path} is not where its manifest says, or of another size")
    proven = _Proven(_content(tar, entry))
    sink(member, t.cast("t.IO[bytes]", proven))
    if proven.hexdigest() != member.sha256:
        raise not_whole(path, f"{member.path} has another sha256 than its manifest says")


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> t.IO[bytes]:
    content = tar.extractfile(entry)
    if content is None:
        raise tarfile.ReadError(f"{entry.name[:200]!r} has no content")
    return content


class _Proven:
    """A file that is hashed while it is read."""

    def __init__(self, file: t.IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self._hash.update(piece)
        return piece

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


def _header(path: str, size: int) -> tarfile.TarInfo:
    # Nothing of where and when it was made, so that the same members make the same bundle.
    header = tarfile.TarInfo(path)
    header.size = size
    header.mode = _FILE_MODE
    return header


@contextlib.contextmanager
def _as_changed(source: Source) -> t.Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise
        raise _changed(source) from error


def _changed(source: Source) -> IntegrityError:
    return IntegrityError(
        "The file changed while the bundle was being written", subject=source.path, remedy="run the task again"
    )
