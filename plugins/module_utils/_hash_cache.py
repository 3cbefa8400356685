# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests of files from earlier runs, so that a file that did not change is not read again.

A file is known by device, inode, size and the times of its last changes. The time of the last status change (ctime)
moves with every write, and no program sets it to a value of its own. So contents that differ under the same values
can arise in one way only: a write within the same tick of the file system's clock as the one before it. The digest of
a file that was changed just before it was read is therefore not kept; git treats its index alike
(``Documentation/technical/racy-git.txt``).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import typing as t

RACY_WINDOW_NS = 2_000_000_000
"""Nanoseconds between a change and the reading of a file from which on the digest is kept; FAT's clock ticks in 2 s."""

ENTRIES_MAX = 200_000
FILE_NAME = "context-hashes.json"

_FORMAT = 1
_SHA256 = re.compile(r"[a-f0-9]{64}")
_ROW = [int, int, int, int, int, str]

Key = tuple[int, int]
State = tuple[int, int, int]


class HashCache(t.Protocol):
    """Knows digests of files by what ``stat`` says of them."""

    def get(self, status: os.stat_result) -> str | None:
        """Return the SHA-256 of the file in hexadecimal if it is known, else ``None``."""

    def put(self, status: os.stat_result, digest: str, started: int) -> None:
        """Take the SHA-256 of a file.

        Args:
            status: what ``fstat`` said before the file was read and again afterwards.
            digest: the SHA-256 in hexadecimal.
            started: when reading began, in nanoseconds since the epoch.
        """


class PersistentHashCache:
    """A cache that is kept in a file between runs; made by :meth:`open`."""

    def __init__(self, entries: dict[Key, tuple[State, str]]) -> None:
        self._entries = entries
        self._used: dict[Key, tuple[State, str]] = {}
        self._added = False

    @classmethod
    @contextlib.contextmanager
    def open(cls, folder: str, *, read_only: bool = False) -> t.Iterator[PersistentHashCache]:
        """Read the cache in *folder*, and write it back at the end of the block.

        A cache that cannot be read or written costs time and nothing else, so it is never an error. One that others
        could have written to is not trusted.

        Args:
            folder: where the cache lies; it is created for its owner only.
            read_only: write nothing.
        """
        cache = cls(_load(os.path.join(folder, FILE_NAME)))
        try:
            yield cache
        finally:
            if not read_only:
                cache.save(folder)

    def get(self, status: os.stat_result) -> str | None:
        """See :meth:`HashCache.get`."""
        key = (status.st_dev, status.st_ino)
        entry = self._entries.get(key)
        if entry is None or entry[0] != _state(status):
            return None
        self._used[key] = entry
        return entry[1]

    def put(self, status: os.stat_result, digest: str, started: int) -> None:
        """See :meth:`HashCache.put`."""
        if status.st_ctime_ns > started - RACY_WINDOW_NS:
            return
        key = (status.st_dev, status.st_ino)
        self._entries[key] = self._used[key] = (_state(status), digest)
        self._added = True

    def save(self, folder: str) -> None:
        """Write the cache to *folder*, whole or not at all; what was not used longest goes first if it is full."""
        if not self._added:
            return
        others = {key: entry for key, entry in self._entries.items() if key not in self._used}
        kept = [*others.items(), *self._used.items()][-ENTRIES_MAX:]
        document = {"format": _FORMAT, "entries": [[*key, *state, digest] for key, (state, digest) in kept]}
        temporary = os.path.join(folder, f".{FILE_NAME}.{os.urandom(4).hex()}")
        # Nothing is lost but time if there is no room, or no right to write.
        with contextlib.suppress(OSError):
            os.makedirs(folder, mode=0o700, exist_ok=True)
            try:
                descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "w", encoding="ascii") as stream:
                    json.dump(document, stream, separators=(",", ":"))
                os.replace(temporary, os.path.join(folder, FILE_NAME))
            except OSError:
                os.unlink(temporary)
                raise


def _state(status: os.stat_result) -> State:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _load(path: str) -> dict[Key, tuple[State, str]]:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        with os.fdopen(descriptor, "rb") as stream:
            status = os.fstat(descriptor)
            if status.st_uid != os.geteuid() or stat.S_IMODE(status.st_mode) & 0o077:
                return {}
            document = json.load(stream)
    except (OSError, ValueError):
        # Absent, or cut off by a full disk: the files are read again.
        return {}
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        return {}
    entries = document.get("entries")
    return dict(map(_entry, filter(_is_entry, entries))) if isinstance(entries, list) else {}


def _is_entry(row: t.Any) -> bool:
    return isinstance(row, list) and [*map(type, row)] == _ROW and _SHA256.fullmatch(row[5]) is not None


def _entry(row: list[t.Any]) -> tuple[Key, tuple[State, str]]:
    device, inode, size, modified, changed, digest = row
    return (device, inode), ((size, modified, changed), digest)
