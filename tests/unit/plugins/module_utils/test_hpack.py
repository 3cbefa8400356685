# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Header blocks, beside those of a library."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._hpack import (
    HpackError,
    decode_headers,
    encode_headers,
)
from hpack import Decoder, Encoder
from hpack.table import HeaderTable
from hypothesis import given
from hypothesis import strategies as st

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1)
values = st.text(st.characters(max_codepoint=0x7F), max_size=300)
headers = st.lists(st.tuples(names, values), max_size=5)


def encoder() -> Encoder:
    """An encoder that was told to keep no table."""
    library = Encoder()
    library.header_table_size = 0
    return library


@given(headers)
def test_a_library_reads_what_is_written(fields: list[tuple[str, str]]) -> None:
    assert Decoder().decode(encode_headers(fields)) == fields


@pytest.mark.parametrize("huffman", [True, False])
@given(fields=headers)
def test_what_a_library_writes_is_read(huffman: bool, fields: list[tuple[str, str]]) -> None:
    assert decode_headers(encoder().encode(fields, huffman=huffman)) == fields


def test_every_entry_of_the_static_table() -> None:
    fields = [(name.decode(), value.decode()) for name, value in HeaderTable.STATIC_TABLE]
    assert decode_headers(encoder().encode(fields)) == fields


def test_every_byte_in_huffman_s_code() -> None:
    value = bytes(range(256))
    block = encoder().encode([(b"x", value)])
    assert decode_headers(block) == [("x", value.decode("latin-1"))]


@pytest.mark.parametrize("block", [b"\x80", b"\xbe", b"\xff\xff\xff\xff\xff\xff\xff", b"\x00", b"\x00\x05ab", b"\x7f"])
def test_a_malformed_block(block: bytes) -> None:
    """An index of 0, one behind the table, a number without end, and blocks that end too early."""
    with pytest.raises(HpackError):
        decode_headers(block)


@pytest.mark.parametrize("code", [b"\x00", b"\x1f\x00", b"\xff\xff\xff\xff", b"\xff"])
def test_a_malformed_code(code: bytes) -> None:
    """One that is not filled up with ones, the end of the string within it, and a filling of a whole byte."""
    with pytest.raises(HpackError):
        decode_headers(b"\x00\x01x" + bytes([0x80 | len(code)]) + code)


@given(st.binary(max_size=60))
def test_any_bytes_are_headers_or_an_error(block: bytes) -> None:
    with contextlib.suppress(HpackError):
        decode_headers(block)
