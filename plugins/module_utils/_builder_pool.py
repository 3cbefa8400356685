# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pool of BuildKit daemons on other machines, reached over mutual TLS: the first that answers builds."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import if_given
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import Buildctl
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._option_text import plain_text
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._tcp_answers import (
    CONNECTED,
    SILENT,
    Server,
    TcpAnswers,
    by_proxy,
)

# A machine that is gone does not even refuse: who builds must not wait long for the next one.
ANSWER_SECONDS = 10

_ADDRESS = re.compile(r"tcp://[^\s/:]+:\d{1,5}|tcp://\[[0-9A-Fa-f:.]+\]:\d{1,5}")
_SERVER_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]*[A-Za-z0-9])?")


@dataclasses.dataclass(frozen=True)
class RemoteAddress:
    """Where one daemon of a pool is, and by what it and this node know each other.

    Attributes:
        address: ``tcp://host:port``.
        ca: the file with the authority that signed the daemon's certificate.
        certificate: the file with this node's certificate.
        key: the file with the key to that.
        server_name: the name in the daemon's certificate; the host of the address if empty.
    """

    address: str
    ca: str
    certificate: str
    key: str
    server_name: str = ""

    @property
    def server(self) -> Server:
        """Its host and port."""
        host, _colon, port = self.address.removeprefix("tcp://").rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def tls_words(self) -> tuple[str, ...]:
        """The words by which buildctl proves itself and checks the daemon.

        Source: ``cmd/buildctl/main.go`` of BuildKit v0.26.3.
        """
        files = ("--tlscacert", self.ca, "--tlscert", self.certificate, "--tlskey", self.key)
        return (*files, *if_given("--tlsservername", self.server_name))


def read_builders(values: t.Sequence[t.Mapping[str, t.Any]]) -> tuple[RemoteAddress, ...]:
    """Return the pool that the option ``builders`` describes.

    Raises:
        InvalidInput: an address or a name is none, or a file cannot be read.
    """
    return tuple(_read(value) for value in values)


def _read(value: t.Mapping[str, t.Any]) -> RemoteAddress:
    address, server_name = value["address"], value["server_name"] or ""
    if not _ADDRESS.fullmatch(address):
        raise InvalidInput(
            "Not the address of a remote builder", subject=f"builders: {address[:120]!r}", expected="tcp://host:port"
        )
    if server_name and not _SERVER_NAME.fullmatch(server_name):
        raise InvalidInput("Not the name of a server", subject=f"builders: {address}: {server_name[:120]!r}")
    ca, certificate, key = (_file(value, option) for option in ("tls_ca", "tls_cert", "tls_key"))
    return RemoteAddress(address, ca, certificate, key, server_name)


def _file(value: t.Mapping[str, t.Any], option: str) -> str:
    path = plain_text(value[option], f"builders: {option}")
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise InvalidInput(
            "A file that is to prove who is who cannot be read",
            subject=f"builders: {value['address']}: {option}: {path}",
            expected="a PEM file on the node that runs the task",
        )
    return path


Ask = t.Callable[[t.Sequence[Server]], t.Sequence[str]]
"""Tells of each server what it is, as ``TcpAnswers.wait`` does."""


def _connect(servers: t.Sequence[Server]) -> t.Sequence[str]:
    return TcpAnswers(servers, ANSWER_SECONDS).wait()


def first_that_answers(
    pool: t.Sequence[RemoteAddress], runner: Runner, warn: t.Callable[[str], None], ask: Ask = _connect
) -> Buildctl:
    """Return the client of the first daemon that answers.

    Args:
        pool: the daemons, in the order of preference.
        runner: starts the processes.
        warn: is told of each daemon that does not answer, and why.
        ask: tells which machines take connections.

    Raises:
        Unavailable: none answers, or this node has no client.
    """
    runner.find("buildctl")
    look = _look(pool, ask)
    reasons = dict(look.reasons)
    for remote in (*look.reachable, *look.slow):
        buildctl = Buildctl(runner, remote.address, remote.tls_words)
        try:
            if buildctl.workers(timeout=ANSWER_SECONDS):
                for reason in _before(remote, pool, reasons):
                    warn(f"A builder was skipped: {reason}")
                return buildctl
            reasons[remote] = "it has no worker"
        except ContainerBuildError as error:
            reasons[remote] = (error.tail or error.message).splitlines()[-1].strip()
    raise Unavailable(
        "No builder of the pool can build",
        subject=", ".join(remote.address for remote in pool),
        expected="a BuildKit daemon that answers over mutual TLS",
        remedy="see whether buildkit runs there, and whether certificates, names and ports fit",
        tail="\n".join(f"{remote.address}: {reasons[remote]}" for remote in pool),
    )


class _Look(t.NamedTuple):
    """What is known of a pool before a daemon is asked.

    Attributes:
        reachable: the daemons whose machine takes connections.
        slow: those whose machine has not answered yet.
        reasons: why the others are not asked.
    """

    reachable: t.Sequence[RemoteAddress]
    slow: t.Sequence[RemoteAddress]
    reasons: t.Mapping[RemoteAddress, str]


def _look(pool: t.Sequence[RemoteAddress], ask: Ask) -> _Look:
    """Find the machines that are gone all at once, and not one by one, each of which takes all of its time."""
    if len(pool) == 1 or by_proxy():
        return _Look(pool, (), {})
    answers = list(zip(pool, ask([remote.server for remote in pool])))
    reachable = [remote for remote, answer in answers if answer == CONNECTED]
    slow = [remote for remote, answer in answers if answer == SILENT]
    reasons = {remote: answer for remote, answer in answers if answer not in (CONNECTED, SILENT)}
    if not reachable:
        reasons.update(dict.fromkeys(slow, f"no answer within {ANSWER_SECONDS} s"))
        slow = []
    return _Look(reachable, slow, reasons)


def _before(
    chosen: RemoteAddress, pool: t.Sequence[RemoteAddress], reasons: t.Mapping[RemoteAddress, str]
) -> t.Iterator[str]:
    """Yield why each daemon that would have been preferred was not *chosen*."""
    for remote in pool[: pool.index(chosen)]:
        yield f"{remote.address}: {reasons.get(remote, 'no answer, while another one had answered')}"
