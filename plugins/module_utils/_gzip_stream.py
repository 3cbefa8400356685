# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gzip file read in one pass that decompresses it and hashes what was compressed, beside its reader."""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
import typing as t
import zlib

# zlib and hashlib release the interpreter's lock for pieces of this size, so that the reader has a core of its own.
_PIECE_BYTES = 1 << 20
_PIECES_WAITING_MAX = 4
_POLL_SECONDS = 0.05
_GZIP_WINDOW_BITS = 31
GZIP_MAGIC = b"\x1f\x8b"


class GzipStream:
    """The decompressed content of a gzip file, for one reader.

    Args:
        raw: the compressed file, read from where it stands.
    """

    def __init__(self, raw: t.BinaryIO) -> None:
        self._raw = raw
        self._hash = hashlib.sha256()
        self._pieces: queue.Queue[bytes | Exception | None] = queue.Queue(_PIECES_WAITING_MAX)
        self._rest = memoryview(b"")
        self._ended = False
        self._abandoned = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer only at the end.

        Raises:
            EOFError: the compressed file ends before its content does.
            zlib.error: it is no gzip file, or a damaged one.
            OSError: it could not be read.
        """
        parts: list[memoryview] = []
        while size > 0 and self._fill():
            part = self._rest[:size]
            self._rest = self._rest[len(part) :]
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def finish(self) -> str:
        """Read to the end and return the sha256 of the compressed file in hexadecimal.

        Raises:
            EOFError, zlib.error, OSError: as ``read`` does.
        """
        self._rest = memoryview(b"")
        while self._fill():
            self._rest = memoryview(b"")
        return self._hash.hexdigest()

    def close(self) -> None:
        """End the thread, wherever it stands."""
        self._abandoned.set()
        while self._thread.is_alive():
            with contextlib.suppress(queue.Empty):
                self._pieces.get(timeout=_POLL_SECONDS)

    def _fill(self) -> bool:
        """Have bytes at hand; tell whether there are any."""
        while not self._rest and not self._ended:
            piece = self._pieces.get()
            if isinstance(piece, Exception):
                self._ended = True
                raise piece
            if piece is None:
                self._ended = True
            else:
                self._rest = memoryview(piece)
        return bool(self._rest)

    def _work(self) -> None:
        # The reader waits for a last word, whatever this thread meets.
        outcome: Exception | None = RuntimeError("the thread that decompresses ended early")
        try:
            for piece in self._decompressed():
                self._pieces.put(piece)
                if self._abandoned.is_set():
                    return
            outcome = None
        except (OSError, EOFError, zlib.error) as error:
            outcome = error
        finally:
            self._pieces.put(outcome)

    def _decompressed(self) -> t.Iterator[bytes]:
        member = zlib.decompressobj(_GZIP_WINDOW_BITS)
        while compressed := self._raw.read(_PIECE_BYTES):
            self._hash.update(compressed)
            while compressed:
                if member.eof:
                    # What follows a member is another one, or padding of zeroes.
                    compressed = compressed.lstrip(b"\0")
                    if not compressed:
                        break
                    member = zlib.decompressobj(_GZIP_WINDOW_BITS)
                piece = member.decompress(compressed, _PIECE_BYTES)
                compressed = member.unused_data if member.eof else member.unconsumed_tail
                if piece:
                    yield piece
        if not member.eof:
            raise EOFError("the compressed data end before their end mark")
