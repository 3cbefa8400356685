# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Header blocks of HTTP/2, for a client that lets its peer keep no dynamic table.

Source: RFC 7541, HPACK. A client that announces a table of 0 bytes (SETTINGS_HEADER_TABLE_SIZE) is sent literals and
references to the static table only; what it sends itself needs neither.
"""

from __future__ import annotations

import functools
import typing as t

Headers = t.Sequence[tuple[str, str]]

_NAMES_WITHOUT_VALUE = [
    "accept-language",
    "accept-ranges",
    "accept",
    "access-control-allow-origin",
    "age",
    "allow",
    "authorization",
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-range",
    "content-type",
    "cookie",
    "date",
    "etag",
    "expect",
    "expires",
    "from",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "last-modified",
    "link",
    "location",
    "max-forwards",
    "proxy-authenticate",
    "proxy-authorization",
    "range",
    "referer",
    "refresh",
    "retry-after",
    "server",
    "set-cookie",
    "strict-transport-security",
    "transfer-encoding",
    "user-agent",
    "vary",
    "via",
    "www-authenticate",
]
# Appendix A, from index 1 on.
_STATIC_TABLE: tuple[tuple[str, str], ...] = (
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    *((":status", status) for status in ("200", "204", "206", "304", "400", "404", "500")),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    *((name, "") for name in _NAMES_WITHOUT_VALUE),
)

# Appendix B: how many bits the code of each byte has, and of the end of a string. The code is canonical (among codes of
# one length the order is that of the bytes), so that the lengths are all there is to know.
_HUFFMAN_LENGTHS = bytes.fromhex(
    "0d171c1c1c1c1c1c1c181e1c1c1e1c1c1c1c1c1c1c1c1e1c1c1c1c1c1c1c1c1c"
    "060a0a0c0d06080b0a0a080b080606060505050606060606060607080f060c0a"
    "0d06070707070707070707070707070707070707070707070807080d130d0e06"
    "0f05060506050606060507070606060506070605050607070707070f0b0e0d1c"
    "1416141416161617161717171717181718181617181717171715161716171718"
    "1615141616171715171616181516171715151615171617171416161617161617"
    "1a1a1413161716191a1a1a1b1b1a181913151a1b1b1a1b1815151a1a1c1b1b1b"
    "14181415161515171616191918181a171a1b1a1a1b1b1b1b1b1c1b1b1b1b1b1a"
    "1e"
)
_END_OF_STRING = 256

_INDEXED = 0x80
_LITERAL_TO_BE_INDEXED = 0x40
_TABLE_SIZE_UPDATE = 0x20
_HUFFMAN = 0x80


class HpackError(ValueError):
    """A header block that is not what RFC 7541 says."""


def encode_headers(headers: Headers) -> bytes:
    """Return the header block of *headers*, whose names are in lower case; every field a literal that nobody keeps."""
    block = bytearray()
    for name, value in headers:
        block.append(0)
        for text in (name, value):
            raw = text.encode("ascii")
            block += _integer(len(raw), 7)
            block += raw
    return bytes(block)


def decode_headers(block: bytes) -> list[tuple[str, str]]:
    """Return the fields of a header block, in its order.

    Raises:
        HpackError: it ends too early, or refers to what is not in the static table.
    """
    headers: list[tuple[str, str]] = []
    reader = _Reader(block)
    while reader.more:
        first = reader.peek()
        if first & _INDEXED:
            headers.append(_entry(reader.integer(7)))
        elif first & _LITERAL_TO_BE_INDEXED == 0 and first & _TABLE_SIZE_UPDATE:
            reader.integer(5)
        else:
            index = reader.integer(6 if first & _LITERAL_TO_BE_INDEXED else 4)
            name = _entry(index)[0] if index else reader.text()
            headers.append((name, reader.text()))
    return headers


def _entry(index: int) -> tuple[str, str]:
    if not 1 <= index <= len(_STATIC_TABLE):
        raise HpackError(f"no entry {index} in the static table")
    return _STATIC_TABLE[index - 1]


def _integer(value: int, bits: int) -> bytes:
    """Return *value* as an integer with a prefix of *bits*, whose other bits are 0."""
    limit = (1 << bits) - 1
    if value < limit:
        return bytes([value])
    encoded = bytearray([limit])
    value -= limit
    while value >= 0x80:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


class _Reader:
    """Reads the parts of a header block one after the other."""

    def __init__(self, block: bytes) -> None:
        self._block = block
        self._at = 0

    @property
    def more(self) -> bool:
        return self._at < len(self._block)

    def peek(self) -> int:
        if not self.more:
            raise HpackError("the header block ends too early")
        return self._block[self._at]

    def integer(self, bits: int) -> int:
        limit = (1 << bits) - 1
        value = self._byte() & limit
        if value < limit:
            return value
        for shift in range(0, 35, 7):
            byte = self._byte()
            value += (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise HpackError("an integer is too large")

    def text(self) -> str:
        huffman = self.peek() & _HUFFMAN
        length = self.integer(7)
        raw = self._block[self._at : self._at + length]
        if len(raw) < length:
            raise HpackError("the header block ends too early")
        self._at += length
        return (_from_huffman(raw) if huffman else raw).decode("latin-1")

    def _byte(self) -> int:
        byte = self.peek()
        self._at += 1
        return byte


@functools.lru_cache(maxsize=1)
def _huffman_codes() -> dict[tuple[int, int], int]:
    """The bytes by their codes' length and value."""
    codes = {}
    code = previous = 0
    for length, symbol in sorted((length, symbol) for symbol, length in enumerate(_HUFFMAN_LENGTHS)):
        code <<= length - previous
        codes[length, code] = symbol
        code, previous = code + 1, length
    return codes


def _from_huffman(raw: bytes) -> bytes:
    codes = _huffman_codes()
    decoded = bytearray()
    code = length = 0
    for byte in raw:
        for bit in range(7, -1, -1):
            code = code << 1 | byte >> bit & 1
            length += 1
            symbol = codes.get((length, code))
            if symbol is not None:
                if symbol == _END_OF_STRING:
                    raise HpackError("the end of a string stands within it")
                decoded.append(symbol)
                code = length = 0
    # Less than a byte of ones, the beginning of the end of a string, fills the last byte.
    if length > 7 or code != (1 << length) - 1:
        raise HpackError("a string ends within a code")
    return bytes(decoded)
