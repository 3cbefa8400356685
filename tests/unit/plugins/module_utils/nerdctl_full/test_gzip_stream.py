# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gzip file is read, hashed and checked in one pass."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import threading
import typing as t
import zlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._gzip_stream import GzipStream

CONTENT = os.urandom(3 << 20) + bytes(5 << 20)


def stream_of(compressed: bytes) -> GzipStream:
    return GzipStream(io.BytesIO(compressed))


def read_all(stream: GzipStream, size: int) -> bytes:
    pieces = []
    while piece := stream.read(size):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.fixture(autouse=True)
def threads_end() -> t.Iterator[None]:
    before = set(threading.enumerate())
    yield
    for thread in set(threading.enumerate()) - before:
        thread.join(5)
        assert not thread.is_alive()


@pytest.mark.parametrize("size", [1000, 1 << 20, 64 << 20])
def test_content_comes_in_any_pieces(size: int) -> None:
    compressed = gzip.compress(CONTENT, 1)
    stream = stream_of(compressed)
    assert read_all(stream, size) == CONTENT
    assert stream.finish() == hashlib.sha256(compressed).hexdigest()


def test_members_and_padding_follow_each_other() -> None:
    compressed = gzip.compress(b"one") + gzip.compress(b"") + gzip.compress(b"two") + bytes(512)
    stream = stream_of(compressed)
    assert read_all(stream, 100) == b"onetwo"
    assert stream.finish() == hashlib.sha256(compressed).hexdigest()


def test_finishing_reads_what_was_not_read() -> None:
    compressed = gzip.compress(CONTENT, 1)
    stream = stream_of(compressed)
    stream.read(10)
    assert stream.finish() == hashlib.sha256(compressed).hexdigest()
    assert stream.read(10) == b""


@pytest.mark.parametrize("cut", [5, 1000, 1 << 20])
def test_a_truncated_file_is_no_end(cut: int) -> None:
    compressed = gzip.compress(CONTENT, 1)
    with pytest.raises(EOFError, match="before their end mark"):
        stream_of(compressed[:-cut]).finish()


def test_an_empty_file_is_no_end() -> None:
    with pytest.raises(EOFError):
        stream_of(b"").read(1)


@pytest.mark.parametrize("damage", ["header", "content", "checksum"])
def test_damage_is_found(damage: str) -> None:
    compressed = bytearray(gzip.compress(CONTENT, 1))
    place = {"header": 0, "content": 1 << 20, "checksum": len(compressed) - 6}[damage]
    compressed[place] ^= 0xFF
    with pytest.raises(zlib.error):
        stream_of(bytes(compressed)).finish()


def test_a_reader_that_gives_up_leaves_no_thread() -> None:
    stream = stream_of(gzip.compress(CONTENT, 1))
    stream.read(1)
    stream.close()


def test_an_error_of_the_disk_reaches_the_reader() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        GzipStream(Failing()).read(1)
