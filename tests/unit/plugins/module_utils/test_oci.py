# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors, indexes, manifests and configs."""

from __future__ import annotations

import hashlib
import json
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    serialised,
)
from hypothesis import given
from hypothesis import strategies as st

DIGEST = "sha256:" + "0123456789abcdef" * 4
AMD64 = Platform.parse("linux/amd64")

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["mediaType", "digest", "size", "manifests", "config", "layers", "Labels", "rootfs", "diff_ids"]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


def descriptor_document(**changes: t.Any) -> dict[str, t.Any]:
    document = {"mediaType": oci.OCI_MANIFEST, "digest": DIGEST, "size": 7, **changes}
    return {key: value for key, value in document.items() if value is not ...}


def test_descriptor_round_trip() -> None:
    document = descriptor_document(platform={"architecture": "arm64", "os": "linux"}, annotations={"a": "b"})
    descriptor = oci.Descriptor.from_document(document)
    assert descriptor.digest == Digest.parse(DIGEST)
    assert descriptor.platform == Platform("linux", "arm64")
    assert descriptor.to_document() == document


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"digest": ...}, "no 'digest'"),
        ({"digest": "sha256:../../etc/passwd"}, "which is no digest"),
        ({"digest": 3}, "'digest', which is not a string"),
        ({"size": ...}, "no 'size'"),
        ({"size": -1}, "no size"),
        ({"size": 2**63}, "no size"),
        ({"size": True}, "no size"),
        ({"size": 1.5}, "'size', which is not an integer"),
        ({"annotations": {"a": 1}}, "no string in 'annotations'"),
        ({"annotations": []}, "'annotations', which is not an object"),
        ({"platform": "linux/amd64"}, "'platform', which is not an object"),
        ({"Digest": DIGEST}, "twice"),
    ],
)
def test_a_malformed_descriptor_is_refused(changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(IntegrityError, match=said):
        oci.Descriptor.from_document(descriptor_document(**changes))


def test_named_gives_containerd_the_name_and_the_layout_the_tag() -> None:
    named = oci.Descriptor.from_document(descriptor_document()).named(Reference.parse("alpine:3.22"))
    assert named.annotations == {
        "io.containerd.image.name": "docker.io/library/alpine:3.22",
        "org.opencontainers.image.ref.name": "3.22",
    }
    by_digest = named.named(Reference.parse(f"alpine@{DIGEST}"))
    assert by_digest.annotations["io.containerd.image.name"] == f"docker.io/library/alpine@{DIGEST}"


@pytest.mark.parametrize(
    ("media_type", "foreign"),
    [
        ("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", True),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", True),
        (oci.OCI_LAYER, False),
        (oci.DOCKER_LAYER_GZIP, False),
    ],
)
def test_foreign_layers(media_type: str, foreign: bool) -> None:
    assert oci.Descriptor.of(media_type, b"").is_foreign is foreign


@pytest.mark.parametrize("docker", [False, True])
def test_a_manifest_keeps_its_bytes_and_so_its_digest(images: ImageFactory, docker: bool) -> None:
    descriptor = images.manifest(docker=docker, stated=False)
    raw = images.read(descriptor)
    manifest = oci.Manifest.parse(raw)
    assert manifest.raw is raw
    assert manifest.descriptor == descriptor
    assert str(manifest.descriptor.digest) == "sha256:" + hashlib.sha256(raw).hexdigest()
    assert manifest.config.media_type == (oci.DOCKER_CONFIG if docker else oci.OCI_CONFIG)
    assert [images.read(layer) for layer in manifest.layers] == [b"layer one", b"layer two"]


@pytest.mark.parametrize("docker", [False, True])
def test_an_index_keeps_its_bytes_and_so_its_digest(images: ImageFactory, docker: bool) -> None:
    members = (images.manifest("linux/amd64", docker=docker), images.manifest("linux/arm64", docker=docker))
    descriptor = images.index(*members, docker=docker)
    index = oci.Index.parse(images.read(descriptor))
    assert index.descriptor == descriptor
    assert index.manifests == members


def test_an_oci_document_need_not_state_its_media_type(images: ImageFactory) -> None:
    raw = serialised({"schemaVersion": 2, "manifests": []})
    assert oci.Index.parse(raw).media_type == oci.OCI_INDEX
    document = json.loads(images.read(images.manifest()))
    del document["mediaType"]
    assert oci.Manifest.parse(serialised(document)).media_type == oci.OCI_MANIFEST


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"config": descriptor_document(), "layers": [], "manifests": [descriptor_document()]}, "another kind"),
        ({"config": descriptor_document(), "layers": [], "mediaType": oci.OCI_INDEX}, "belongs"),
        ({"config": descriptor_document(), "layers": [], "mediaType": "text/plain"}, "'text/plain'"),
        ({"schemaVersion": 1, "fsLayers": [{"blobSum": DIGEST}]}, "schema 1"),
        ({"layers": []}, "no 'config'"),
        ({"config": [], "layers": []}, "'config', which is not an object"),
        ({"config": descriptor_document(), "layers": {}}, "'layers', which is not a list"),
        ({"config": descriptor_document(), "layers": ["x"]}, "no object in 'layers'"),
        ({"config": descriptor_document(), "layers": [], "Layers": []}, "twice"),
        ([], "not an object"),
    ],
)
def test_what_is_no_manifest_is_refused(document: t.Any, said: str) -> None:
    with pytest.raises(IntegrityError, match=said) as caught:
        oci.Manifest.parse(serialised(document), where="manifest of test")
    assert caught.value.subject is not None
    assert "manifest of test" in caught.value.subject


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"manifests": [], "config": descriptor_document()}, "another kind"),
        ({"manifests": [], "layers": [descriptor_document()]}, "another kind"),
        ({"manifests": [], "mediaType": oci.DOCKER_MANIFEST}, "belongs"),
        ({"manifests": [{}]}, r"manifests\[0\]"),
    ],
)
def test_what_is_no_index_is_refused(document: t.Any, said: str) -> None:
    with pytest.raises(IntegrityError, match=said):
        oci.Index.parse(serialised(document))


@pytest.mark.parametrize("media_type", [oci.OCI_MANIFEST, "application/vnd.oci.empty.v1+json"])
def test_a_descriptor_that_names_another_kind_is_refused(media_type: str) -> None:
    with pytest.raises(IntegrityError, match="belongs"):
        oci.Index.parse(serialised({"manifests": []}), media_type)


def test_config(images: ImageFactory) -> None:
    config = oci.ImageConfig.parse(images.config_bytes("linux/arm/v7", [b"a", b"b"], {"k": "v", "K": "w"}))
    assert config.platform == Platform("linux", "arm", "v7")
    assert config.labels == {"k": "v", "K": "w"}
    assert config.diff_ids == (Digest.of(b"a"), Digest.of(b"b"))
    assert config.created == "2026-01-02T03:04:05Z"


def test_a_config_that_says_nothing_is_read() -> None:
    config = oci.ImageConfig.parse(b"{}")
    assert (config.labels, config.diff_ids, config.platform) == ({}, (), Platform("", ""))


def test_labels_are_found_where_go_finds_them() -> None:
    hidden = serialised({"Config": {"labels": {"containerd.io/restart.status": "running"}}})
    assert oci.ImageConfig.parse(hidden).labels == {"containerd.io/restart.status": "running"}
    kelvin = '{"config": {"Label\u017f": {"a": "b"}}}'.encode()
    assert oci.ImageConfig.parse(kelvin).labels == {"a": "b"}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b'{"config": {"Labels": {"a": "b"}, "labels": {}}}', "twice"),
        (b'{"config": {}, "config": {"Labels": {"a": "b"}}}', "repeats a key"),
        (b'{"config": {"Labels": {"a": 1}}}', "no string in 'Labels'"),
        (b'{"rootfs": {"diff_ids": ["x"]}}', "which is no digest"),
        (b'{"rootfs": {"diff_ids": [1]}}', "no string in 'diff_ids'"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b'{"a"', "not JSON"),
        (b'{"a": ' + b"9" * 5000 + b", }", "not JSON"),
        (b'{"a": ' + b"[" * 200_000, "nested too deeply"),
        (b'{"a": "' + b"x" * 9_000_000 + b'"}', "more than 8388608"),
    ],
)
def test_what_is_no_config_is_refused(raw: bytes, said: str) -> None:
    with pytest.raises(IntegrityError, match=said):
        oci.ImageConfig.parse(raw)


@given(json_values | st.fixed_dictionaries({"config": json_values, "layers": json_values, "rootfs": json_values}))
def test_any_json_is_a_document_or_an_integrity_error(document: t.Any) -> None:
    raw = json.dumps(document).encode()
    for parse in (oci.Index.parse, oci.Manifest.parse, oci.ImageConfig.parse):
        try:
            parsed = parse(raw)
        except IntegrityError:
            continue
        assert parsed.raw == raw


@given(st.binary(max_size=64))
def test_any_bytes_are_a_document_or_an_integrity_error(raw: bytes) -> None:
    try:
        assert oci.Index.parse(raw).raw == raw
    except IntegrityError:
        return


def test_select_manifest_takes_the_platform_and_never_an_attestation(images: ImageFactory) -> None:
    arm, amd = images.manifest("linux/arm64"), images.manifest("linux/amd64")
    index = oci.Index.parse(images.read(images.index(images.attestation(amd), arm, amd, images.attestation(arm))))
    assert oci.select_manifest(index, AMD64) == amd
    assert index.images == (arm, amd)


def test_select_manifest_takes_a_substitute_unless_strict(images: ImageFactory) -> None:
    five, six = images.manifest("linux/arm/v5"), images.manifest("linux/arm/v6")
    index = oci.Index.parse(images.read(images.index(five, six)))
    assert oci.select_manifest(index, Platform.parse("linux/arm/v7")) == six
    with pytest.raises(NotFound, match=r"linux/arm/v7.*the image has linux/arm/v5, linux/arm/v6"):
        oci.select_manifest(index, Platform.parse("linux/arm/v7"), strict=True)


def test_select_manifest_takes_one_without_a_platform_last(images: ImageFactory) -> None:
    silent, amd = images.manifest(stated=False), images.manifest("linux/amd64", [b"x"])
    both = oci.Index.parse(images.read(images.index(silent, amd)))
    assert oci.select_manifest(both, AMD64) == amd
    assert oci.select_manifest(both, Platform.parse("linux/s390x")) == silent


def test_select_manifest_of_an_empty_index_says_so() -> None:
    index = oci.Index.parse(serialised({"manifests": []}))
    with pytest.raises(NotFound, match="the image has none"):
        oci.select_manifest(index, AMD64)


def test_the_files_of_a_layout_are_deterministic_and_read_back(images: ImageFactory) -> None:
    root = images.manifest().named(Reference.parse("app:1"))
    assert json.loads(oci.layout_document()) == {"imageLayoutVersion": "1.0.0"}
    raw = oci.index_document([root])
    assert raw == oci.index_document([root])
    assert oci.Index.parse(raw).manifests == (root,)
