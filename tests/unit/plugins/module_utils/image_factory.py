# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small images for tests, made of their blobs."""

from __future__ import annotations

import io
import json
import pathlib
import tarfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform


def serialised(document: t.Any) -> bytes:
    """Bytes as other tools write them: indented, keys in their own order."""
    return json.dumps(document, indent=3).encode()


def layer_tar(content: bytes, name: str = "file") -> bytes:
    """An uncompressed layer that holds one file."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


class ImageFactory:
    """Makes images and keeps their blobs."""

    def __init__(self) -> None:
        self.blobs: dict[Digest, bytes] = {}

    def read(self, descriptor: oci.Descriptor) -> bytes:
        return self.blobs[descriptor.digest]

    def add(self, media_type: str, content: bytes) -> oci.Descriptor:
        descriptor = oci.Descriptor.of(media_type, content)
        self.blobs[descriptor.digest] = content
        return descriptor

    def config_bytes(
        self, platform: str = "linux/amd64", layers: t.Sequence[bytes] = (), labels: dict[str, str] | None = None
    ) -> bytes:
        wanted = Platform.parse(platform)
        document = {
            "created": "2026-01-02T03:04:05Z",
            "architecture": wanted.architecture,
            "os": wanted.os,
            "config": {"Labels": labels, "Env": ["PATH=/bin"]},
            "rootfs": {"type": "layers", "diff_ids": [str(Digest.of(layer)) for layer in layers]},
        }
        if wanted.variant:
            document["variant"] = wanted.variant
        return serialised(document)

    def manifest(
        self,
        platform: str = "linux/amd64",
        layers: t.Sequence[bytes] = (b"layer one", b"layer two"),
        labels: dict[str, str] | None = None,
        *,
        docker: bool = False,
        stated: bool = True,
    ) -> oci.Descriptor:
        """An image for one platform; its descriptor states the platform if `stated`."""
        config = self.add(oci.DOCKER_CONFIG if docker else oci.OCI_CONFIG, self.config_bytes(platform, layers, labels))
        named = [self.add(oci.DOCKER_LAYER if docker else oci.OCI_LAYER, layer) for layer in layers]
        document = {
            "schemaVersion": 2,
            "mediaType": oci.DOCKER_MANIFEST if docker else oci.OCI_MANIFEST,
            "config": config.to_document(),
            "layers": [layer.to_document() for layer in named],
        }
        descriptor = self.add(oci.DOCKER_MANIFEST if docker else oci.OCI_MANIFEST, serialised(document))
        return descriptor._replace(platform=Platform.parse(platform)) if stated else descriptor

    def attestation(self, subject: oci.Descriptor) -> oci.Descriptor:
        """A provenance attestation of `subject`, as BuildKit adds it to an index."""
        config = self.add(oci.OCI_CONFIG, serialised({"architecture": "unknown", "os": "unknown", "config": {}}))
        statement = self.add("application/vnd.in-toto+json", b'{"_type": "https://in-toto.io/Statement/v0.1"}')
        document = {
            "schemaVersion": 2,
            "mediaType": oci.OCI_MANIFEST,
            "config": config.to_document(),
            "layers": [statement.to_document()],
        }
        return self.add(oci.OCI_MANIFEST, serialised(document))._replace(
            platform=Platform("unknown", "unknown"),
            annotations={
                "vnd.docker.reference.type": "attestation-manifest",
                "vnd.docker.reference.digest": str(subject.digest),
            },
        )

    def index(self, *manifests: oci.Descriptor, docker: bool = False) -> oci.Descriptor:
        document = {
            "schemaVersion": 2,
            "mediaType": oci.DOCKER_INDEX if docker else oci.OCI_INDEX,
            "manifests": [each.to_document() for each in manifests],
        }
        return self.add(oci.DOCKER_INDEX if docker else oci.OCI_INDEX, serialised(document))

    def layout_members(self, *roots: oci.Descriptor) -> dict[str, bytes]:
        """The files of an OCI layout that holds all blobs and names `roots`."""
        return {
            "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
            "index.json": serialised({"schemaVersion": 2, "manifests": [each.to_document() for each in roots]}),
            **{f"blobs/{digest.algorithm}/{digest.encoded}": content for digest, content in self.blobs.items()},
        }


def write_folder(folder: pathlib.Path, members: t.Mapping[str, bytes]) -> pathlib.Path:
    for name, content in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def tar_bytes(members: t.Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()
