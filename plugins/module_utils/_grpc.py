# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of gRPC over a Unix socket.

Source: "gRPC over HTTP2", the protocol's own description (``doc/PROTOCOL-HTTP2.md`` of the gRPC project), for paths,
the framing of messages and the trailers; ``doc/statuscodes.md`` for the codes.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._http2 import (
    Connection,
    ConnectionEnded,
    Response,
    TimeIsUp,
)

OK = 0
UNKNOWN = 2
DEADLINE_EXCEEDED = 4
NOT_FOUND = 5
ALREADY_EXISTS = 6
FAILED_PRECONDITION = 9
OUT_OF_RANGE = 11
UNAVAILABLE = 14

_PREFIX_SIZE = 5
_PERCENT_ENCODED = "%([0-9A-Fa-f]{2})"


class GrpcError(Exception):
    """A call that failed.

    Args:
        code: the status code.
        message: what the server says about it.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Channel(t.Protocol):
    """What calls go through."""

    def call(self, method: str, request: bytes, metadata: t.Mapping[str, str]) -> list[bytes]:
        """Return the messages that *method*, a path, answers *request* with.

        Raises:
            GrpcError: it failed.
        """


class SocketChannel:
    """A channel to the server behind a Unix socket, which is connected to at the first call.

    One call at a time: nothing here guards against several threads.

    Args:
        path: the socket.
        timeout: seconds that one call may take; no limit if None.
    """

    def __init__(self, path: str, timeout: float | None = None) -> None:
        self._path = path
        self._timeout = timeout
        self._connection: Connection | None = None

    def call(self, method: str, request: bytes, metadata: t.Mapping[str, str]) -> list[bytes]:
        """Return the messages that *method*, a path, answers *request* with.

        Raises:
            GrpcError: it failed, or the server is not there (``UNAVAILABLE``).
        """
        headers = [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", method),
            (":authority", "localhost"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
            *metadata.items(),
        ]
        body = b"\0" + len(request).to_bytes(4, "big") + request
        with _as_grpc_errors():
            response = self._connected().request(headers, body)
        _require_success(response)
        return list(_messages(bytes(response.body)))

    def close(self) -> None:
        """End the connection, if there is one; the next call makes another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self) -> Connection:
        # A daemon that was restarted since the last call has ended the connection. No call is made twice.
        if self._connection is not None and not self._connection.usable():
            self.close()
        if self._connection is None:
            self._connection = Connection(self._path, self._timeout)
        return self._connection


@contextlib.contextmanager
def _as_grpc_errors() -> t.Iterator[None]:
    try:
        yield
    except ConnectionEnded as error:
        raise GrpcError(UNAVAILABLE, str(error)) from error
    except TimeIsUp as error:
        raise GrpcError(DEADLINE_EXCEEDED, str(error)) from error


def _require_success(response: Response) -> None:
    status = response.headers.get("grpc-status", "")
    if not status.isdecimal():
        raise GrpcError(UNKNOWN, f"this is not gRPC: HTTP status {response.headers.get(':status', 'missing')}")
    if int(status) != OK:
        raise GrpcError(int(status), _decoded(response.headers.get("grpc-message", "")))


def _decoded(message: str) -> str:
    raw = re.sub(_PERCENT_ENCODED, lambda match: chr(int(match[1], 16)), message)
    return raw.encode("latin-1", "replace").decode("utf-8", "replace")


def _messages(body: bytes) -> t.Iterator[bytes]:
    at = 0
    while at < len(body):
        begin = at + _PREFIX_SIZE
        end = begin + int.from_bytes(body[at + 1 : begin], "big")
        if end > len(body):
            raise GrpcError(UNKNOWN, "a message ends too early")
        if body[at]:
            raise GrpcError(UNKNOWN, "a message is compressed, which nobody asked for")
        yield body[begin:end]
        at = end
