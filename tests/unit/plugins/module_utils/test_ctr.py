# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ctr's command lines, and what is read out of its answers."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._ctr import BlobMissing, Ctr
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    NotFound,
    ToolFailed,
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


def test_namespaces(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", stdout="default\nk8s.io\n", stderr=WARNING)
    assert ctr.namespaces() == ["default", "k8s.io"]
    assert runner.argv == ["ctr", "--address", SOCKET, "namespaces", "ls", "-q"]


def test_image_names(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", stdout=f"{NAME}\nsha256:00\n")
    assert ctr.image_names("k8s.io") == [NAME, "sha256:00"]
    assert runner.argv == [*IN_K8S, "images", "ls", "-q"]


def test_image_names_that_match_a_filter(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr")
    assert ctr.image_names("k8s.io", f"name=={NAME}") == []
    assert runner.argv == [*IN_K8S, "images", "ls", "-q", f"name=={NAME}"]


def test_content_digests(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", stdout=f"{DIGEST}\n\n")
    assert ctr.content_digests("k8s.io") == frozenset({DIGEST})
    assert runner.argv == [*IN_K8S, "content", "ls", "-q"]


def test_content_is_read_as_bytes(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", stdout=b"\xff{}\r\n")
    assert ctr.read_content("k8s.io", DIGEST) == b"\xff{}\r\n"
    assert runner.argv == [*IN_K8S, "content", "get", DIGEST]


def test_a_missing_blob_is_an_error_of_its_own(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", rc=1, stderr=f"{WARNING}ctr: content digest {DIGEST}: not found")
    with pytest.raises(BlobMissing, match=f"{DIGEST} in k8s.io") as caught:
        ctr.read_content("k8s.io", DIGEST)
    assert caught.value.digest == DIGEST
    assert isinstance(caught.value, NotFound)


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
    ("options", "words"),
    [
        ({}, ["--no-unpack", "--all-platforms"]),
        ({"platform": Platform.parse("linux/arm/v7")}, ["--no-unpack", "--platform", "linux/arm/v7"]),
        ({"unpack": True}, ["--all-platforms"]),
        (
            {"unpack": True, "snapshotter": "native", "platform": Platform.parse("linux/arm64")},
            ["--snapshotter", "native", "--platform", "linux/arm64"],
        ),
        ({"snapshotter": "native"}, ["--no-unpack", "--all-platforms"]),
        (
            {"labels": {"b": "2", "a": "x=y z"}},
            ["--no-unpack", "--all-platforms", "--label", "a=x=y z", "--label", "b=2"],
        ),
    ],
)
def test_import(runner: FakeRunner, ctr: Ctr, options: dict[str, t.Any], words: list[str]) -> None:
    runner.on("ctr")
    ctr.import_archive("k8s.io", b"tar", subject=NAME, **options)
    assert runner.argv == [*IN_K8S, "images", "import", *words, "-"]
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


@pytest.mark.parametrize(
    ("rc", "stderr", "gone"),
    [
        (0, "", True),
        (0, 'level=error msg="unable to delete staging" error="namespace: not found"', True),
        (1, 'ctr: unable to delete staging: namespace "staging" must be empty, but it still has images', False),
    ],
)
def test_a_namespace_is_removed_if_it_is_empty(runner: FakeRunner, ctr: Ctr, rc: int, stderr: str, gone: bool) -> None:
    runner.on("ctr", rc=rc, stderr=stderr)
    assert ctr.remove_namespace("staging") is gone
    assert runner.argv == ["ctr", "--address", SOCKET, "namespaces", "rm", "staging"]


def test_another_name_for_an_image(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr")
    assert ctr.name_image("k8s.io", NAME, "docker.io/library/new:1")
    assert runner.argv == [*IN_K8S, "images", "tag", NAME, "docker.io/library/new:1"]


def test_a_name_that_is_taken_is_no_failure(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", rc=1, stderr='ctr: image "docker.io/library/new:1": already exists')
    assert not ctr.name_image("k8s.io", NAME, "docker.io/library/new:1")


def test_labels_are_set_in_one_call(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr")
    ctr.label_image("k8s.io", NAME, {"b": "", "a": "1"})
    assert runner.argv == [*IN_K8S, "images", "label", NAME, "a=1", "b="]


def test_remove(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr")
    ctr.remove_image("k8s.io", NAME)
    assert runner.argv == [*IN_K8S, "images", "rm", NAME]


def test_remove_and_wait_for_the_garbage_collection(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr")
    ctr.remove_image("k8s.io", NAME, wait=True)
    assert runner.argv == [*IN_K8S, "images", "rm", "--sync", NAME]


def test_containers_that_were_made_from_images(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", stdout="one\ntwo\n")
    assert ctr.container_ids("k8s.io", [NAME, "sha256:00"]) == ["one", "two"]
    assert runner.argv == [*IN_K8S, "containers", "ls", "-q", f"image=={NAME}", "image==sha256:00"]


def test_no_image_has_no_containers(runner: FakeRunner, ctr: Ctr) -> None:
    # Without a filter, ctr would list all.
    assert ctr.container_ids("k8s.io", []) == []
    assert runner.calls == []


@pytest.mark.parametrize(
    ("rc", "stderr", "there"), [(0, WARNING, True), (1, f"{WARNING}ctr: snapshot x does not exist: not found", False)]
)
def test_snapshots(runner: FakeRunner, ctr: Ctr, rc: int, stderr: str, there: bool) -> None:
    runner.on("ctr", rc=rc, stderr=stderr)
    assert ctr.snapshot_exists("k8s.io", "overlayfs", DIGEST) is there
    assert runner.argv == [*IN_K8S, "snapshots", "--snapshotter", "overlayfs", "info", DIGEST]


def test_a_snapshotter_that_is_not_loaded_is_an_error(runner: FakeRunner, ctr: Ctr) -> None:
    runner.on("ctr", rc=1, stderr="ctr: snapshotter not loaded: nosuch: invalid argument")
    with pytest.raises(ToolFailed, match="snapshotter not loaded: nosuch"):
        ctr.snapshot_exists("k8s.io", "nosuch", DIGEST)


CALLS: list[t.Callable[[Ctr], object]] = [
    lambda ctr: ctr.namespaces(),
    lambda ctr: ctr.image_names("k8s.io"),
    lambda ctr: ctr.container_ids("k8s.io", [NAME]),
    lambda ctr: ctr.content_digests("k8s.io"),
    lambda ctr: ctr.read_content("k8s.io", DIGEST),
    lambda ctr: ctr.save_content("k8s.io", DIGEST, "/dev/null"),
    lambda ctr: ctr.ingest("k8s.io", DIGEST, 1, "/dev/null"),
    lambda ctr: ctr.import_archive("k8s.io", b"", subject=NAME),
    lambda ctr: ctr.export_images("k8s.io", [NAME], "/srv/a.tar", platform=None, for_docker=True),
    lambda ctr: ctr.remove_namespace("staging"),
    lambda ctr: ctr.label_image("k8s.io", NAME, {"a": "b"}),
    lambda ctr: ctr.name_image("k8s.io", NAME, "docker.io/library/new:1"),
    lambda ctr: ctr.remove_image("k8s.io", NAME),
    lambda ctr: ctr.snapshot_exists("k8s.io", "overlayfs", DIGEST),
]


@pytest.mark.parametrize("call", CALLS)
def test_no_failure_is_swallowed_and_every_call_has_the_time_limit(
    runner: FakeRunner, ctr: Ctr, call: t.Callable[[Ctr], object]
) -> None:
    runner.on("ctr", rc=1, stderr="ctr: something broke")
    with pytest.raises(ContainerBuildError, match="something broke"):
        call(ctr)
    assert [asked.timeout for asked in runner.calls] == [7]
