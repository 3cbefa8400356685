# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of gRPC, against a server that speaks HTTP/2 by a library."""

from __future__ import annotations

import contextlib
import pathlib
import socket
import threading
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.tests.unit.plugins.http2_server import (
    OK_HEADERS,
    OK_TRAILERS,
    Http2Server,
    Request,
    Session,
    framed,
)
from h2.settings import SettingCodes

METHOD = "/containerd.services.images.v1.Images/Get"
Handle = t.Callable[[Session, Request], None]


def echo(session: Session, request: Request) -> None:
    """Answer with the message that came."""
    session.answer(request, request.body[5:])


Serve = t.Callable[..., Http2Server]
Dial = t.Callable[..., grpc.SocketChannel]


@pytest.fixture
def stack() -> t.Iterator[contextlib.ExitStack]:
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(tmp_path: pathlib.Path, stack: contextlib.ExitStack) -> Serve:
    def start(handle: Handle = echo, **settings: int) -> Http2Server:
        codes = {SettingCodes[name.upper()]: value for name, value in settings.items()}
        server = Http2Server(tmp_path / "socket", handle, codes)
        server.start()
        stack.callback(server.stop)
        return server

    return start


@pytest.fixture
def dial(stack: contextlib.ExitStack) -> Dial:
    def dial(server: Http2Server, timeout: float | None = 20) -> grpc.SocketChannel:
        return stack.enter_context(contextlib.closing(grpc.SocketChannel(server.path, timeout)))

    return dial


def failure(where: grpc.SocketChannel) -> grpc.GrpcError:
    with pytest.raises(grpc.GrpcError) as caught:
        where.call(METHOD, b"", {})
    return caught.value


class TestCalls:
    """What is sent, and what comes back."""

    def test_a_message_each_way(self, serve: Serve, dial: Dial) -> None:
        server = serve()
        assert dial(server).call(METHOD, b"a message", {"containerd-namespace": "k8s.io"}) == [b"a message"]
        (request,) = server.requests
        assert request.headers[":path"] == METHOD
        assert request.headers[":method"] == "POST"
        assert request.headers["content-type"] == "application/grpc"
        assert request.headers["te"] == "trailers"
        assert request.headers["containerd-namespace"] == "k8s.io"

    def test_one_connection_serves_all_calls(self, serve: Serve, dial: Dial) -> None:
        server = serve()
        where = dial(server)
        for number in range(20):
            assert where.call(METHOD, bytes([number]), {}) == [bytes([number])]
        assert len(server.sessions) == 1

    def test_no_message_and_several(self, serve: Serve, dial: Dial) -> None:
        messages: list[bytes] = []
        server = serve(lambda session, request: session.answer(request, *messages))
        where = dial(server)
        assert where.call(METHOD, b"", {}) == []
        messages += [b"one", b"", b"three"]
        assert where.call(METHOD, b"", {}) == [b"one", b"", b"three"]

    @pytest.mark.parametrize("window", [100, 65_535, 1_000_000])
    def test_a_server_s_window_is_honoured(self, serve: Serve, dial: Dial, window: int) -> None:
        """The library would end the connection if more came than it lets."""
        server = serve(initial_window_size=window)
        message = bytes(range(256)) * 1_000
        assert dial(server).call(METHOD, message, {}) == [message]

    def test_larger_frames_are_used_where_they_are_allowed(self, serve: Serve, dial: Dial) -> None:
        server = serve(max_frame_size=60_000)
        where = dial(server)
        where.call(METHOD, b"", {})
        assert where.call(METHOD, b"x" * 50_000, {}) == [b"x" * 50_000]

    def test_answers_larger_than_any_window(self, serve: Serve, dial: Dial) -> None:
        """Together they are more than a connection's first window, and each is more than a stream's usual one."""
        large = b"0123456789abcdef" * 400_000
        server = serve(lambda session, request: session.answer(request, large))
        where = dial(server)
        for _attempt in range(3):
            assert where.call(METHOD, b"", {}) == [large]

    def test_padding_is_taken_off(self, serve: Serve, dial: Dial) -> None:
        def pad(session: Session, request: Request) -> None:
            session.h2.send_headers(request.stream, OK_HEADERS)
            session.send(request, framed(b"padded"), padding=100)
            session.h2.send_headers(request.stream, OK_TRAILERS, end_stream=True)
            session.flush()

        assert dial(serve(pad)).call(METHOD, b"", {}) == [b"padded"]

    def test_a_ping_is_answered(self, serve: Serve, dial: Dial) -> None:
        def ping_first(session: Session, request: Request) -> None:
            session.h2.ping(b"8 octets")
            session.flush()
            while not session.pings:
                assert session.take()
            echo(session, request)

        assert dial(serve(ping_first)).call(METHOD, b"a", {}) == [b"a"]


class TestFailures:
    """What the server refuses."""

    def test_a_status_after_the_answer(self, serve: Serve, dial: Dial) -> None:
        trailers = (("grpc-status", "5"), ("grpc-message", "image %22app%22: not found %E2%86%92 50%"))
        error = failure(dial(serve(lambda session, request: session.answer(request, trailers=trailers))))
        assert (error.code, error.message) == (grpc.NOT_FOUND, 'image "app": not found → 50%')

    def test_a_status_in_place_of_an_answer(self, serve: Serve, dial: Dial) -> None:
        def refuse(session: Session, request: Request) -> None:
            session.h2.send_headers(request.stream, [*OK_HEADERS, ("grpc-status", "12")], end_stream=True)
            session.flush()

        assert failure(dial(serve(refuse))).code == 12

    def test_a_message_that_takes_several_frames(self, serve: Serve, dial: Dial) -> None:
        long = "why, " * 10_000 + "why?"
        trailers = (("grpc-status", "2"), ("grpc-message", long))
        error = failure(dial(serve(lambda session, request: session.answer(request, trailers=trailers))))
        assert error.message == long

    def test_something_else_than_grpc(self, serve: Serve, dial: Dial) -> None:
        def page(session: Session, request: Request) -> None:
            session.h2.send_headers(request.stream, [(":status", "404")], end_stream=True)
            session.flush()

        error = failure(dial(serve(page)))
        assert (error.code, error.message) == (grpc.UNKNOWN, "this is not gRPC: HTTP status 404")

    @pytest.mark.parametrize(
        ("body", "said"), [(b"\0\0\0\0\x09short", "a message ends too early"), (b"\1\0\0\0\0", "compressed")]
    )
    def test_a_malformed_message(self, serve: Serve, dial: Dial, body: bytes, said: str) -> None:
        def answer(session: Session, request: Request) -> None:
            session.h2.send_headers(request.stream, OK_HEADERS)
            session.send(request, body)
            session.h2.send_headers(request.stream, OK_TRAILERS, end_stream=True)
            session.flush()

        assert said in failure(dial(serve(answer))).message

    def test_a_request_that_is_given_up(self, serve: Serve, dial: Dial) -> None:
        def give_up(session: Session, request: Request) -> None:
            session.h2.reset_stream(request.stream, 11)
            session.flush()

        error = failure(dial(serve(give_up)))
        assert error.code == grpc.UNAVAILABLE
        assert "error code 11" in error.message


class TestConnections:
    """Servers that are not there, go away, and come back."""

    def test_nobody_there(self, tmp_path: pathlib.Path) -> None:
        error = failure(grpc.SocketChannel(str(tmp_path / "absent")))
        assert error.code == grpc.UNAVAILABLE
        assert "absent: No such file" in error.message

    def test_a_server_that_was_restarted_between_two_calls(self, serve: Serve, dial: Dial) -> None:
        closed = threading.Event()

        def answer_and_close(session: Session, request: Request) -> None:
            echo(session, request)
            session.peer.shutdown(socket.SHUT_RDWR)
            closed.set()

        server = serve(answer_and_close)
        where = dial(server)
        for number in range(3):
            closed.clear()
            assert where.call(METHOD, bytes([number]), {}) == [bytes([number])]
            assert closed.wait(20)
        assert len(server.sessions) == 3

    def test_a_server_that_says_that_it_goes(self, serve: Serve, dial: Dial) -> None:
        def answer_and_go(session: Session, request: Request) -> None:
            session.h2.close_connection()
            # The library sends nothing more after that, but the answer to what came before is allowed.
            going = session.h2.data_to_send()
            session.peer.sendall(going)
            session.peer.shutdown(socket.SHUT_RDWR)

        server = serve(answer_and_go)
        error = failure(dial(server))
        assert error.code == grpc.UNAVAILABLE

    def test_a_server_that_ends_during_a_call_is_not_asked_again(self, serve: Serve, dial: Dial) -> None:
        """It may have done what it was told before it ended."""
        server = serve(lambda session, _request: session.peer.shutdown(socket.SHUT_RDWR))
        error = failure(dial(server))
        assert error.code == grpc.UNAVAILABLE
        assert len(server.requests) == 1

    def test_an_answer_that_comes_too_late_is_nobody_s(self, serve: Serve, dial: Dial) -> None:
        late = threading.Event()

        def answer(session: Session, request: Request) -> None:
            if request.body == framed(b"slow"):
                late.wait(20)
            echo(session, request)

        where = dial(serve(answer), timeout=0.3)
        with pytest.raises(grpc.GrpcError) as caught:
            where.call(METHOD, b"slow", {})
        assert caught.value.code == grpc.DEADLINE_EXCEEDED
        late.set()
        assert where.call(METHOD, b"quick", {}) == [b"quick"]

    def test_something_that_does_not_speak_http2(self, tmp_path: pathlib.Path) -> None:
        path = tmp_path / "socket"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(path))
            listener.listen()

            def serve() -> None:
                peer, _address = listener.accept()
                with peer:
                    peer.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                    peer.recv(65_536)

            thread = threading.Thread(target=serve)
            thread.start()
            assert failure(grpc.SocketChannel(str(path), 20)).code == grpc.UNAVAILABLE
            thread.join()
