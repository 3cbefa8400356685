# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""buildctl's command lines for the cache and for running builds, and what its JSON means."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_cache import CacheRecord, PruneRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import Buildctl
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl_cache import (
    BuildctlCache,
    RunningBuild,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

HOST = "unix:///run/buildkit/buildkitd.sock"
BUILDCTL = ["buildctl", "--addr", HOST]
JSON = ["--format", "{{json .}}"]
UNREACHABLE = (
    'error: failed to call diskusage: Unavailable: connection error: desc = "transport: Error while dialing: dial unix '
    '/run/buildkit/buildkitd.sock: connect: no such file or directory"'
)


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def cache(runner: FakeRunner) -> BuildctlCache:
    return BuildctlCache(Buildctl(runner, HOST), timeout=7)


def test_records(runner: FakeRunner, cache: BuildctlCache) -> None:
    runner.on("buildctl", stdout='[{"id": "a", "size": 1}, {"id": "b", "recordType": "internal"}]\n')
    assert cache.records() == [CacheRecord("a", size=1), CacheRecord("b", kind="internal")]
    assert runner.argv == [*BUILDCTL, "du", *JSON]
    assert runner.calls[0].timeout == 7


def test_records_that_filters_match(runner: FakeRunner, cache: BuildctlCache) -> None:
    # What buildctl prints of no records.
    runner.on("buildctl", stdout="null\n")
    assert cache.records(["type==regular", "id==x"]) == []
    assert runner.argv == [*BUILDCTL, "du", "--filter", "type==regular", "--filter", "id==x", *JSON]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (PruneRequest(), []),
        (PruneRequest(("a==1,b==2", "c"), everything=True), ["--filter", "a==1,b==2", "--filter", "c", "--all"]),
        (PruneRequest(keep_seconds=172800), ["--keep-duration", "172800s"]),
        (PruneRequest(keep_bytes=10 * 1024**3), ["--keep-storage", "10737.418240"]),
        (PruneRequest(keep_bytes=1), ["--keep-storage", "0.000001"]),
    ],
)
def test_prune(runner: FakeRunner, cache: BuildctlCache, request_: PruneRequest, words: list[str]) -> None:
    runner.on("buildctl", stdout='{"id": "a", "size": 5, "recordType": ""}\n{"id": "b"}\n')
    completed, gone = cache.prune(request_)
    assert gone == [CacheRecord("a", size=5), CacheRecord("b")]
    assert runner.argv == list(completed.argv) == [*BUILDCTL, "prune", *words, *JSON]


def test_nothing_to_prune(runner: FakeRunner, cache: BuildctlCache) -> None:
    runner.on("buildctl")
    assert cache.prune(PruneRequest())[1] == []


def test_running_builds(runner: FakeRunner, cache: BuildctlCache) -> None:
    # As `buildctl debug histories` of BuildKit 0.26.3 prints them, in short.
    done = {"Ref": "done", "CreatedAt": {"seconds": 5}, "CompletedAt": {"seconds": 6, "nanos": 1}}
    later = {
        "Ref": "later",
        "FrontendAttrs": {"filename": "Dockerfile", "platform": "linux/amd64,linux/arm64", "target": "app"},
        "Exporters": [{"Type": "image", "Attrs": {"name": "docker.io/library/a:1,docker.io/library/a:2"}}],
        "CreatedAt": {"seconds": 1_795_529_668, "nanos": 93_597_576},
        "numTotalSteps": 7,
        "numCompletedSteps": 3,
    }
    earlier = {"Ref": "earlier", "CreatedAt": {"seconds": 1_795_529_667}, "Exporters": [{"Type": "local"}]}
    events = [{"type": 1, "record": done}, {"record": later}, {"record": earlier}, {"type": 2}]
    runner.on("buildctl", stdout="".join(f"{json.dumps(event)}\n" for event in events))
    assert cache.running_builds() == [
        RunningBuild("earlier", "2026-11-24T14:14:27Z", (), "", (), 0, 0),
        RunningBuild(
            ref="later",
            started_at="2026-11-24T14:14:28Z",
            images=("docker.io/library/a:1", "docker.io/library/a:2"),
            target="app",
            platforms=("linux/amd64", "linux/arm64"),
            steps=7,
            completed_steps=3,
        ),
    ]
    assert runner.argv == [*BUILDCTL, "debug", "histories", *JSON]


CALLS: list[t.Callable[[BuildctlCache], object]] = [
    lambda cache: cache.records(),
    lambda cache: cache.prune(PruneRequest()),
    lambda cache: cache.running_builds(),
]


@pytest.mark.parametrize("call", CALLS)
def test_failures_are_told(runner: FakeRunner, cache: BuildctlCache, call: t.Callable[[BuildctlCache], object]) -> None:
    runner.on("buildctl", rc=1, stderr="error: failed to parse filters: parse error: expected value: invalid argument")
    with pytest.raises(ToolFailed, match="expected value"):
        call(cache)
    runner.on("buildctl", rc=1, stderr=UNREACHABLE)
    with pytest.raises(Unavailable, match="BuildKit does not answer on its socket"):
        call(cache)
    assert [asked.timeout for asked in runner.calls] == [7, 7]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("stdout", ["Usage:\n", "[7]", '{"record": {"FrontendAttrs": 7}}', '"text"'])
def test_unknown_answers(
    runner: FakeRunner, cache: BuildctlCache, call: t.Callable[[BuildctlCache], object], stdout: str
) -> None:
    runner.on("buildctl", stdout=stdout)
    with pytest.raises(ContainerBuildError) as caught:
        call(cache)
    assert isinstance(caught.value, IntegrityError)
