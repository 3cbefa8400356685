# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server of HTTP/2 behind a Unix socket, as a library of its own speaks it, which does what a test tells it to."""

from __future__ import annotations

import contextlib
import dataclasses
import pathlib
import socket
import threading
import typing as t

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, PingAckReceived, RequestReceived, StreamEnded
from h2.exceptions import ProtocolError

Headers = t.Sequence[tuple[str, str]]
OK_HEADERS: Headers = ((":status", "200"), ("content-type", "application/grpc"))
OK_TRAILERS: Headers = (("grpc-status", "0"), ("grpc-message", ""))


def framed(*messages: bytes) -> bytes:
    """Messages as gRPC sends them."""
    return b"".join(b"\0" + len(message).to_bytes(4, "big") + message for message in messages)


@dataclasses.dataclass
class Request:
    """A request that came whole."""

    stream: int
    headers: dict[str, str]
    body: bytes


class Session:
    """One connection."""

    def __init__(self, peer: socket.socket, settings: t.Mapping[int, int]) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self.peer = peer
        self.pings = 0
        self._bodies: dict[int, bytearray] = {}
        self._headers: dict[int, dict[str, str]] = {}
        self._whole: list[Request] = []
        self.h2.initiate_connection()
        if settings:
            self.h2.update_settings(dict(settings))
        self.flush()

    def flush(self) -> None:
        self.peer.sendall(self.h2.data_to_send())

    def take(self) -> bool:
        """Read what comes; False if the peer is gone."""
        # No more at once than a frame may have at first: the library looks at what it allows before it looks at what
        # came, and would refuse a larger frame that came with the word that larger ones are understood.
        data = self.peer.recv(16_384)
        if not data:
            return False
        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                self._headers[event.stream_id] = dict(t.cast("t.Any", event.headers))
                self._bodies[event.stream_id] = bytearray()
            elif isinstance(event, DataReceived):
                self._bodies[event.stream_id] += event.data
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, PingAckReceived):
                self.pings += 1
            elif isinstance(event, StreamEnded):
                stream = event.stream_id
                self._whole.append(Request(stream, self._headers.pop(stream), bytes(self._bodies.pop(stream))))
        self.flush()
        return True

    def next_request(self) -> Request | None:
        """The next request; None if the peer is gone."""
        while not self._whole:
            if not self.take():
                return None
        return self._whole.pop(0)

    def answer(
        self, request: Request, *messages: bytes, headers: Headers = OK_HEADERS, trailers: Headers = OK_TRAILERS
    ) -> None:
        self.h2.send_headers(request.stream, headers)
        self.send(request, framed(*messages))
        self.h2.send_headers(request.stream, trailers, end_stream=True)
        self.flush()

    def send(self, request: Request, body: bytes, *, padding: int | None = None) -> None:
        """Send a body as far as the peer lets it, and wait until it lets more."""
        at = 0
        while at < len(body):
            size = min(self.h2.local_flow_control_window(request.stream), 8_192, len(body) - at)
            if size <= 0:
                assert self.take()
                continue
            self.h2.send_data(request.stream, body[at : at + size], pad_length=padding)
            at += size
            self.flush()


class Http2Server:
    """Accepts connections one after the other, and handles each request as *handle* says.

    Args:
        path: its socket.
        handle: answers a request.
        settings: that it announces.
    """

    def __init__(
        self,
        path: pathlib.Path,
        handle: t.Callable[[Session, Request], None],
        settings: t.Mapping[int, int] | None = None,
    ) -> None:
        self.path = str(path)
        self.requests: list[Request] = []
        self.sessions: list[Session] = []
        self._handle = handle
        self._settings = settings or {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def start(self) -> None:
        """Begin to accept connections."""
        self._thread.start()

    def stop(self) -> None:
        """Accept no more; connections must have ended."""
        # What waits for a connection is woken by one.
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as last:
            self._listener.shutdown(socket.SHUT_RDWR)
            last.connect(self.path)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                peer, _address = self._listener.accept()
            except OSError:
                return
            with peer, contextlib.suppress(OSError, ProtocolError):
                session = Session(peer, self._settings)
                self.sessions.append(session)
                while (request := session.next_request()) is not None:
                    self.requests.append(request)
                    self._handle(session, request)
