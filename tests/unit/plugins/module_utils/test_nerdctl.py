# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nerdctl's command lines, and the records of images in its JSON."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import ImageRecord, Nerdctl
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

SOCKET = "/run/containerd/containerd.sock"
NAME = "docker.io/library/app:v1"
OTHER = "docker.io/library/other:v1"
DIGEST = "sha256:" + "0123456789abcdef" * 4


def native(name: str = NAME, **changes: t.Any) -> dict[str, t.Any]:
    """What `nerdctl image inspect --mode=native` of nerdctl 2.2.1 prints of an image, as far as records go."""
    target = {"mediaType": oci.OCI_MANIFEST, "digest": DIGEST, "size": 417, "annotations": {"x": "y"}}
    updated = "2026-11-24T11:13:35.477695815Z"
    image = {"Name": name, "Labels": None, "Target": target, "CreatedAt": updated, "UpdatedAt": updated, **changes}
    return {"Image": image, "Manifest": {"schemaVersion": 2}, "ImageConfig": {"os": "linux"}, "size": 3973120}


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def nerdctl(runner: FakeRunner) -> Nerdctl:
    return Nerdctl(runner, SOCKET, timeout=7)


def test_a_record_is_read_out_of_native_json(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    runner.on("nerdctl", stdout=json.dumps([native(Labels={"a": "b"})]))
    (record,) = nerdctl.image_records("k8s.io", [NAME])
    target = oci.Descriptor.from_document(
        {"mediaType": oci.OCI_MANIFEST, "digest": DIGEST, "size": 417, "annotations": {"x": "y"}}
    )
    assert record == ImageRecord(NAME, target, {"a": "b"}, "2026-11-24T11:13:35.477695815Z")
    assert runner.argv == [
        *("nerdctl", "--address", SOCKET, "--namespace", "k8s.io"),
        *("image", "inspect", "--mode=native", NAME),
    ]
    assert runner.calls[0].timeout == 7


def test_what_nerdctl_found_below_the_target(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    found = {"mediaType": oci.OCI_CONFIG, "digest": DIGEST, "size": 5}
    shown = {**found, "platform": "what only a reader of the index judges"}
    runner.on("nerdctl", stdout=json.dumps([{**native(), "ManifestDesc": shown, "ImageConfigDesc": found}]))
    (record,) = nerdctl.image_records("k8s.io", [NAME])
    assert record.documents == (oci.Descriptor.from_document(found),) * 2


@pytest.mark.parametrize("nothing", [None, {}, {"mediaType": "", "digest": "", "size": 0}])
def test_what_nerdctl_did_not_find(runner: FakeRunner, nerdctl: Nerdctl, nothing: t.Any) -> None:
    runner.on("nerdctl", stdout=json.dumps([{**native(), "ManifestDesc": nothing, "ImageConfigDesc": nothing}]))
    (record,) = nerdctl.image_records("k8s.io", [NAME])
    assert record.documents == ()


def test_a_record_without_labels_and_time(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    document = native()
    del document["Image"]["UpdatedAt"]
    runner.on("nerdctl", stdout=json.dumps([document]))
    (record,) = nerdctl.image_records("k8s.io", [NAME])
    assert (record.labels, record.updated) == ({}, "")


def test_only_the_names_that_were_asked_for_count_in_their_order(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    """nerdctl finds every name of an image that one of its names leads to."""
    runner.on("nerdctl", stdout=json.dumps([native("docker.io/library/alias:v1"), native(OTHER), native(NAME)]))
    absent = "docker.io/library/absent:v1"
    assert [each.name for each in nerdctl.image_records("k8s.io", [NAME, absent, OTHER])] == [NAME, OTHER]


def test_no_names_ask_nothing(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    assert nerdctl.image_records("k8s.io", []) == []
    assert runner.calls == []


def test_none_of_the_names_exists(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    """nerdctl 2.2.1 succeeds then and prints nothing."""
    runner.on("nerdctl")
    assert nerdctl.image_records("k8s.io", [NAME]) == []


@pytest.mark.parametrize(
    "stdout",
    [
        "NAME   TAG\n",
        '[{"Image": {}}]',
        "[{}]",
        "[1]",
        json.dumps([native(Target="x")]),
        json.dumps([native(Target={"digest": "sha256:x", "size": 1})]),
        json.dumps([native(Labels=[1])]),
    ],
)
def test_an_unknown_answer_is_an_error_in_words(runner: FakeRunner, nerdctl: Nerdctl, stdout: str) -> None:
    runner.on("nerdctl", stdout=stdout)
    with pytest.raises(IntegrityError):
        nerdctl.image_records("k8s.io", [NAME])


def test_a_failure_is_explained(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    said = f'time="x" level=fatal msg="cannot access containerd socket \\"{SOCKET}\\": no such file or directory"'
    runner.on("nerdctl", rc=1, stderr=said)
    with pytest.raises(Unavailable, match=r"containerd does not answer on its socket: namespace k8s\.io"):
        nerdctl.image_records("k8s.io", [NAME])


def test_a_call_may_have_a_time_limit_of_its_own(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    runner.on("nerdctl")
    nerdctl.run("default", ["build", "."], timeout=99, environ={"A": "b"})
    assert runner.argv == ["nerdctl", "--address", SOCKET, "--namespace", "default", "build", "."]
    assert (runner.calls[0].timeout, runner.calls[0].environ) == (99, {"A": "b"})
