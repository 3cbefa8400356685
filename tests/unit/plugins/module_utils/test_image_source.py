# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where images come from, and how their layers get into a namespace."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_source import ArchiveSource
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah, StoredImage
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    ToolFailed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import (
    BuildahSource,
    Moved,
    NamespaceSource,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    layer_tar,
    serialised,
    write_folder,
)

APP = Reference.parse("app:v1")
NAME = str(APP)
LAYERS = (b"the first layer", b"the second")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


@pytest.fixture
def scratch(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path / "scratch"


def connected(runner: FakeRunner) -> ImageStore:
    return ImageStore.connect(runner, SOCKET, "overlayfs")


def layers_of(images: ImageFactory, manifest: oci.Descriptor) -> tuple[oci.Descriptor, ...]:
    return oci.Manifest.parse(images.read(manifest)).layers


def test_bytes_add_up() -> None:
    assert Moved(1, 2) + Moved(10, 20) == Moved(11, 22)
    assert Moved() == Moved(0, 0)


class TestNamespace:
    """Another namespace of the same containerd."""

    def source(
        self, runner: FakeRunner, containerd: FakeContainerd, images: ImageFactory, scratch: pathlib.Path
    ) -> tuple[NamespaceSource, oci.Descriptor]:
        manifest = images.manifest("linux/amd64", LAYERS, stated=False)
        containerd.put("default", NAME, manifest, images)
        store = connected(runner)
        state = store.find("default", APP, None)
        assert state is not None
        runner.calls.clear()
        return NamespaceSource(store, state, str(scratch)), manifest

    def test_layers_are_shared_without_moving_a_byte(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        containerd = FakeContainerd(runner, "default", "k8s.io")
        source, manifest = self.source(runner, containerd, images, scratch)
        store = connected(runner)
        moved = sum((source.deliver(layer, store, "k8s.io") for layer in layers_of(images, manifest)), Moved())
        assert moved == Moved(shared=25)
        assert runner.commands("ctr") == []
        assert [Message(call.data or b"").data(6) for call in runner.calls] == [b"", b""]
        assert {str(Digest.of(layer)) for layer in LAYERS} <= containerd.namespaces["k8s.io"].held
        assert list(scratch.iterdir()) == []

    def test_where_namespaces_share_nothing_the_bytes_are_copied(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        containerd = FakeContainerd(runner, "default", "k8s.io", shared=False)
        source, manifest = self.source(runner, containerd, images, scratch)
        store = connected(runner)
        first, second = layers_of(images, manifest)
        assert source.deliver(first, store, "k8s.io") == Moved(copied=15)
        assert source.deliver(second, store, "k8s.io") == Moved(copied=10)
        # Whether content is shared is found out once.
        assert len(runner.commands("containerd", "content.Write")) == 1
        # What was begun there is not left behind.
        assert len(runner.commands("containerd", "content.Abort")) == 1
        fetched = runner.commands("ctr", "content", "get")
        assert [call.value_of("--namespace") for call in fetched] == ["default", "default"]
        assert list(scratch.iterdir()) == []

    def test_a_layer_that_is_not_its_digest_is_refused(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        containerd = FakeContainerd(runner, "default", "k8s.io", shared=False)
        source, manifest = self.source(runner, containerd, images, scratch)
        (first, _second) = layers_of(images, manifest)
        containerd.blobs[str(first.digest)] = b"a different one"
        with pytest.raises(IntegrityError, match="A layer is not what its digest says") as caught:
            source.deliver(first, connected(runner), "k8s.io")
        assert f"{NAME} in default" in (caught.value.subject or "")
        assert list(scratch.iterdir()) == []

    def test_a_failure_leaves_nothing_behind(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        containerd = FakeContainerd(runner, "default", "k8s.io")
        source, manifest = self.source(runner, containerd, images, scratch)
        runner.on("containerd", "content.Write", rc=2, stderr="it broke")
        with pytest.raises(ToolFailed, match="it broke"):
            source.deliver(layers_of(images, manifest)[0], connected(runner), "k8s.io")
        assert list(scratch.iterdir()) == []

    def test_documents_come_from_the_namespace(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        source, manifest = self.source(runner, FakeContainerd(runner, "default"), images, scratch)
        assert source.target == manifest
        assert source.read(source.target) == images.read(manifest)
        assert str(source) == f"{NAME} in default"


class TestArchive:
    """An archive or a layout on the node."""

    def test_layers_are_copied_out_of_it(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        containerd = FakeContainerd(runner, "k8s.io")
        manifest = images.manifest("linux/amd64", LAYERS, stated=False)
        folder = write_folder(tmp_path / "layout", images.layout_members(manifest.named(APP)))
        with ImageArchive.open(str(folder)) as archive:
            source = ArchiveSource(archive, archive.images[0], str(scratch))
            assert source.target == manifest
            assert source.read(source.target) == images.read(manifest)
            moved = [source.deliver(layer, connected(runner), "k8s.io") for layer in layers_of(images, manifest)]
            assert str(source) == str(folder)
        assert moved == [Moved(copied=15), Moved(copied=10)]
        assert containerd.blobs[str(Digest.of(LAYERS[0]))] == LAYERS[0]
        assert list(scratch.iterdir()) == []

    def test_a_damaged_layer_is_refused_before_containerd_sees_it(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        manifest = images.manifest("linux/amd64", LAYERS, stated=False)
        members = images.layout_members(manifest.named(APP))
        members[f"blobs/sha256/{Digest.of(LAYERS[0]).encoded}"] = b"a different one"
        with ImageArchive.open(str(write_folder(tmp_path / "layout", members))) as archive:
            source = ArchiveSource(archive, archive.images[0], str(scratch))
            with pytest.raises(IntegrityError):
                source.deliver(layers_of(images, manifest)[0], connected(runner), "k8s.io")
        assert runner.calls == []
        assert list(scratch.iterdir()) == []


class TestBuildah:
    """buildah's store, which hands layers out as plain tars, named by their digests."""

    TARS = (layer_tar(b"1"), layer_tar(b"2"))

    def stored(self, images: ImageFactory, manifest: oci.Descriptor) -> StoredImage:
        parsed = oci.Manifest.parse(images.read(manifest))
        config = oci.ImageConfig.parse(images.read(parsed.config))
        return StoredImage("localhost/app:v1", str(manifest.digest), parsed, config, str(parsed.config.digest))

    def pushed(self, runner: FakeRunner, manifest: bytes) -> None:
        def push(call: Call) -> Answer:
            folder = pathlib.Path(call.argv[-1].removeprefix("dir:"))
            (folder / "manifest.json").write_bytes(manifest)
            for layer in self.TARS:
                (folder / Digest.of(layer).encoded).write_bytes(layer)
            return Answer()

        runner.on("buildah", "push", do=push)

    def test_a_built_image_is_known_before_a_byte_moves(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        containerd = FakeContainerd(runner, "k8s.io")
        manifest = images.manifest("linux/amd64", self.TARS, stated=False)
        self.pushed(runner, images.read(manifest))
        image = self.stored(images, manifest)
        source = BuildahSource(Buildah(runner), image, str(scratch))
        assert source.target == manifest
        assert source.read(source.target) == images.read(manifest)
        assert source.read(image.manifest.config) == image.config.raw
        assert runner.calls == []
        moved = [source.deliver(layer, connected(runner), "k8s.io") for layer in layers_of(images, manifest)]
        assert moved == [Moved(copied=len(layer)) for layer in self.TARS]
        assert len(runner.commands("buildah", "push")) == 1
        assert runner.commands("buildah", "push")[0].argv[-2] == "localhost/app:v1"
        assert containerd.blobs[str(Digest.of(self.TARS[0]))] == self.TARS[0]

    def test_a_pulled_image_gets_the_manifest_of_its_plain_layers(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        """Its own manifest names compressed layers, which the store does not keep."""
        plain = images.manifest("linux/amd64", self.TARS, stated=False)
        config = oci.Manifest.parse(images.read(plain)).config
        compressed = [images.add(f"{oci.OCI_LAYER}+gzip", b"zipped %d" % number) for number in range(2)]
        pulled = images.add(
            oci.OCI_MANIFEST,
            serialised({"config": config.to_document(), "layers": [layer.to_document() for layer in compressed]}),
        )
        self.pushed(runner, images.read(plain))
        source = BuildahSource(Buildah(runner), self.stored(images, pulled), str(scratch))
        assert source.target == plain
        assert len(runner.commands("buildah", "push")) == 1

    def test_a_store_that_hands_out_something_else_is_found_out(
        self, runner: FakeRunner, images: ImageFactory, scratch: pathlib.Path
    ) -> None:
        FakeContainerd(runner, "k8s.io")
        manifest = images.manifest("linux/amd64", self.TARS, stated=False)

        def push(call: Call) -> Answer:
            folder = pathlib.Path(call.argv[-1].removeprefix("dir:"))
            (folder / Digest.of(self.TARS[0]).encoded).write_bytes(bytes(len(self.TARS[0])))
            return Answer()

        runner.on("buildah", "push", do=push)
        source = BuildahSource(Buildah(runner), self.stored(images, manifest), str(scratch))
        first, second = layers_of(images, manifest)
        with pytest.raises(IntegrityError, match=r"not what its digest says.*localhost/app:v1 in buildah's store"):
            source.deliver(first, connected(runner), "k8s.io")
        with pytest.raises(ContainerBuildError, match="could not be taken into the store"):
            source.deliver(second, connected(runner), "k8s.io")
