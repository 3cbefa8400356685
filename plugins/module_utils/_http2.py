# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An HTTP/2 connection to a Unix socket, for one request at a time.

It is what a client of gRPC needs and no more: nothing is pushed to it, its peer may send as fast as it can, and it
honours the windows that its peer gives it.

Source: RFC 9113, HTTP/2. Numbers of sections in comments are this document's.
"""

from __future__ import annotations

import contextlib
import select
import socket
import struct
import time

from ansible_collections.nephoran.container_build.plugins.module_utils._hpack import (
    Headers,
    HpackError,
    decode_headers,
    encode_headers,
)

# 6: the kinds of frames, and their flags.
_DATA = 0x0
_HEADERS = 0x1
_RST_STREAM = 0x3
_SETTINGS = 0x4
_PING = 0x6
_GOAWAY = 0x7
_WINDOW_UPDATE = 0x8
_CONTINUATION = 0x9
_END_STREAM = 0x1
_ACK = 0x1
_END_HEADERS = 0x4
_PADDED = 0x8
_PRIORITY = 0x20
# 6.5.2: the settings.
_HEADER_TABLE_SIZE = 0x1
_ENABLE_PUSH = 0x2
_INITIAL_WINDOW_SIZE = 0x4
_MAX_FRAME_SIZE = 0x5

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_FRAME_HEADER_SIZE = 9
_PRIORITY_SIZE = 5
_FRAME_SIZE_DEFAULT = 16_384
_WINDOW_DEFAULT = 65_535
_LARGEST = 2**31 - 1
# So much is received before the connection's window is opened as far again.
_REFILL_SIZE = 2**20


class ConnectionEnded(Exception):
    """The peer is not there, has ended the connection or a request, or does not speak HTTP/2."""


class TimeIsUp(Exception):
    """The peer did not answer in time."""


class Response:
    """What a request was answered with.

    Attributes:
        headers: the fields before the body and after it.
        body: the body.
        ended: whether that is all.
    """

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.ended = False


class Connection:
    """A connection to the socket *path*.

    Args:
        path: the socket.
        timeout: seconds to wait for it, and for the end of each request; no limit if None.

    Raises:
        ConnectionEnded: nobody serves it.
        TimeIsUp: nobody accepted the connection in time.
    """

    def __init__(self, path: str, timeout: float | None = None) -> None:
        self._timeout = timeout
        self._deadline: float | None = None
        self._next_stream = 1
        self._open = True
        self._received = bytearray()
        self._received_since_refill = 0
        # What the peer allows this side.
        self._frame_size = _FRAME_SIZE_DEFAULT
        self._window = _WINDOW_DEFAULT
        self._stream_window = self._stream_window_at_start = _WINDOW_DEFAULT
        self._socket = socket.socket(socket.AF_UNIX)
        self._begin()
        try:
            self._socket.settimeout(self._seconds_left())
            self._socket.connect(path)
            settings = {_HEADER_TABLE_SIZE: 0, _ENABLE_PUSH: 0, _INITIAL_WINDOW_SIZE: _LARGEST}
            self._send(
                _PREFACE
                + _frame(_SETTINGS, 0, 0, b"".join(struct.pack(">HL", *each) for each in settings.items()))
                + _frame(_WINDOW_UPDATE, 0, 0, struct.pack(">L", _LARGEST - _WINDOW_DEFAULT))
            )
        except socket.timeout as error:
            self.close()
            raise TimeIsUp(f"{path} accepted no connection") from error
        except OSError as error:
            self.close()
            raise ConnectionEnded(f"{path}: {error.strerror or error}") from error

    def close(self) -> None:
        """End the connection."""
        self._open = False
        self._socket.close()

    def usable(self) -> bool:
        """Tell whether another request can be made: the peer has not ended the connection since the last one."""
        self._begin()
        try:
            while self._open and select.select([self._socket], [], [], 0)[0]:
                self._take_frame(0, Response())
        except (ConnectionEnded, TimeIsUp):
            self.close()
        return self._open

    def request(self, headers: Headers, body: bytes) -> Response:
        """Send a request and return what it was answered with, as soon as all of that is there.

        Raises:
            ConnectionEnded: there will be no answer.
            TimeIsUp: it did not come in time.
            Whichever is raised, the connection is closed.
        """
        self._begin()
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        self._stream_window = self._stream_window_at_start
        response = Response()
        try:
            self._send(_frame(_HEADERS, _END_HEADERS, stream, encode_headers(headers)))
            self._send_body(stream, body, response)
            while not response.ended:
                self._take_frame(stream, response)
        except BaseException:
            # Whatever of the answer still comes must not be taken for that of another request.
            self.close()
            raise
        return response

    def _send_body(self, stream: int, body: bytes, response: Response) -> None:
        at = 0
        # A peer that has answered already does not want the rest.
        while not response.ended:
            size = min(self._frame_size, self._window, self._stream_window, len(body) - at)
            if size <= 0 and at < len(body):
                # 6.9: only the peer can open its windows.
                self._take_frame(stream, response)
                continue
            last = at + size == len(body)
            self._send(_frame(_DATA, _END_STREAM if last else 0, stream, body[at : at + size]))
            self._window -= size
            self._stream_window -= size
            at += size
            if last:
                return

    def _take_frame(self, stream: int, response: Response) -> None:
        """Read a frame and do what it says. What comes for an earlier request is of no use: that was answered."""
        kind, flags, of_stream, payload = self._read_frame()
        if of_stream == 0:
            self._take_notice(kind, flags, payload, stream)
        elif of_stream == stream:
            self._take_part(kind, flags, payload, stream, response)

    def _take_part(self, kind: int, flags: int, payload: bytes, stream: int, response: Response) -> None:
        if kind == _DATA:
            self._count_received(len(payload))
            response.body += _without_padding(flags, payload)
            response.ended = bool(flags & _END_STREAM)
        elif kind == _HEADERS:
            block = _without_padding(flags, payload)[_PRIORITY_SIZE if flags & _PRIORITY else 0 :]
            response.headers.update(_decoded(self._whole_block(flags, stream, block)))
            response.ended = bool(flags & _END_STREAM)
        elif kind == _WINDOW_UPDATE:
            self._stream_window += _number(payload) & _LARGEST
        elif kind == _RST_STREAM:
            raise ConnectionEnded(f"the request was given up with error code {_number(payload)}")

    def _take_notice(self, kind: int, flags: int, payload: bytes, stream: int) -> None:
        """Do what a frame says that is about the connection; *stream* is the request under way, 0 if none is."""
        if kind == _SETTINGS and not flags & _ACK:
            self._obey(payload)
        elif kind == _PING and not flags & _ACK:
            self._reply(_frame(_PING, _ACK, 0, payload))
        elif kind == _WINDOW_UPDATE:
            self._window += _number(payload) & _LARGEST
        elif kind == _GOAWAY:
            self._open = False
            # 6.8: requests after the last one were not looked at, and will not be.
            if stream == 0 or _number(payload[:4]) & _LARGEST < stream:
                said = payload[8:].decode("utf-8", "replace")
                raise ConnectionEnded(
                    f"the connection was ended with error code {_number(payload[4:8])} {said}".rstrip()
                )

    def _whole_block(self, flags: int, stream: int, block: bytes) -> bytes:
        """Return a header block with its continuations, between which nothing else may come (6.10)."""
        while not flags & _END_HEADERS:
            kind, flags, of_stream, more = self._read_frame()
            if kind != _CONTINUATION or of_stream != stream:
                raise ConnectionEnded("a header block was not continued")
            block += more
        return block

    def _count_received(self, size: int) -> None:
        # 6.9.1: padding counts. Streams have the largest window from their start, and never receive that much.
        self._received_since_refill += size
        if self._received_since_refill >= _REFILL_SIZE:
            self._reply(_frame(_WINDOW_UPDATE, 0, 0, struct.pack(">L", self._received_since_refill)))
            self._received_since_refill = 0

    def _obey(self, settings: bytes) -> None:
        for at in range(0, len(settings), 6):
            name, value = _numbers(">HL", settings[at : at + 6])
            if name == _INITIAL_WINDOW_SIZE:
                # 6.9.2: streams that are there already get the difference, which may leave them less than nothing.
                self._stream_window += value - self._stream_window_at_start
                self._stream_window_at_start = value
            elif name == _MAX_FRAME_SIZE:
                self._frame_size = value
        self._reply(_frame(_SETTINGS, _ACK, 0, b""))

    def _begin(self) -> None:
        self._deadline = None if self._timeout is None else time.monotonic() + self._timeout

    def _seconds_left(self) -> float | None:
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeIsUp("the time was up before the whole answer had come")
        return left

    def _send(self, data: bytes) -> None:
        self._socket.settimeout(self._seconds_left())
        try:
            self._socket.sendall(data)
        except socket.timeout as error:
            raise TimeIsUp("the request could not be sent in time") from error
        except OSError as error:
            raise ConnectionEnded(f"the request could not be sent: {error.strerror or error}") from error

    def _reply(self, frame: bytes) -> None:
        # A peer that has gone needs no reply; what it sent before it went still counts.
        with contextlib.suppress(ConnectionEnded):
            self._send(frame)

    def _read_frame(self) -> tuple[int, int, int, bytes]:
        header = self._read(_FRAME_HEADER_SIZE)
        size = int.from_bytes(header[:3], "big")
        kind, flags, stream = _numbers(">BBL", header[3:])
        if size > _FRAME_SIZE_DEFAULT:
            raise ConnectionEnded(
                f"a frame of {size} bytes is larger than the {_FRAME_SIZE_DEFAULT} that were agreed on"
            )
        return kind, flags, stream & _LARGEST, self._read(size)

    def _read(self, size: int) -> bytes:
        while len(self._received) < size:
            self._socket.settimeout(self._seconds_left())
            try:
                piece = self._socket.recv(65_536)
            except socket.timeout as error:
                raise TimeIsUp("the whole answer did not come in time") from error
            except OSError as error:
                raise ConnectionEnded(f"the answer could not be read: {error.strerror or error}") from error
            if not piece:
                raise ConnectionEnded("the connection was ended before the whole answer had come")
            self._received += piece
        read = bytes(self._received[:size])
        del self._received[:size]
        return read


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + struct.pack(">BBL", kind, flags, stream) + payload


def _numbers(form: str, raw: bytes) -> tuple[int, ...]:
    try:
        return struct.unpack(form, raw)
    except struct.error as error:
        raise ConnectionEnded("a frame has not the size that its kind must have") from error


def _number(raw: bytes) -> int:
    return _numbers(">L", raw)[0]


def _without_padding(flags: int, payload: bytes) -> bytes:
    if not flags & _PADDED:
        return payload
    if not payload or payload[0] >= len(payload):
        raise ConnectionEnded("a frame is padded with more than it holds")
    return payload[1 : len(payload) - payload[0]]


def _decoded(block: bytes) -> list[tuple[str, str]]:
    try:
        return decode_headers(block)
    except HpackError as error:
        raise ConnectionEnded(f"a header block is not as it should be: {error}") from error
