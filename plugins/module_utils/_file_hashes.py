# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SHA-256 of many files, as fast as the disk and two processors give them."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._hash_cache import HashCache

BLOCK_SIZE = 256 * 1024
"""Bytes that are hashed at once, while :mod:`hashlib` lets other threads run; few enough for a processor's cache."""

SMALL_SIZE = 32 * 1024
"""Bytes up to which handing a file to another thread costs more than hashing it."""

THREADS_MAX = 8

File = tuple[str, os.stat_result]


def to_bytes(path: str) -> bytes:
    """Return the bytes of a path in which ``surrogateescape`` put those that are not UTF-8."""
    return path.encode("utf-8", "surrogateescape")


def to_text(path: bytes) -> str:
    """Return a path as text, whatever its bytes are."""
    return path.decode("utf-8", "surrogateescape")


class _Hashed(t.NamedTuple):
    digest: str | None
    status: os.stat_result | None
    """What the file's state was before and after reading, if it was the same."""
    started: int


def hash_files(root: bytes, files: t.Iterable[File], cache: HashCache | None) -> t.Iterator[tuple[str, str | None]]:
    """Yield the SHA-256 of each of *files* in hexadecimal, or ``None`` if it is gone or no regular file any more.

    Args:
        root: the folder to which the paths are relative.
        files: paths, and what ``lstat`` said of them.
        cache: digests from earlier runs.

    Raises:
        InvalidInput: a file cannot be read.
    """
    small: list[str] = []
    with contextlib.closing(_Threads()) as threads:
        for path, status in files:
            known = cache.get(status) if cache is not None else None
            if known is not None:
                yield path, known
            elif status.st_size <= SMALL_SIZE:
                small.append(path)
            else:
                threads.hash(path, os.path.join(root, to_bytes(path)))
        for path in small:
            yield path, _remembered(_hash_file(os.path.join(root, to_bytes(path))), cache)
        for path, hashed in threads.results():
            yield path, _remembered(hashed, cache)


class _Threads:
    """Hashes files side by side; there are no threads, and nothing of theirs is loaded, until there are two files."""

    def __init__(self) -> None:
        self._first: tuple[str, bytes] | None = None
        self._pool: t.Any = None
        self._futures: dict[t.Any, str] = {}

    def close(self) -> None:
        """End the threads; files that none of them has begun with are left out."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def hash(self, name: str, path: bytes) -> None:
        """Take on the file *path*, which results call *name*."""
        if self._pool is None:
            if self._first is None:
                self._first = name, path
                return
            from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415

            self._pool = ThreadPoolExecutor(min(THREADS_MAX, max(2, len(os.sched_getaffinity(0)))))
            self._submit(*self._first)
        self._submit(name, path)

    def results(self) -> t.Iterator[tuple[str, _Hashed]]:
        """Yield what came of each file, as it is there."""
        if self._pool is None:
            if self._first is not None:
                name, path = self._first
                yield name, _hash_file(path)
            return
        from concurrent.futures import as_completed  # noqa: PLC0415

        for future in as_completed(self._futures):
            yield self._futures[future], future.result()

    def _submit(self, name: str, path: bytes) -> None:
        self._futures[self._pool.submit(_hash_file, path)] = name


def _remembered(hashed: _Hashed, cache: HashCache | None) -> str | None:
    if cache is not None and hashed.digest is not None and hashed.status is not None:
        cache.put(hashed.status, hashed.digest, hashed.started)
    return hashed.digest


def _hash_file(path: bytes) -> _Hashed:
    started = time.time_ns()
    try:
        # What has become a pipe since it was listed must not make us wait for a writer, nor a link lead elsewhere.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return _Hashed(None, None, started)
    except OSError as error:
        raise _unreadable(path, error) from error
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            return _Hashed(None, None, started)
        hasher = hashlib.sha256()
        block = memoryview(bytearray(min(BLOCK_SIZE, before.st_size + 1)))
        while count := os.readv(descriptor, [block]):
            hasher.update(block[:count])
        after = os.fstat(descriptor)
    except OSError as error:
        raise _unreadable(path, error) from error
    finally:
        os.close(descriptor)
    return _Hashed(hasher.hexdigest(), after if _same(before, after) else None, started)


def _same(before: os.stat_result, after: os.stat_result) -> bool:
    return (before.st_size, before.st_mtime_ns, before.st_ctime_ns) == (
        after.st_size,
        after.st_mtime_ns,
        after.st_ctime_ns,
    )


def _unreadable(path: bytes, error: OSError) -> InvalidInput:
    text = to_text(path)
    return InvalidInput(
        f"A file of the build context cannot be read ({error.strerror})",
        subject=text if text.isprintable() else ascii(text)[1:-1],
        remedy="give the user of this task the right to read it, or leave it out by a line in .dockerignore",
    )
