# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The truth about images in namespaces."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
NAME = str(APP)
AMD64, ARM64, S390X = map(Platform.parse, ("linux/amd64", "linux/arm64", "linux/s390x"))


@pytest.fixture(autouse=True)
def on_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def containerd(runner: FakeRunner) -> FakeContainerd:
    return FakeContainerd(runner, "default", "k8s.io")


@pytest.fixture
def store(runner: FakeRunner, containerd: FakeContainerd) -> ImageStore:
    return ImageStore.connect(runner, SOCKET, "overlayfs", timeout=9)


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


def judged(store: ImageStore, platform: Platform | None) -> ImageState:
    state = store.find("default", APP, platform)
    assert state is not None
    return state


def test_an_image_that_is_all_there(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    manifest = images.manifest(labels={"a": "b"})
    containerd.put("default", NAME, manifest, images, labels={"of": "the record"})
    state = judged(store, AMD64)
    assert state.complete
    assert (state.missing, state.problem) == ((), "")
    assert state.digest == str(manifest.digest)
    assert state.record.labels == {"of": "the record"}
    assert state.config is not None
    assert state.config.labels == {"a": "b"}
    assert state.config_digest == oci.Manifest.parse(images.read(manifest)).config.digest
    assert state.blobs is not None
    assert state.blobs.size == sum(map(len, images.blobs.values()))


def test_an_image_that_is_not_there(store: ImageStore) -> None:
    assert store.find("default", APP, AMD64) is None
    assert store.record("default", APP) is None


def test_the_name_is_asked_for_as_containerd_keeps_it(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory
) -> None:
    manifest = images.manifest()
    both = Reference.parse(f"app:v1@{manifest.digest}")
    containerd.put("default", f"docker.io/library/app@{manifest.digest}", manifest, images)
    record = store.record("default", both)
    assert record is not None
    assert record.target.digest == manifest.digest


def test_missing_layers_are_named(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    lost = str(Digest.of(b"layer two"))
    containerd.put("default", NAME, images.manifest(), images, without={lost})
    state = judged(store, AMD64)
    assert not state.complete
    assert state.missing == (lost,)
    assert state.problem == ""


def test_a_missing_config_is_named(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    manifest = images.manifest()
    lost = str(oci.Manifest.parse(images.read(manifest)).config.digest)
    containerd.put("default", NAME, manifest, images, without={lost})
    state = judged(store, AMD64)
    assert not state.complete
    assert state.missing == (lost,)
    assert lost in state.problem
    assert (state.config, state.chain_id) == (None, "")


def test_a_missing_target_is_named(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    manifest = images.manifest()
    containerd.put("default", NAME, manifest, images, without={str(manifest.digest)})
    state = judged(store, AMD64)
    assert (state.missing, state.blobs) == ((str(manifest.digest),), None)
    assert not state.complete


def test_layers_of_other_platforms_do_not_count(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory
) -> None:
    index = images.index(images.manifest("linux/amd64", [b"amd"]), images.manifest("linux/arm64", [b"arm"]))
    lost = str(Digest.of(b"arm"))
    containerd.put("default", NAME, index, images, without={lost})
    assert judged(store, AMD64).complete
    assert judged(store, ARM64).missing == (lost,)
    assert judged(store, None).missing == (lost,)


def test_an_image_for_other_platforms_alone(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory
) -> None:
    containerd.put("default", NAME, images.index(images.manifest("linux/arm64")), images)
    state = judged(store, S390X)
    assert not state.complete
    assert state.missing == ()
    assert "linux/s390x" in state.problem
    # All platforms that it names are there; that the node's own is none of them is no fault then.
    whole = judged(store, None)
    assert whole.complete
    assert whole.manifest is None


def test_a_foreign_layer_need_not_be_there(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    manifest = images.manifest()
    foreign_layer = b"application/vnd.oci.image.layer.nondistributable.v1.tar"
    foreign = images.add(oci.OCI_MANIFEST, images.read(manifest).replace(oci.OCI_LAYER.encode(), foreign_layer))
    without = {str(Digest.of(b"layer one")), str(Digest.of(b"layer two"))}
    containerd.put("default", NAME, foreign, images, without=without)
    assert judged(store, AMD64).complete


def test_a_malformed_document_is_an_error(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    broken = images.add(oci.OCI_MANIFEST, b'{"config": 3}')
    containerd.namespaces["default"].held.add(str(broken.digest))
    containerd.blobs[str(broken.digest)] = b'{"config": 3}'
    images.blobs.clear()
    containerd.put("default", NAME, broken, images, without={str(broken.digest)})
    with pytest.raises(IntegrityError):
        store.find("default", APP, AMD64)


def test_documents_are_read_once(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", NAME, images.index(images.manifest()), images)
    judged(store, AMD64)
    judged(store, None)
    read = [call.argv[-1] for call in runner.commands("containerd", "content.Read")]
    assert len(read) == len(set(read)) == 3


def test_documents_are_read_once_for_all_namespaces_that_hold_them(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    manifest = images.manifest()
    config = str(oci.Manifest.parse(images.read(manifest)).config.digest)
    containerd.put("default", NAME, manifest, images)
    containerd.put("k8s.io", NAME, manifest, images)
    judged(store, AMD64)
    record = store.record("k8s.io", APP)
    assert record is not None
    before = len(runner.commands("containerd", "content.Read"))
    assert store.state("k8s.io", record, AMD64, store.containerd.content_digests("k8s.io")).complete
    assert len(runner.commands("containerd", "content.Read")) == before == 2
    containerd.namespaces["k8s.io"].held.remove(config)
    other = ImageStore.connect(runner, SOCKET, "overlayfs", timeout=9)
    assert other.find("default", APP, AMD64) is not None
    state = other.state("k8s.io", record, AMD64, other.containerd.content_digests("k8s.io"))
    assert state.missing == (config,)


def test_what_is_too_large_for_a_document_is_not_even_read(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", NAME, images.manifest(), images)
    record = store.record("default", APP)
    assert record is not None
    huge = record._replace(target=record.target._replace(size=10**12))
    with pytest.raises(IntegrityError, match="1000000000000 bytes, more than"):
        store.state("default", huge, AMD64)
    assert runner.commands("containerd", "content.Read") == []


def test_what_one_namespace_holds_says_nothing_of_another(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory
) -> None:
    manifest = images.manifest()
    containerd.put("default", NAME, manifest, images)
    containerd.put("k8s.io", NAME, manifest, images, without={str(Digest.of(b"layer one"))})
    assert judged(store, AMD64).complete
    other = store.find("k8s.io", APP, AMD64)
    assert other is not None
    assert not other.complete


@pytest.mark.parametrize("layers", [[b"1"], [b"1", b"2"], [b"1", b"2", b"3"]])
def test_the_chain_id_is_that_of_the_image_specification(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, layers: list[bytes]
) -> None:
    containerd.put("default", NAME, images.manifest(layers=layers), images)
    ids = [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]
    chain = ids[0]
    for diff_id in ids[1:]:
        chain = "sha256:" + hashlib.sha256(f"{chain} {diff_id}".encode()).hexdigest()
    assert judged(store, AMD64).chain_id == chain


def test_an_image_is_unpacked_if_its_uppermost_snapshot_is_there(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", NAME, images.manifest(), images)
    state = judged(store, AMD64)
    assert not store.unpacked(state)
    containerd.namespaces["default"].snapshots.add(state.chain_id)
    assert store.unpacked(state)
    assert Message(runner.calls[-1].data or b"").text(1) == "overlayfs"


def test_an_image_without_layers_is_never_unpacked(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory
) -> None:
    containerd.put("default", NAME, images.manifest(layers=[]), images)
    state = judged(store, AMD64)
    assert state.complete
    assert not store.unpacked(state)


def test_a_namespace_that_does_not_exist(store: ImageStore) -> None:
    store.require_namespace("default")
    with pytest.raises(NotFound, match=r"no such namespace: nowhere\. Expected: one of default, k8s\.io") as caught:
        store.require_namespace("nowhere", may_be_made=True)
    assert "ctr namespaces create nowhere" in (caught.value.remedy or "")


def test_two_namespaces_are_made_by_containerd_itself(store: ImageStore, containerd: FakeContainerd) -> None:
    containerd.namespaces.clear()
    store.require_namespace("default", may_be_made=True)
    store.require_namespace("k8s.io", may_be_made=True)
    with pytest.raises(NotFound, match="there are none yet"):
        store.require_namespace("k8s.io")


def test_labels_are_set_in_one_call_and_only_if_they_differ(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", NAME, images.manifest(), images, labels={"a": "1", "b": "2"})
    store.relabel("default", APP, {"a": "1", "b": "2"}, {"a": "1", "b": "2"})
    assert runner.calls == []
    store.relabel("default", APP, {"a": "1", "b": "2"}, {"a": "3", "c": "4"})
    assert containerd.record("default", NAME).labels == {"a": "3", "c": "4"}
    assert len(runner.calls) == 1


def test_every_call_has_the_time_limit(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", NAME, images.manifest(), images)
    store.unpacked(judged(store, AMD64))
    assert {call.timeout for call in runner.calls} == {9}
    assert len(runner.calls) > 3
