# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of several servers take connections, asked all at once."""

from __future__ import annotations

import os
import socket
import threading
import time
import typing as t

CONNECTED, SILENT = "connected", "silent"
"""What a server may be; any other word says why it took no connection."""

Server = tuple[str, int]
Connect = t.Callable[[Server, float], None]
# A server that is as far away as servers are has answered by then.
GRACE_SECONDS = 1.0


def connect(server: Server, seconds: float) -> None:
    """Connect to *server* and take leave.

    Raises:
        OSError: it took no connection within *seconds*, or its name is none.
    """
    with socket.create_connection(server, seconds):
        pass


def by_proxy() -> bool:
    """Tell whether gRPC asks a proxy for connections, so that its own say nothing of servers.

    Source: ``internal/resolver/delegatingresolver`` of google.golang.org/grpc v1.76.0, which is in buildctl 0.26.3.
    """
    return any(os.environ.get(name) for name in ("HTTPS_PROXY", "https_proxy"))


class TcpAnswers:
    """Connects to servers until it is known which is the first of them to take a connection.

    Args:
        servers: host and port of each, in the order of preference.
        patience: seconds that each has to answer.
        connect_to: makes one connection.
    """

    def __init__(self, servers: t.Sequence[Server], patience: float, connect_to: Connect = connect) -> None:
        self._patience = patience
        self._connect_to = connect_to
        self._answers = [SILENT] * len(servers)
        self._servers = servers
        self._news = threading.Condition()

    def wait(self) -> list[str]:
        """Return what each server is: all that is known once one took a connection and those before it did not.

        One that is preferred and still silent a second after another one answered is not waited for.
        """
        for index, server in enumerate(self._servers):
            threading.Thread(target=self._ask, args=(index, server), name="tcp answer", daemon=True).start()
        deadline = time.monotonic() + self._patience
        with self._news:
            while not self._is_decided() and time.monotonic() < deadline:
                if CONNECTED in self._answers:
                    deadline = min(deadline, time.monotonic() + GRACE_SECONDS)
                self._news.wait(max(0.0, deadline - time.monotonic()))
            return list(self._answers)

    def _is_decided(self) -> bool:
        undecided = (answer for answer in self._answers if answer in (CONNECTED, SILENT))
        return next(undecided, CONNECTED) == CONNECTED

    def _ask(self, index: int, server: Server) -> None:
        try:
            self._connect_to(server, self._patience)
            answer = CONNECTED
        except (socket.timeout, TimeoutError):
            # Before Python 3.10 they are two: its own patience, and the kernel's.
            return
        except OSError as error:
            answer = (error.strerror or str(error)).lower()
        with self._news:
            self._answers[index] = answer
            self._news.notify_all()
