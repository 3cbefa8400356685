# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which manifest a platform gets, and which blobs an image consists of."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_tree as tree
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    serialised,
)

AMD64 = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


def test_find_manifest_in_an_index(images: ImageFactory) -> None:
    amd, arm = images.manifest("linux/amd64"), images.manifest("linux/arm64")
    descriptor, manifest = tree.find_manifest(images.index(amd, arm), ARM64, images.read)
    assert descriptor == arm
    assert tree.read_config(manifest, images.read).platform == ARM64


def test_find_manifest_through_nested_indexes(images: ImageFactory) -> None:
    amd = images.manifest("linux/amd64")
    assert tree.find_manifest(images.index(images.index(amd)), AMD64, images.read)[0] == amd


def test_of_entries_without_a_platform_only_the_first_counts(images: ImageFactory) -> None:
    """As for containerd, which would not find the manifest in the second one either."""
    arm, amd = images.index(images.manifest("linux/arm64")), images.index(images.manifest("linux/amd64"))
    with pytest.raises(NotFound, match="the image has linux/arm64"):
        tree.find_manifest(images.index(arm, amd), AMD64, images.read)


def test_a_single_manifest_of_another_platform_is_not_found(images: ImageFactory) -> None:
    root = images.manifest("linux/arm64", stated=False)
    with pytest.raises(NotFound, match=r"linux/amd64.*the image has linux/arm64"):
        tree.find_manifest(root, AMD64, images.read)
    assert tree.find_manifest(root, ARM64, images.read)[0] == root


def test_platforms_are_told_in_the_images_order(images: ImageFactory) -> None:
    arm, amd = images.manifest("linux/arm64"), images.manifest("linux/amd64")
    index = images.index(arm, images.attestation(arm), amd, images.attestation(amd))
    assert tree.platforms_of(index, images.read) == [ARM64, AMD64]
    assert tree.platforms_of(images.manifest("linux/arm/v7", stated=False), images.read) == [
        Platform("linux", "arm", "v7")
    ]


def test_one_manifest_may_serve_two_platforms(images: ImageFactory) -> None:
    amd = images.manifest("linux/amd64")
    other = amd._replace(platform=Platform("linux", "386"))
    assert tree.platforms_of(images.index(amd, other), images.read) == [AMD64, Platform("linux", "386")]


def test_blobs_of_all_platforms_hold_everything_once(images: ImageFactory) -> None:
    amd, arm = images.manifest("linux/amd64"), images.manifest("linux/arm64")
    root = images.index(amd, images.attestation(amd), arm)
    blobs = tree.blobs_of(root, images.read)
    named = [each.digest for each in blobs.documents + blobs.layers]
    assert sorted(named) == sorted(images.blobs)
    assert blobs.documents[0] == root
    assert blobs.size == sum(len(content) for content in images.blobs.values())


def test_blobs_of_one_platform_leave_the_others_out(images: ImageFactory) -> None:
    amd, arm = images.manifest("linux/amd64", [b"a"]), images.manifest("linux/arm64", [b"b"])
    root = images.index(images.index(amd), images.index(arm), images.attestation(amd))
    blobs = tree.blobs_of(root, images.read, AMD64)
    assert [each.digest for each in blobs.layers] == [Digest.of(b"a")]
    nested = images.index(amd)
    config = oci.Manifest.parse(images.read(amd)).config
    assert [each.digest for each in blobs.documents] == [root.digest, nested.digest, amd.digest, config.digest]


def test_what_is_neither_index_nor_manifest_is_a_blob_like_any_other(images: ImageFactory) -> None:
    strange = images.add("application/vnd.example.thing", b"{}")
    amd = images.manifest("linux/amd64", [b"a"])
    root = images.index(amd, strange)
    assert strange in tree.blobs_of(root, images.read).layers
    assert strange not in tree.blobs_of(root, images.read, AMD64).layers
    assert tree.find_manifest(root, AMD64, images.read)[0] == amd


@pytest.mark.parametrize("change", [b"", b"{}", b" "])
def test_content_that_is_not_its_digests_is_refused(images: ImageFactory, change: bytes) -> None:
    root = images.manifest()
    images.blobs[root.digest] = change + images.blobs[root.digest][: -len(change) or None] if change else b""
    with pytest.raises(IntegrityError, match="not what its digest says") as caught:
        tree.find_manifest(root, AMD64, images.read)
    assert caught.value.subject == str(root.digest)


def test_a_document_that_says_it_is_huge_is_not_read(images: ImageFactory) -> None:
    def read(descriptor: oci.Descriptor) -> bytes:
        raise AssertionError(descriptor)

    with pytest.raises(IntegrityError, match="more than"):
        tree.read_document(images.manifest()._replace(size=2**40), read)


def test_a_root_that_is_no_document_is_refused(images: ImageFactory) -> None:
    with pytest.raises(IntegrityError, match="neither an index nor a manifest"):
        tree.blobs_of(images.add("text/plain", b"hello"), images.read)


def test_endless_nesting_is_refused(images: ImageFactory) -> None:
    root = images.manifest()
    for _each in range(12):
        root = images.index(root)
    for walk in (
        lambda: tree.find_manifest(root, AMD64, images.read),
        lambda: tree.blobs_of(root, images.read),
        lambda: tree.platforms_of(root, images.read),
    ):
        with pytest.raises(IntegrityError, match="nested too deeply"):
            walk()


def test_an_index_that_multiplies_itself_is_walked_once(images: ImageFactory) -> None:
    root = images.manifest()
    for _each in range(7):
        root = images.add(oci.OCI_INDEX, serialised({"manifests": [root.to_document()] * 200}))
    reads = 0

    def read(descriptor: oci.Descriptor) -> bytes:
        nonlocal reads
        reads += 1
        return images.read(descriptor)

    assert len(tree.blobs_of(root, read).documents) == 9
    assert reads == 8
