# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ctr's command lines."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._ctr import Ctr
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

SOCKET = "/run/containerd/containerd.sock"
DIGEST = "sha256:" + "0123456789abcdef" * 4
NAME = "docker.io/library/app:v1"
IN_K8S = ["ctr", "--address", SOCKET, "--namespace", "k8s.io"]
# ctr 2.2.1 writes such a line before everything that it says.
WARNING = 'time="2026-11-24T11:46:13Z" level=warning msg="DEPRECATION: The support for cgroup v1 is deprecated"\n'


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def ctr(runner: FakeRunner) -> Ctr:
    return Ctr(runner, SOCKET, timeout=7)


def test_content_is_saved_to_a_file(runner: FakeRunner, ctr: Ctr, tmp_path: pathlib.Path) -> None:
    runner.on("ctr", stdout=b"layer")
    ctr.save_content("k8s.io", DIGEST, str(tmp_path / "layer"))
    assert (tmp_path / "layer").read_bytes() == b"layer"
    assert runner.argv == [*IN_K8S, "content", "get", DIGEST]


def test_ingest_promises_digest_and_size_and_hands_over_a_file(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr")
    assert ctr.ingest("k8s.io", DIGEST, 42, "/scratch/sparse") is True
    *words, key = runner.argv
    assert words == [*IN_K8S, "content", "ingest", "--expected-digest", DIGEST, "--expected-size", "42"]
    assert key.startswith("ingest-")
    assert runner.calls[0].stdin_path == "/scratch/sparse"


def test_each_attempt_of_an_ingest_has_a_key_of_its_own(runner: FakeRunner, ctr: Ctr) -> None:
    """containerd would append to what an earlier attempt left under the same key."""
    runner.on("ctr")
    ctr.ingest("k8s.io", DIGEST, 42, "/x")
    ctr.ingest("k8s.io", DIGEST, 42, "/x")
    first, second = (call.argv[-1] for call in runner.calls)
    assert first != second


@pytest.mark.parametrize(
    "said",
    [
        (
            f'ctr: failed commit on ref "x": commit failed: unexpected commit digest {DIGEST}, expected {DIGEST}: '
            "failed precondition"
        ),
        "ctr: short read: expected 7 bytes but got 6: unexpected EOF",
        'ctr: failed commit on ref "x": unexpected commit size 6, expected 7: failed precondition',
    ],
)
def test_wrong_bytes_are_no_error_of_the_ingest(runner: FakeRunner, ctr: Ctr, said: str) -> None:
    runner.on("ctr", rc=1, stderr=WARNING + said)
    assert ctr.ingest("k8s.io", DIGEST, 7, "/x") is False


def test_another_failure_of_an_ingest_is_raised(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", rc=1, stderr="ctr: write /var/lib/containerd/x: no space left on device")
    with pytest.raises(Unavailable, match=r"could not be taken into the store\. The file system is full"):
        ctr.ingest("k8s.io", DIGEST, 7, "/x")


@pytest.mark.parametrize(
    ("platform", "words"),
    [(None, ["--all-platforms"]), (Platform.parse("linux/arm/v7"), ["--platform", "linux/arm/v7"])],
)
def test_unpacking(runner: FakeRunner, ctr: Ctr, platform: Platform | None, words: list[str]) -> None:
    runner.on("ctr")
    ctr.unpack_image("k8s.io", b"tar", snapshotter="native", platform=platform, subject=NAME)
    assert runner.argv == [*IN_K8S, "images", "import", "--snapshotter", "native", *words, "-"]
    assert runner.calls[0].data == b"tar"


@pytest.mark.parametrize(
    ("platform", "for_docker", "words"),
    [
        (None, True, ["--all-platforms"]),
        (Platform.parse("linux/arm64"), False, ["--platform", "linux/arm64", "--skip-manifest-json"]),
    ],
)
def test_export(runner: FakeRunner, ctr: Ctr, platform: Platform | None, for_docker: bool, words: list[str]) -> None:
    runner.on("ctr")
    ctr.export_images("k8s.io", [NAME, "other:v1"], "/srv/a.tar", platform=platform, for_docker=for_docker)
    assert runner.argv == [*IN_K8S, "images", "export", "--local", *words, "/srv/a.tar", NAME, "other:v1"]


CALLS: list[t.Callable[[Ctr], object]] = [
    lambda ctr: ctr.save_content("k8s.io", DIGEST, "/dev/null"),
    lambda ctr: ctr.ingest("k8s.io", DIGEST, 1, "/dev/null"),
    lambda ctr: ctr.unpack_image("k8s.io", b"", snapshotter="native", platform=None, subject=NAME),
    lambda ctr: ctr.export_images("k8s.io", [NAME], "/srv/a.tar", platform=None, for_docker=True),
    lambda ctr: ctr.remove_container("k8s.io", "step"),
]


@pytest.mark.parametrize("call", CALLS)
def test_no_failure_is_swallowed_and_every_call_has_the_time_limit(
    runner: FakeRunner, ctr: Ctr, call: t.Callable[[Ctr], object]
) -> None:
    runner.on("ctr", rc=1, stderr="ctr: something broke")
    with pytest.raises(ContainerBuildError, match="something broke"):
        call(ctr)
    assert [asked.timeout for asked in runner.calls] == [7]
