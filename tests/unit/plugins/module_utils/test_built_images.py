# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build left, in containerd and in buildah's store."""

from __future__ import annotations

import json

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    INPUTS_DIGEST_LABEL,
    BuiltImage,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._built_images import (
    BuildahImages,
    ContainerdImages,
    require,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
NAME = str(APP)
AMD64, ARM64, S390X = map(Platform.parse, ("linux/amd64", "linux/arm64", "linux/s390x"))
MADE = {INPUTS_DIGEST_LABEL: "sha256:made"}


@pytest.fixture(autouse=True)
def on_amd64(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


def config_of(images: ImageFactory, manifest: oci.Descriptor) -> str:
    return str(oci.Manifest.parse(images.read(manifest)).config.digest)


class TestContainerd:
    """A namespace of containerd."""

    @pytest.fixture
    def containerd(self, runner: FakeRunner) -> FakeContainerd:
        return FakeContainerd(runner, "default")

    @pytest.fixture
    def built(self, runner: FakeRunner, containerd: FakeContainerd) -> ContainerdImages:
        return ContainerdImages(ImageStore.connect(runner, SOCKET, "overlayfs"), "default")

    def test_none(self, built: ContainerdImages) -> None:
        assert built.place == "namespace default"
        assert built.find(APP, ()) is None

    def test_the_nodes_own_platform_if_none_is_asked_for(
        self, built: ContainerdImages, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        amd = images.manifest("linux/amd64", [b"amd"], labels=MADE)
        index = images.index(amd, images.manifest("linux/arm64", [b"arm"]), images.attestation(amd))
        containerd.put("default", NAME, index, images, without={str(Digest.of(b"arm"))})
        assert built.find(APP, ()) == BuiltImage(
            digest=str(index.digest),
            image_id=config_of(images, amd),
            identity=(str(amd.digest), config_of(images, amd)),
            inputs_digest="sha256:made",
        )

    def test_an_attestation_alone_makes_no_other_image(
        self, built: ContainerdImages, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        """BuildKit's provenance differs from build to build (moby#48391)."""
        amd = images.manifest("linux/amd64", labels=MADE)
        containerd.put("default", NAME, images.index(amd), images)
        one = built.find(APP, ())
        containerd.put("default", NAME, images.index(amd, images.attestation(amd)), images)
        other = built.find(APP, ())
        assert one is not None
        assert other is not None
        assert one.digest != other.digest
        assert one.identity == other.identity

    def test_several_platforms(self, built: ContainerdImages, containerd: FakeContainerd, images: ImageFactory) -> None:
        amd = images.manifest("linux/amd64", [b"amd"], labels=MADE)
        arm = images.manifest("linux/arm64", [b"arm"], labels=MADE)
        containerd.put("default", NAME, images.index(amd, arm), images, without={str(Digest.of(b"arm"))})
        found = built.find(APP, (ARM64, AMD64))
        assert found is not None
        assert found.image_id == config_of(images, arm)
        assert found.identity == (
            *(str(arm.digest), config_of(images, arm)),
            *(str(amd.digest), config_of(images, amd)),
        )
        assert found.missing == (str(Digest.of(b"arm")),)
        assert found.inputs_digest == "sha256:made"

    def test_platforms_of_two_builds_have_no_common_inputs(
        self, built: ContainerdImages, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        old = images.manifest("linux/arm64", labels={INPUTS_DIGEST_LABEL: "sha256:old"})
        containerd.put("default", NAME, images.index(images.manifest("linux/amd64", labels=MADE), old), images)
        found = built.find(APP, (AMD64, ARM64))
        assert found is not None
        assert found.inputs_digest == ""

    def test_a_platform_that_the_image_lacks(
        self, built: ContainerdImages, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("default", NAME, images.index(images.manifest("linux/amd64", labels=MADE)), images)
        found = built.find(APP, (AMD64, S390X))
        assert found is not None
        assert found.lacking == ("linux/s390x",)
        assert found.missing == ()
        assert found.inputs_digest == "sha256:made"

    def test_an_image_for_other_platforms_tells_what_it_was_made_from(
        self, built: ContainerdImages, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("default", NAME, images.index(images.manifest("linux/arm64", labels=MADE)), images)
        found = built.find(APP, (AMD64,))
        assert found is not None
        assert (found.inputs_digest, found.lacking) == ("sha256:made", ("linux/amd64",))

    def test_an_image_whose_documents_are_gone(
        self, built: ContainerdImages, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        manifest = images.manifest(labels=MADE)
        containerd.put("default", NAME, manifest, images, without={str(manifest.digest)})
        found = built.find(APP, ())
        assert found is not None
        assert found.missing == (str(manifest.digest),)
        assert (found.image_id, found.inputs_digest, found.identity) == ("", "", ())


class TestBuildah:
    """buildah's store."""

    def found(self, runner: FakeRunner, images: ImageFactory, *platforms: Platform) -> BuiltImage | None:
        manifest = images.manifest("linux/amd64", labels=MADE)
        raw = images.read(manifest)
        config = oci.Manifest.parse(raw).config
        document = {
            "FromImageID": config.digest.encoded,
            "FromImageDigest": str(manifest.digest),
            "Config": images.read(config).decode(),
            "Manifest": raw.decode(),
        }
        runner.on("buildah", "inspect", stdout=json.dumps(document))
        return BuildahImages(Buildah(runner)).find(APP, platforms)

    def test_none(self, runner: FakeRunner) -> None:
        runner.on("buildah", rc=125, stderr="image not known")
        assert BuildahImages(Buildah(runner)).find(APP, ()) is None

    @pytest.mark.parametrize("platforms", [(), (AMD64,)])
    def test_there(self, runner: FakeRunner, images: ImageFactory, platforms: tuple[Platform, ...]) -> None:
        manifest = images.manifest("linux/amd64", labels=MADE)
        assert self.found(runner, images, *platforms) == BuiltImage(
            digest=str(manifest.digest),
            image_id=config_of(images, manifest),
            identity=(str(manifest.digest), config_of(images, manifest)),
            inputs_digest="sha256:made",
        )

    def test_for_another_platform(self, runner: FakeRunner, images: ImageFactory) -> None:
        image = self.found(runner, images, ARM64)
        assert image is not None
        assert image.lacking == ("linux/arm64",)


def test_a_builder_that_left_nothing_is_found_out() -> None:
    image = BuiltImage("sha256:1", "sha256:2", ())
    assert require(image, APP, "namespace default") is image
    with pytest.raises(NotFound, match=r"reported success, but there is no image: docker\.io/library/app:v1 in name"):
        require(None, APP, "namespace default")
