# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archive that holds an image's documents and none of its layers."""

from __future__ import annotations

import io
import json
import tarfile

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_tree as tree
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_writer import write_skeleton_archive
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

NAME = Reference.parse("registry.example.org/team/app:1")


class Pipe(io.RawIOBase):
    """Takes bytes as a pipe does: it cannot seek or tell."""

    def __init__(self) -> None:
        super().__init__()
        self.content = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.content += data
        return len(data)


def skeleton(images: ImageFactory, root: oci.Descriptor) -> dict[Digest, bytes]:
    return {each.digest: images.read(each) for each in tree.blobs_of(root, images.read).documents}


def written(root: oci.Descriptor, documents: dict[Digest, bytes]) -> bytes:
    pipe = Pipe()
    with io.BufferedWriter(pipe) as stream:
        write_skeleton_archive(stream, name=NAME, root=root, documents=documents)
        stream.flush()
        return bytes(pipe.content)


def members_of(archive_bytes: bytes) -> dict[str, bytes]:
    members = {}
    with tarfile.open(fileobj=io.BytesIO(archive_bytes)) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            members[member.name] = content.read()
    return members


def test_it_names_the_image_and_holds_its_documents_only() -> None:
    images = ImageFactory()
    root = images.index(images.manifest("linux/amd64"), images.manifest("linux/arm64"))
    documents = skeleton(images, root)
    members = members_of(written(root, documents))
    assert list(members)[:2] == ["oci-layout", "index.json"]
    assert json.loads(members.pop("oci-layout")) == {"imageLayoutVersion": "1.0.0"}
    index = json.loads(members.pop("index.json"))
    assert index["manifests"] == [
        {
            "mediaType": oci.OCI_INDEX,
            "digest": str(root.digest),
            "size": root.size,
            "annotations": {
                "io.containerd.image.name": "registry.example.org/team/app:1",
                "org.opencontainers.image.ref.name": "1",
            },
        }
    ]
    assert members == {f"blobs/sha256/{digest.encoded}": content for digest, content in documents.items()}
    assert len(members) == 5


def test_the_same_image_gives_the_same_bytes_whatever_the_order() -> None:
    images = ImageFactory()
    root = images.manifest()
    documents = skeleton(images, root)
    assert written(root, documents) == written(root, dict(reversed(documents.items())))


def test_a_digest_of_sha512_fits() -> None:
    content = b'{"schemaVersion":2,"manifests":[]}'
    digest = Digest.of(content, "sha512")
    root = oci.Descriptor(oci.OCI_INDEX, digest, len(content))
    assert members_of(written(root, {digest: content}))[f"blobs/sha512/{digest.encoded}"] == content


def test_nothing_is_written_if_the_root_is_missing() -> None:
    images = ImageFactory()
    stream = io.BytesIO()
    with pytest.raises(IntegrityError, match="root of the image is missing"):
        write_skeleton_archive(stream, name=NAME, root=images.manifest(), documents={})
    assert not stream.getvalue()


def test_nothing_is_written_if_a_document_is_another() -> None:
    images = ImageFactory()
    root = images.manifest()
    stream = io.BytesIO()
    with pytest.raises(IntegrityError, match="not what its digest says"):
        write_skeleton_archive(stream, name=NAME, root=root, documents={root.digest: b"{}"})
    assert not stream.getvalue()
