# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit's workers, as the daemon tells them on its socket, and as buildctl prints them."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import Buildctl
from ansible_collections.nephoran.container_build.plugins.module_utils._buildkit_workers import GCPolicy, Worker
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_buildkit import LIST_WORKERS, workers_answer
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, FakeRunner

SOCKET = "/run/buildkit/buildkitd.sock"
REMOTE = "tcp://builder:1234"
HOSTS = [f"unix://{SOCKET}", REMOTE]
LABEL = "org.mobyproject.buildkit.worker."


def worker(executor: str = "containerd", **changes: t.Any) -> dict[str, t.Any]:
    """A worker as `buildctl debug workers --format '{{json .}}'` of 0.26.3 prints it."""
    document = {
        "id": "wv0emmhfhxrdl321ivf9g32i1",
        "labels": {
            f"{LABEL}executor": executor,
            f"{LABEL}containerd.namespace": "default",
            f"{LABEL}snapshotter": "overlayfs",
        },
        "platforms": [
            {"architecture": "amd64", "os": "linux"},
            {"architecture": "arm", "os": "linux", "variant": "v7"},
        ],
        "gcPolicy": [
            {
                "all": False,
                "filter": ["type==source.local,type==exec.cachemount"],
                "keepDuration": 172800000000000,
                "reservedSpace": 1,
                "maxUsedSpace": 512000000,
                "minFreeSpace": 3,
            },
            {"all": True, "filter": None, "keepBytes": 4},
        ],
        "buildkitVersion": {"package": "github.com/moby/buildkit", "version": "v0.26.3", "revision": ""},
        "cdiDevices": None,
    }
    return {**document, **changes}


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


def tell(runner: FakeRunner, *documents: dict[str, t.Any]) -> None:
    """Let the daemon have these workers, however it is asked."""
    runner.on(*LIST_WORKERS, do=workers_answer(*documents))
    runner.on("buildctl", "debug", "workers", stdout=json.dumps(documents))


@pytest.mark.parametrize("host", HOSTS)
def test_a_worker_is_told_to_the_last_field(runner: FakeRunner, host: str) -> None:
    tell(runner, worker())
    assert Buildctl(runner, host).workers(timeout=3) == [
        Worker(
            id="wv0emmhfhxrdl321ivf9g32i1",
            executor="containerd",
            namespace="default",
            snapshotter="overlayfs",
            platforms=("linux/amd64", "linux/arm/v7"),
            version="v0.26.3",
            gc_policies=(
                GCPolicy(("type==source.local,type==exec.cachemount",), False, 172800, 1, 512000000, 3),
                GCPolicy((), True, 0, 4, 0, 0),
            ),
        )
    ]
    assert runner.calls[0].timeout == 3


def test_a_socket_is_asked_itself_and_all_else_by_buildctl(runner: FakeRunner) -> None:
    tell(runner)
    for host in HOSTS:
        Buildctl(runner, host).workers()
    assert [call.argv for call in runner.calls] == [
        ("buildkit", "--address", SOCKET, "Control.ListWorkers"),
        ("buildctl", "--addr", REMOTE, "debug", "workers", "--format", "{{json .}}"),
    ]


@pytest.mark.parametrize("stdout", ["null", "[]", ""])
def test_a_daemon_without_workers(runner: FakeRunner, stdout: str) -> None:
    runner.on("buildctl", stdout=stdout)
    assert Buildctl(runner, REMOTE).workers() == []


@pytest.mark.parametrize("host", HOSTS)
def test_a_worker_of_an_older_buildkit_says_less(runner: FakeRunner, host: str) -> None:
    tell(runner, {"id": "x", "labels": None, "platforms": None})
    assert Buildctl(runner, host).workers() == [Worker("x", "", "", "", (), "")]


@pytest.mark.parametrize("host", HOSTS)
def test_the_containerd_worker_is_found_among_others(runner: FakeRunner, host: str) -> None:
    tell(runner, worker("oci", id="a"), worker(id="b"), worker(id="c"))
    found = Buildctl(runner, host).containerd_worker()
    assert found is not None
    assert found.id == "b"


@pytest.mark.parametrize("host", HOSTS)
def test_a_daemon_that_builds_elsewhere_has_none(runner: FakeRunner, host: str) -> None:
    tell(runner, worker("oci"))
    assert Buildctl(runner, host).containerd_worker() is None


@pytest.mark.parametrize("host", HOSTS)
def test_a_daemon_that_cannot_build_is_refused_with_a_remedy(runner: FakeRunner, host: str) -> None:
    tell(runner)
    with pytest.raises(Unavailable, match=r"no worker.*\[worker.oci\] enabled = true") as caught:
        Buildctl(runner, host).containerd_worker()
    assert caught.value.subject == host


@pytest.mark.parametrize(
    "stdout", ["ID  PLATFORMS", '[{"labels": {}}]', "[1]", '{"a": 1}', '[{"id": "x", "labels": 3}]']
)
def test_an_unknown_answer_of_buildctl_is_an_error_in_words(runner: FakeRunner, stdout: str) -> None:
    runner.on("buildctl", stdout=stdout)
    with pytest.raises(IntegrityError, match=r"buildctl's.*not what this collection knows"):
        Buildctl(runner, REMOTE).workers()


@pytest.mark.parametrize("message", [b"\xff", b"\x0a\x02\x08\x01"])
def test_an_unknown_answer_of_the_daemon_is_an_error_in_words(runner: FakeRunner, message: bytes) -> None:
    runner.on(*LIST_WORKERS, do=Answer(messages=[message]))
    with pytest.raises(IntegrityError, match=r"BuildKit's.*not what this collection knows"):
        Buildctl(runner, HOSTS[0]).workers()


@pytest.mark.parametrize(
    ("host", "words", "rc", "said"),
    [
        (HOSTS[0], LIST_WORKERS, grpc.UNAVAILABLE, f"{SOCKET}: No such file or directory"),
        (REMOTE, ("buildctl",), 1, "error: failed to list workers: Unavailable: connection error: dial tcp: refused"),
    ],
)
def test_a_daemon_that_does_not_answer(
    runner: FakeRunner, host: str, words: tuple[str, ...], rc: int, said: str
) -> None:
    runner.on(*words, rc=rc, stderr=said)
    with pytest.raises(Unavailable, match=r"could not be listed\. BuildKit does not answer on its socket") as caught:
        Buildctl(runner, host).workers()
    assert caught.value.subject == host
    assert "option buildkit_host" in str(caught.value)


def test_a_user_who_may_not_use_the_socket_is_told_so(runner: FakeRunner) -> None:
    runner.on(*LIST_WORKERS, rc=grpc.UNAVAILABLE, stderr=f"{SOCKET}: Permission denied")
    with pytest.raises(Unavailable, match=r"The user may not use the daemon's socket.*become: true"):
        Buildctl(runner, HOSTS[0]).workers()


def test_a_daemon_that_takes_too_long(runner: FakeRunner) -> None:
    runner.on(*LIST_WORKERS, rc=grpc.DEADLINE_EXCEEDED, stderr="no answer within 3 s")
    with pytest.raises(ToolFailed, match=r"BuildKit did not answer in time.*raise the option timeout"):
        Buildctl(runner, HOSTS[0]).workers(timeout=3)
