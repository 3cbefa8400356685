# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every format and compression gives the same image."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import pathlib
import tarfile
import tracemalloc
import types
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _archive_members
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_writer import write_skeleton_archive
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import blobs_of, find_manifest
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.archive.archives import (
    APP,
    FORMS,
    ZSTD_MAGIC,
    ForwardOnly,
    docker_members,
    everything,
    layout,
    stored,
    zstd_of,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    layer_tar,
    serialised,
    tar_bytes,
)

AMD64 = Platform.parse("linux/amd64")


@pytest.mark.parametrize("form", FORMS)
def test_an_oci_layout_in_every_form(tmp_path: pathlib.Path, images: ImageFactory, form: str) -> None:
    amd = images.manifest("linux/amd64", [os.urandom(300_000), b"small"])
    root = images.index(amd, images.attestation(amd), images.manifest("linux/arm64"))
    path, open_zstd = stored(tmp_path, form, layout(images, root.named(APP)))
    with ImageArchive.open(path, open_zstd) as archive:
        (image,) = archive.images
        assert image.names == (APP,)
        assert image.root == root
        assert archive.platforms(image) == [AMD64, Platform.parse("linux/arm64")]
        assert everything(archive) == images.blobs
        assert all(archive.size(digest) == len(content) for digest, content in images.blobs.items())
        assert not archive.has(Digest.of(b"another"))


@pytest.mark.parametrize("form", ["tar", "gzip", "zstd"])
def test_a_docker_archive_in_every_form(tmp_path: pathlib.Path, images: ImageFactory, form: str) -> None:
    layers = [layer_tar(b"one" * 200_000), layer_tar(b"two")]
    config = images.config_bytes("linux/arm/v7", layers, {"k": "v"})
    path, open_zstd = stored(tmp_path, form, docker_members([(["app:1", "app:2"], config, layers)]))
    with ImageArchive.open(path, open_zstd) as archive:
        (image,) = archive.images
        assert image.names == (Reference.parse("app:1"), Reference.parse("app:2"))
        assert archive.platforms(image) == [Platform("linux", "arm", "v7")]
        _descriptor, manifest = find_manifest(image.root, Platform("linux", "arm", "v7"), archive.read_document)
        assert archive.read_document(manifest.config) == config
        assert [layer.media_type for layer in manifest.layers] == [oci.DOCKER_LAYER] * 2
        assert [b"".join(archive.read_blob(layer)) for layer in manifest.layers] == layers
        assert set(everything(archive)) == {image.root.digest, Digest.of(config), *map(Digest.of, layers)}


def test_the_manifest_of_a_docker_archive_is_the_one_that_ctr_makes(
    tmp_path: pathlib.Path, images: ImageFactory
) -> None:
    """Go's encoding/json writes the fields in this order and without white space."""
    layer = layer_tar(b"x")
    config = images.config_bytes(layers=[layer])
    path, _zstd = stored(tmp_path, "tar", docker_members([(None, config, [layer])]))
    with ImageArchive.open(path) as archive:
        raw = archive.read_document(archive.images[0].root)
    assert raw.decode() == (
        '{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.v2+json",'
        '"config":{"mediaType":"application/vnd.docker.container.image.v1+json",'
        f'"digest":"{Digest.of(config)}","size":{len(config)}}},'
        '"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar",'
        f'"digest":"{Digest.of(layer)}","size":{len(layer)}}}]}}'
    )


def test_several_images_and_shared_layers_in_a_docker_archive(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    base, top = layer_tar(b"base"), layer_tar(b"top")
    listed = [
        (["a:1"], images.config_bytes(layers=[base]), [base]),
        (None, images.config_bytes(layers=[base, top]), [base, top]),
    ]
    path, _zstd = stored(tmp_path, "tar", docker_members(listed))
    with ImageArchive.open(path) as archive:
        assert [image.names for image in archive.images] == [(Reference.parse("a:1"),), ()]
        assert len(everything(archive)) == 6


@pytest.mark.parametrize(
    ("compress", "media_type"),
    [(gzip.compress, oci.DOCKER_LAYER_GZIP), (lambda content: ZSTD_MAGIC + content, oci.DOCKER_LAYER_ZSTD)],
)
def test_a_compressed_layer_in_a_docker_archive_keeps_its_bytes(
    tmp_path: pathlib.Path, images: ImageFactory, compress: t.Callable[[bytes], bytes], media_type: str
) -> None:
    layer = layer_tar(os.urandom(2_500_000))
    members = docker_members([(["a:1"], images.config_bytes(layers=[layer]), [layer])])
    name = next(name for name in members if name.endswith("layer.tar"))
    members[name] = compress(layer)
    path, _zstd = stored(tmp_path, "tar", members)
    with ImageArchive.open(path) as archive:
        (found,) = blobs_of(archive.images[0].root, archive.read_document).layers
        assert found == oci.Descriptor.of(media_type, members[name])
        assert b"".join(archive.read_blob(found)) == members[name]


def test_links_between_layers_as_old_docker_writes_them(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    layer = layer_tar(b"same")
    config = images.config_bytes(layers=[layer, layer, layer])
    manifest = [{"Config": "c.json", "RepoTags": ["a:1"], "Layers": ["1/layer.tar", "2/layer.tar", "3/layer.tar"]}]
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as archive:
        for name, content in (("1/layer.tar", layer), ("c.json", config), ("./manifest.json", serialised(manifest))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        for name, kind, target in (
            ("2/layer.tar", tarfile.SYMTYPE, "../1/layer.tar"),
            ("3/layer.tar", tarfile.LNKTYPE, "2/layer.tar"),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, target
            archive.addfile(member)
    with ImageArchive.open(str(path)) as opened:
        assert [each.digest for each in blobs_of(opened.images[0].root, opened.read_document).layers] == [
            Digest.of(layer)
        ]
        assert layer in everything(opened).values()


def test_an_archive_in_both_formats_is_read_as_a_layout(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    root = images.manifest(docker=True, stated=False).named(APP)
    members = {**docker_members([(["other:1"], images.config_bytes(), [])]), **layout(images, root)}
    path, _zstd = stored(tmp_path, "tar", members)
    with ImageArchive.open(path) as archive:
        assert [image.names for image in archive.images] == [(APP,)]


@pytest.mark.parametrize(
    ("annotations", "names"),
    [
        ({oci.NAME_ANNOTATION: "docker.io/library/a:1", oci.REF_NAME_ANNOTATION: "1"}, ["a:1"]),
        ({oci.REF_NAME_ANNOTATION: "localhost/app:2"}, ["localhost/app:2"]),
        ({oci.REF_NAME_ANNOTATION: "app:2"}, ["app:2"]),
        ({oci.REF_NAME_ANNOTATION: "latest"}, []),
        ({}, []),
    ],
)
def test_names_in_a_layout(
    tmp_path: pathlib.Path, images: ImageFactory, annotations: dict[str, str], names: list[str]
) -> None:
    root = images.manifest()._replace(annotations=annotations)
    path, _zstd = stored(tmp_path, "folder", layout(images, root))
    with ImageArchive.open(path) as archive:
        (image,) = archive.images
        assert list(image.names) == [Reference.parse(name) for name in names]
        assert image.root.annotations == {}


def test_one_image_under_two_names_is_one_image(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    root = images.manifest()
    named = [root.named(APP), images.manifest("linux/arm64"), root.named(APP), root.named(APP.with_tag("2"))]
    path, _zstd = stored(tmp_path, "tar", layout(images, *named, images.attestation(root)))
    with ImageArchive.open(path) as archive:
        assert [image.names for image in archive.images] == [(APP, APP.with_tag("2")), ()]


def test_json_of_docker_archives_is_read_in_any_case(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    """As Go reads it: what we show of an archive is what containerd would make of it."""
    manifest = json.dumps([{"config": "c.json", "repotags": ["a:1"], "layers": []}]).encode()
    path, _zstd = stored(tmp_path, "tar", {"c.json": images.config_bytes(), "manifest.json": manifest})
    with ImageArchive.open(path) as archive:
        assert archive.images[0].names == (Reference.parse("a:1"),)


def test_what_the_skeleton_writer_writes_is_read(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    root = images.manifest()
    documents = {each.digest: images.read(each) for each in blobs_of(root, images.read).documents}
    path = tmp_path / "skeleton.tar"
    with path.open("wb") as stream:
        write_skeleton_archive(stream, name=APP, root=root, documents=documents)
    with ImageArchive.open(str(path)) as archive:
        (image,) = archive.images
        assert image.names == (APP,)
        layer = blobs_of(image.root, archive.read_document).layers[0]
        assert not archive.has(layer.digest)
        with pytest.raises(IntegrityError, match=f"incomplete.*{layer.digest} in it"):
            archive.read_blob(layer)


def test_blobs_may_be_read_side_by_side(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    layers = [os.urandom(2_200_000), os.urandom(2_200_000)]
    for form in FORMS:
        path, open_zstd = stored(tmp_path, form, layout(images, images.manifest(layers=layers)))
        with ImageArchive.open(path, open_zstd) as archive:
            found = blobs_of(archive.images[0].root, archive.read_document).layers
            streams = [archive.read_blob(each) for each in found]
            pieces = list(zip(*streams))
            assert [b"".join(column) for column in zip(*pieces)] == layers


def test_zstd_is_read_by_python_where_it_can(
    tmp_path: pathlib.Path, images: ImageFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = tar_bytes(layout(images, images.manifest().named(APP)))
    monkeypatch.setattr(_archive_members, "_ZSTD", types.SimpleNamespace(open=zstd_of(content)))
    path = tmp_path / "image.tar.zst"
    path.write_bytes(ZSTD_MAGIC)
    with ImageArchive.open(str(path)) as archive:
        assert everything(archive) == images.blobs


def test_a_compressed_archive_is_gone_through_once_for_its_documents(
    tmp_path: pathlib.Path, images: ImageFactory
) -> None:
    root = images.index(images.manifest("linux/amd64"), images.manifest("linux/arm64"))
    opened = 0
    content = tar_bytes(layout(images, root))

    def open_zstd(_path: str) -> t.IO[bytes]:
        nonlocal opened
        opened += 1
        return io.BufferedReader(ForwardOnly(content))

    path = tmp_path / "image.tar.zst"
    path.write_bytes(ZSTD_MAGIC)
    with ImageArchive.open(str(path), open_zstd) as archive:
        everything(archive)
    assert opened == 1


@pytest.mark.parametrize("form", ["tar", "gzip"])
def test_a_large_layer_costs_little_memory(tmp_path: pathlib.Path, images: ImageFactory, form: str) -> None:
    size = 48 * 2**20
    digest = hashlib.sha256()
    for _piece in range(48):
        digest.update(bytes(2**20))
    layer = oci.Descriptor(oci.OCI_LAYER, Digest("sha256", digest.hexdigest()), size)
    config = images.add(oci.OCI_CONFIG, images.config_bytes())
    document = {"schemaVersion": 2, "config": config.to_document(), "layers": [layer.to_document()]}
    root = images.add(oci.OCI_MANIFEST, serialised(document))
    path = tmp_path / "image.tar"
    with (
        path.open("wb") if form == "tar" else gzip.open(path, "wb", 1) as stream,
        tarfile.open(fileobj=stream, mode="w|") as archive,
    ):
        for name, content in layout(images, root).items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        member = tarfile.TarInfo(f"blobs/sha256/{layer.digest.encoded}")
        member.size = size
        with open("/dev/zero", "rb") as zeros:
            archive.addfile(member, zeros)
    tracemalloc.start()
    try:
        with ImageArchive.open(str(path)) as opened:
            assert sum(len(piece) for piece in opened.read_blob(layer)) == size
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
