# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding the images that a user named, and saying what is there if they are not."""

from __future__ import annotations

import json
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_source import images_of_archive
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import (
    images_of_buildah,
    images_of_namespace,
    whole_image_of_namespace,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    write_folder,
)

APP, OTHER = Reference.parse("app:v1"), Reference.parse("other:v1")
AMD64, ARM64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")


@pytest.fixture(autouse=True)
def on_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


class TestNamespace:
    """A namespace of containerd."""

    @pytest.fixture
    def containerd(self, runner: FakeRunner) -> FakeContainerd:
        return FakeContainerd(runner, "default")

    @pytest.fixture
    def store(self, runner: FakeRunner, containerd: FakeContainerd) -> ImageStore:
        return ImageStore.connect(runner, SOCKET, "overlayfs")

    def test_all_that_were_named(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        one, other = images.manifest(layers=[b"1"], stated=False), images.manifest(layers=[b"2"], stated=False)
        containerd.put("default", str(APP), one, images)
        containerd.put("default", str(OTHER), other, images)
        found = images_of_namespace(store, "default", [OTHER, APP], AMD64, "/scratch")
        assert [(name, source.target) for name, source in found] == [(OTHER, other), (APP, one)]

    def test_a_name_that_is_close(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        containerd.put("default", "docker.io/library/app:v10", images.manifest(), images)
        with pytest.raises(
            NotFound, match=r"no such image in namespace default: docker\.io/library/app:v1\."
        ) as caught:
            images_of_namespace(store, "default", [APP], AMD64, "/scratch")
        assert caught.value.expected == "a name that is there, such as docker.io/library/app:v10"
        assert caught.value.remedy

    def test_no_name_is_close(self, store: ImageStore, containerd: FakeContainerd) -> None:
        with pytest.raises(NotFound) as caught:
            images_of_namespace(store, "default", [APP], AMD64, "/scratch")
        assert caught.value.expected is None

    def test_a_namespace_that_is_not_there(self, store: ImageStore, runner: FakeRunner) -> None:
        with pytest.raises(NotFound, match="containerd has no such namespace: nowhere"):
            images_of_namespace(store, "nowhere", [APP], AMD64, "/scratch")

    def test_an_image_that_is_not_whole(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        index = images.index(images.manifest("linux/amd64", [b"amd"]), images.manifest("linux/arm64", [b"arm"]))
        lost = str(Digest.of(b"arm"))
        containerd.put("default", str(APP), index, images, without={lost})
        assert len(images_of_namespace(store, "default", [APP], AMD64, "/scratch")) == 1
        for platform, expected in ((ARM64, "linux/arm64"), (None, "its platforms")):
            with pytest.raises(IntegrityError) as caught:
                images_of_namespace(store, "default", [APP], platform, "/scratch")
            assert lost in (caught.value.subject or "")
            assert expected in (caught.value.expected or "")

    def test_the_nodes_own_platform_is_preferred_and_another_is_taken(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        index = images.index(images.manifest("linux/arm64", [b"arm"]), images.manifest("linux/amd64", [b"amd"]))
        containerd.put("default", str(APP), index, images)
        assert whole_image_of_namespace(store, "default", APP)[1] == AMD64
        containerd.put("default", str(OTHER), index, images)
        containerd.namespaces["default"].held.remove(str(Digest.of(b"amd")))
        state, platform = whole_image_of_namespace(store, "default", OTHER)
        assert (platform, state.complete) == (ARM64, True)
        containerd.namespaces["default"].held.remove(str(Digest.of(b"arm")))
        with pytest.raises(IntegrityError):
            whole_image_of_namespace(store, "default", OTHER)


class TestArchive:
    """An archive."""

    def names(self, folder: pathlib.Path, references: list[Reference]) -> list[Reference]:
        with ImageArchive.open(str(folder)) as archive:
            return [name for name, _source in images_of_archive(archive, references, "/scratch")]

    @pytest.fixture
    def two(self, images: ImageFactory, tmp_path: pathlib.Path) -> pathlib.Path:
        roots = [images.manifest(layers=[b"1"]).named(APP), images.manifest(layers=[b"2"]).named(OTHER)]
        return write_folder(tmp_path / "two", images.layout_members(*roots))

    @pytest.fixture
    def nameless(self, images: ImageFactory, tmp_path: pathlib.Path) -> pathlib.Path:
        return write_folder(tmp_path / "nameless", images.layout_members(images.manifest()))

    def test_all_that_have_a_name(self, two: pathlib.Path) -> None:
        assert self.names(two, []) == [APP, OTHER]

    def test_those_that_were_named(self, two: pathlib.Path) -> None:
        assert self.names(two, [OTHER]) == [OTHER]

    def test_a_name_that_is_not_there(self, two: pathlib.Path) -> None:
        with pytest.raises(NotFound, match=f"no such image in {two}") as caught:
            self.names(two, [Reference.parse("app:v2")])
        assert "docker.io/library/app:v1" in (caught.value.expected or "")

    def test_one_without_a_name_gets_the_one_that_is_asked_for(self, nameless: pathlib.Path) -> None:
        assert self.names(nameless, [APP]) == [APP]
        with pytest.raises(NotFound, match="does not say what its images are called") as caught:
            self.names(nameless, [])
        assert "option name" in (caught.value.remedy or "")
        with pytest.raises(NotFound):
            self.names(nameless, [APP, OTHER])


class TestBuildah:
    """buildah's store."""

    def knowing(self, runner: FakeRunner, images: ImageFactory, *names: str) -> None:
        manifest = images.manifest(stated=False)
        raw = images.read(manifest)
        config = oci.Manifest.parse(raw).config
        document = {
            "FromImageID": config.digest.encoded,
            "FromImageDigest": str(manifest.digest),
            "Config": images.read(config).decode(),
            "Manifest": raw.decode(),
        }

        def inspect(call: Call) -> Answer:
            if call.argv[-1] in names:
                return Answer(json.dumps(document))
            return Answer(rc=125, stderr=f"{call.argv[-1]}: image not known")

        runner.on("buildah", "inspect", do=inspect)

    @pytest.mark.parametrize(
        ("names", "taken"),
        [
            (["docker.io/library/app:v1"], "docker.io/library/app:v1"),
            (["localhost/app:v1"], "localhost/app:v1"),
            (["localhost/app:v1", "docker.io/library/app:v1"], "docker.io/library/app:v1"),
        ],
    )
    def test_the_full_name_wins_over_buildahs_short_one(
        self, runner: FakeRunner, images: ImageFactory, tmp_path: pathlib.Path, names: list[str], taken: str
    ) -> None:
        # What the factory calls a layer is no tar, so its digest is what the config promises.
        self.knowing(runner, images, *names)
        ((name, source),) = images_of_buildah(Buildah(runner), [APP], str(tmp_path))
        assert name == APP
        assert str(source) == f"{taken} in buildah's store"

    def test_none(self, runner: FakeRunner, images: ImageFactory) -> None:
        self.knowing(runner, images)
        with pytest.raises(NotFound, match=r"no such image in buildah's store: docker\.io/library/app:v1"):
            images_of_buildah(Buildah(runner), [APP], "/scratch")
