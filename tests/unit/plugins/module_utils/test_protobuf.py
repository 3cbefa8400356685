# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of protocol buffers."""

from __future__ import annotations

import contextlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _protobuf as protobuf
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message, ProtobufError
from hypothesis import given
from hypothesis import strategies as st

texts = st.text(max_size=200)


def test_the_examples_of_the_encoding_guide() -> None:
    assert protobuf.number(1, 150) == bytes.fromhex("089601")
    assert protobuf.text(2, "testing") == bytes.fromhex("120774657374696e67")
    assert protobuf.message(3, protobuf.number(1, 150)) == bytes.fromhex("1a03089601")


@given(st.integers(0, 2**63 - 1), texts, st.binary(max_size=300), st.dictionaries(texts, texts, max_size=4))
def test_what_is_written_is_read(number: int, text: str, data: bytes, pairs: dict[str, str]) -> None:
    written = (
        protobuf.number(1, number)
        + protobuf.text(2, text)
        + protobuf.data(3, data)
        + protobuf.texts_by_name(200, pairs)
        + protobuf.texts(4, [text, "", text])
    )
    read = Message(protobuf.message(7, written)).message(7)
    assert (read.number(1), read.text(2), read.data(3)) == (number, text, data)
    assert read.texts_by_name(200) == pairs
    assert read.texts(4) == [text, "", text]


def test_defaults_are_not_written_and_are_read() -> None:
    assert protobuf.number(1, 0) + protobuf.text(2, "") + protobuf.data(3, b"") == b""
    nothing = Message(b"")
    assert (nothing.number(1), nothing.text(2), nothing.data(3)) == (0, "", b"")
    assert (nothing.texts(4), nothing.messages(4), nothing.texts_by_name(4)) == ([], [], {})
    assert nothing.message(5).number(1) == 0
    # That a message is there means something though it says nothing.
    assert Message(protobuf.message(1, b"")).messages(1)


def test_the_last_one_counts() -> None:
    read = Message(protobuf.number(1, 1) + protobuf.text(2, "a") + protobuf.number(1, 2) + protobuf.text(2, "b"))
    assert (read.number(1), read.text(2)) == (2, "b")


def test_unknown_fields_are_passed_over() -> None:
    fixed64, fixed32 = bytes.fromhex("09") + bytes(8), bytes.fromhex("15") + bytes(4)
    assert Message(fixed64 + fixed32 + protobuf.text(3, "known")).text(3) == "known"


@pytest.mark.parametrize(
    "raw",
    ["08", "0a05", "0a0561", "09000000", "0b", "80", "ff" * 11],
)
def test_a_malformed_message(raw: str) -> None:
    with pytest.raises(ProtobufError):
        Message(bytes.fromhex(raw))


def test_a_field_of_another_type() -> None:
    with pytest.raises(ProtobufError):
        Message(protobuf.text(1, "a")).number(1)
    with pytest.raises(ProtobufError):
        Message(protobuf.number(1, 1)).text(1)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_an_error(raw: bytes) -> None:
    with contextlib.suppress(ProtobufError):
        Message(raw)
