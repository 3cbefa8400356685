# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several servers are asked at once whether they take connections, and no more is waited for than decides."""

from __future__ import annotations

import socket
import threading
import time
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _tcp_answers
from ansible_collections.nephoran.container_build.plugins.module_utils._tcp_answers import (
    CONNECTED,
    SILENT,
    Server,
    TcpAnswers,
)

ONE, TWO, THREE = (("192.0.2.1", port) for port in (1, 2, 3))
LONG = 30.0


@pytest.fixture
def ended() -> t.Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def waited(
    connect: t.Callable[[Server], None], *servers: Server, patience: float = LONG
) -> tuple[t.Sequence[str], float]:
    """Return what came of asking *servers*, and how long it took."""
    began = time.monotonic()
    answers = TcpAnswers(servers, patience, lambda server, _seconds: connect(server)).wait()
    return answers, time.monotonic() - began


def test_the_first_one_that_answers_is_enough(ended: threading.Event) -> None:
    answers, seconds = waited(lambda server: None if server == ONE else ended.wait() and None, ONE, TWO)
    assert answers == [CONNECTED, SILENT]
    assert seconds < LONG / 3


def test_one_that_refuses_decides_nothing(ended: threading.Event) -> None:
    def connect(server: Server) -> None:
        if server == ONE:
            raise ConnectionRefusedError(111, "Connection refused")
        if server == TWO:
            raise socket.gaierror(-2, "Name or service not known")
        if server != THREE:
            ended.wait()

    answers, seconds = waited(connect, ONE, TWO, THREE, ("192.0.2.1", 4))
    assert answers == ["connection refused", "name or service not known", CONNECTED, SILENT]
    assert seconds < LONG / 3


def test_one_that_is_silent_has_a_moment_more_than_the_next(
    ended: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_tcp_answers, "GRACE_SECONDS", 0.2)
    answers, seconds = waited(lambda server: ended.wait() and None if server == ONE else None, ONE, TWO)
    assert answers == [SILENT, CONNECTED]
    assert 0.2 <= seconds < LONG / 3


def test_one_that_is_late_is_still_preferred() -> None:
    answers, _seconds = waited(lambda server: time.sleep(0.2) if server == ONE else None, ONE, TWO)
    assert answers == [CONNECTED, CONNECTED]


def test_patience_ends(ended: threading.Event) -> None:
    def connect(server: Server) -> None:
        if server == TWO:
            raise TimeoutError
        ended.wait()

    answers, seconds = waited(connect, ONE, TWO, patience=0.2)
    assert answers == [SILENT, SILENT]
    assert seconds >= 0.2


def test_a_server_of_this_machine_is_told_from_a_port_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_server(("127.0.0.1", 0)) as other:
        there, gone = server.getsockname(), other.getsockname()
        other.close()
        assert TcpAnswers([gone, there], LONG).wait() == ["connection refused", CONNECTED]
