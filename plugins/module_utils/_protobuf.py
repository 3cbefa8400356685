# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Messages of protocol buffers: what a field is written as, and the fields of what was read.

Source: the encoding guide of protocol buffers, version 3: fields that have their default are left out, unknown ones are
ignored, and of one that may stand only once the last counts. A caller knows each field's number and type.
"""

from __future__ import annotations

import typing as t

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}


class ProtobufError(ValueError):
    """Bytes that are no message."""


def number(field: int, value: int) -> bytes:
    """Return the *field* of an integer that is not negative, or of an enumeration; nothing for 0."""
    return _varint(field << 3 | _VARINT) + _varint(value) if value else b""


def data(field: int, value: bytes) -> bytes:
    """Return the *field* of bytes; nothing for none."""
    return message(field, value) if value else b""


def text(field: int, value: str) -> bytes:
    """Return the *field* of a string; nothing for an empty one."""
    return data(field, value.encode())


def texts(field: int, values: t.Iterable[str]) -> bytes:
    """Return the repeated *field* of strings."""
    return b"".join(message(field, value.encode()) for value in values)


def message(field: int, value: bytes) -> bytes:
    """Return the *field* of another message, which may be an empty one."""
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def texts_by_name(field: int, values: t.Mapping[str, str]) -> bytes:
    """Return the *field* of a map from strings to strings."""
    return b"".join(message(field, text(1, key) + text(2, value)) for key, value in sorted(values.items()))


class Message:
    """The fields of a message that was read.

    Args:
        raw: the message.

    Raises:
        ProtobufError: it is none.
    """

    def __init__(self, raw: bytes) -> None:
        self._fields: dict[int, list[t.Any]] = {}
        for field, value in _fields(raw):
            self._fields.setdefault(field, []).append(value)

    def number(self, field: int) -> int:
        """Return an integer, 0 if it is not there."""
        value = self._fields.get(field, [0])[-1]
        if not isinstance(value, int):
            raise ProtobufError(f"field {field} is not an integer")
        return value

    def data(self, field: int) -> bytes:
        """Return bytes, none if they are not there."""
        return self._all(field, [b""])[-1]

    def text(self, field: int) -> str:
        """Return a string, an empty one if it is not there."""
        return _text(self.data(field))

    def texts(self, field: int) -> list[str]:
        """Return the strings of a repeated field."""
        return [_text(each) for each in self._all(field)]

    def message(self, field: int) -> Message:
        """Return another message, an empty one if it is not there."""
        return Message(self.data(field))

    def messages(self, field: int) -> list[Message]:
        """Return the messages of a repeated field."""
        return [Message(each) for each in self._all(field)]

    def texts_by_name(self, field: int) -> dict[str, str]:
        """Return a map from strings to strings."""
        return {each.text(1): each.text(2) for each in self.messages(field)}

    def _all(self, field: int, default: t.Sequence[bytes] = ()) -> t.Sequence[bytes]:
        values: t.Sequence[bytes] = self._fields.get(field, default)
        if not all(isinstance(each, bytes) for each in values):
            raise ProtobufError(f"field {field} is not made of bytes")
        return values


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def _fields(raw: bytes) -> t.Iterator[tuple[int, t.Any]]:
    at = 0
    while at < len(raw):
        key, at = _read_varint(raw, at)
        field, kind = key >> 3, key & 7
        if kind == _VARINT:
            value, at = _read_varint(raw, at)
            yield field, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(raw, at)
        elif kind in _FIXED_SIZES:
            size = _FIXED_SIZES[kind]
        else:
            raise ProtobufError(f"field {field} is of the unknown type {kind}")
        if at + size > len(raw):
            raise ProtobufError(f"field {field} ends too early")
        yield field, raw[at : at + size]
        at += size


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _read_varint(raw: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(raw):
            raise ProtobufError("a number ends too early")
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ProtobufError("a number is too large")
