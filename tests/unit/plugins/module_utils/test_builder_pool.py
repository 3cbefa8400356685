# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builders on other machines: what is one, and which of them builds."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._builder_pool import (
    ANSWER_SECONDS,
    RemoteAddress,
    first_that_answers,
    read_builders,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._tcp_answers import CONNECTED, SILENT, Server
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

FIRST, SECOND, THIRD = (RemoteAddress(f"tcp://{host}:1234", "/ca", "/cert", "/key") for host in ("one", "two", "three"))
WORKERS = json.dumps([{"id": "1", "labels": {}, "platforms": []}])
# As buildctl 0.26.3 says it.
REFUSED = (
    'error: failed to list workers: Unavailable: connection error: desc = "transport: Error while dialing: dial tcp'
    ' 10.0.0.1:1234: connect: connection refused"\n'
)


@pytest.fixture
def files(tmp_path: pathlib.Path) -> dict[str, str]:
    paths = {option: tmp_path / f"{option}.pem" for option in ("tls_ca", "tls_cert", "tls_key")}
    for path in paths.values():
        path.touch()
    return {option: str(path) for option, path in paths.items()}


def all_connect(servers: t.Sequence[Server]) -> list[str]:
    return [CONNECTED] * len(servers)


def described(files: dict[str, str], **changes: t.Any) -> dict[str, t.Any]:
    return {"address": "tcp://one:1234", "server_name": None, **files, **changes}


def test_a_pool_is_read_in_its_order(files: dict[str, str]) -> None:
    pool = read_builders(
        [described(files), described(files, address="tcp://[2001:db8::1]:1234", server_name="builder.example.org")]
    )
    assert [remote.address for remote in pool] == ["tcp://one:1234", "tcp://[2001:db8::1]:1234"]
    words = ("--tlscacert", files["tls_ca"], "--tlscert", files["tls_cert"], "--tlskey", files["tls_key"])
    assert pool[0].tls_words == words
    assert [remote.server for remote in pool] == [("one", 1234), ("2001:db8::1", 1234)]
    assert pool[1].tls_words == (*words, "--tlsservername", "builder.example.org")


@pytest.mark.parametrize(
    "address", ["", "one:1234", "tcp://one", "unix:///run/buildkit/buildkitd.sock", "tcp://one:1234/x", "tcp://a b:1"]
)
def test_what_is_no_address_is_refused(files: dict[str, str], address: str) -> None:
    with pytest.raises(InvalidInput, match="address of a remote builder"):
        read_builders([described(files, address=address)])


@pytest.mark.parametrize("name", ["--tlskey", "a b", "-"])
def test_what_is_no_name_is_refused(files: dict[str, str], name: str) -> None:
    with pytest.raises(InvalidInput, match="name of a server"):
        read_builders([described(files, server_name=name)])


@pytest.mark.parametrize("option", ["tls_ca", "tls_cert", "tls_key"])
def test_a_file_that_is_not_there_is_named(files: dict[str, str], option: str) -> None:
    with pytest.raises(InvalidInput, match=f"{option}: /nowhere/key.pem"):
        read_builders([described(files, **{option: "/nowhere/key.pem"})])


def test_the_first_that_answers_builds() -> None:
    runner, warnings = FakeRunner(), []
    runner.on("buildctl", stdout=WORKERS)
    buildctl = first_that_answers([FIRST, SECOND], runner, warnings.append, all_connect)
    buildctl.run(["build"])
    assert [call.value_of("--addr") for call in runner.calls] == [FIRST.address, FIRST.address]
    assert all(call.has("buildctl", *FIRST.tls_words) for call in runner.calls)
    assert runner.calls[0].timeout == ANSWER_SECONDS
    assert warnings == []


def test_one_that_is_down_is_skipped_with_a_word() -> None:
    runner, warnings = FakeRunner(), []
    runner.on("buildctl", stdout=WORKERS)
    runner.on("buildctl", "--addr", FIRST.address, stderr=REFUSED, rc=1)
    assert first_that_answers([FIRST, SECOND], runner, warnings.append, all_connect).host == SECOND.address
    (warning,) = warnings
    assert warning.startswith("A builder was skipped: tcp://one:1234: ")
    assert "connection refused" in warning


def test_one_without_a_worker_is_skipped() -> None:
    runner, warnings = FakeRunner(), []
    runner.on("buildctl", stdout=WORKERS)
    runner.on("buildctl", "--addr", FIRST.address, stdout="[]")
    assert first_that_answers([FIRST, SECOND], runner, warnings.append, all_connect).host == SECOND.address
    assert warnings == ["A builder was skipped: tcp://one:1234: it has no worker"]


def test_machines_that_take_no_connection_are_not_asked() -> None:
    runner, warnings, asked = FakeRunner(), [], []
    runner.on("buildctl", stdout=WORKERS)

    def ask(servers: t.Sequence[Server]) -> list[str]:
        asked.extend(servers)
        return ["connection refused", SILENT, CONNECTED]

    assert first_that_answers([FIRST, SECOND, THIRD], runner, warnings.append, ask).host == THIRD.address
    assert asked == [("one", 1234), ("two", 1234), ("three", 1234)]
    assert [call.value_of("--addr") for call in runner.calls] == [THIRD.address]
    assert warnings == [
        "A builder was skipped: tcp://one:1234: connection refused",
        "A builder was skipped: tcp://two:1234: no answer, while another one had answered",
    ]


def test_one_that_is_slow_builds_if_no_other_can() -> None:
    runner, warnings = FakeRunner(), []
    runner.on("buildctl", stdout=WORKERS)
    runner.on("buildctl", "--addr", SECOND.address, stdout="[]")
    buildctl = first_that_answers([FIRST, SECOND], runner, warnings.append, lambda _servers: [SILENT, CONNECTED])
    assert buildctl.host == FIRST.address
    assert warnings == []


def test_nobody_is_waited_for_twice() -> None:
    runner = FakeRunner()
    with pytest.raises(Unavailable, match="No builder of the pool can build") as error:
        first_that_answers([FIRST, SECOND], runner, pytest.fail, lambda _servers: ["no route to host", SILENT])
    assert error.value.tail == "tcp://one:1234: no route to host\ntcp://two:1234: no answer within 10 s"
    assert runner.calls == []


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
def test_behind_a_proxy_connections_say_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "http://proxy:3128")
    runner = FakeRunner()
    runner.on("buildctl", stdout=WORKERS)
    unasked = first_that_answers([FIRST, SECOND], runner, pytest.fail, lambda _servers: pytest.fail("was asked"))
    assert unasked.host == FIRST.address


def test_a_single_builder_is_asked_itself() -> None:
    runner = FakeRunner()
    runner.on("buildctl", stdout=WORKERS)
    only = first_that_answers([FIRST], runner, pytest.fail, lambda _servers: pytest.fail("was asked"))
    assert only.host == FIRST.address


def test_if_none_answers_each_is_named_with_its_reason() -> None:
    runner = FakeRunner()
    runner.on("buildctl", stderr=REFUSED, rc=1)
    with pytest.raises(Unavailable, match="No builder of the pool can build: tcp://one:1234, tcp://two:1234") as error:
        first_that_answers([FIRST, SECOND], runner, pytest.fail, all_connect)
    assert error.value.tail.count("connection refused") == 2


def test_a_node_without_the_client_is_told_so() -> None:
    with pytest.raises(Unavailable, match="not installed on this node: buildctl"):
        first_that_answers([FIRST], FakeRunner(absent=["buildctl"]), pytest.fail, all_connect)
