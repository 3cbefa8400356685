# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in archives of Docker's own format, which have a ``manifest.json`` but no manifests.

A manifest is made for each image, byte for byte the one that ``ctr images import`` makes of the same archive. A layer
is kept as it lies there; the digest of a plain one is what the config says, and is proven when the layer is read.

Source: ``image/spec/spec.md`` of Moby, version 1.2; ``core/images/archive/importer.go`` of containerd v2.2.1.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import typing as t
from dataclasses import dataclass

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_members import Members
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import (
    DOCUMENT_SIZE_MAX,
    Fields,
    malformed,
    read_json,
)

MANIFEST_FILE = "manifest.json"

_MAGICS: t.Mapping[bytes, str] = {
    b"\x1f\x8b": oci.DOCKER_LAYER_GZIP,
    b"\x28\xb5\x2f\xfd": oci.DOCKER_LAYER_ZSTD,
}


@dataclass(frozen=True)
class DockerImage:
    """An image of such an archive.

    Attributes:
        names: its names as they are written.
        root: its manifest.
        manifest: the manifest's bytes, which the archive does not hold.
        files: where the config and the layers lie, by their digests.
    """

    names: tuple[str, ...]
    root: oci.Descriptor
    manifest: bytes
    files: t.Mapping[Digest, str]


def read_docker_images(members: Members, path: str) -> list[DockerImage]:
    """Return the images that ``manifest.json`` lists, in its order.

    Args:
        members: the archive's files.
        path: where the archive lies, for error messages.

    Raises:
        IntegrityError: a document is malformed, or a file that it names is missing.
    """
    where = f"{MANIFEST_FILE} in {path}"
    listed = read_json(read_small(members, MANIFEST_FILE, path), where)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise malformed(where, "it is no list of images")
    return [_image(Fields(entry, f"{where}, image {number}"), members, path) for number, entry in enumerate(listed, 1)]


def read_small(members: Members, name: str, path: str) -> bytes:
    """Return the content of a small file of an archive.

    Raises:
        IntegrityError: it is missing, or larger than documents are.
    """
    size = members.size(name)
    if size is None:
        raise missing(name, path)
    if size > DOCUMENT_SIZE_MAX:
        raise malformed(f"{name} in {path}", f"it has {size} bytes, more than {DOCUMENT_SIZE_MAX}")
    return b"".join(members.read(name))


def missing(name: str, path: str) -> IntegrityError:
    """Return the error for a file that an archive should hold."""
    return IntegrityError(
        "The image archive is incomplete",
        subject=path,
        expected=f"{name} in it",
        remedy="copy or export it again, with all that the image needs on the platform",
    )


def _image(entry: Fields, members: Members, path: str) -> DockerImage:
    config_name = entry.text("Config")
    raw = read_small(members, config_name, path)
    config = oci.ImageConfig.parse(raw, f"config {config_name} in {path}")
    config_descriptor = oci.Descriptor.of(oci.DOCKER_CONFIG, raw)
    names = entry.texts("Layers")
    if len(names) != len(config.diff_ids):
        raise entry.broken(f"lists {len(names)} layers, and its config {len(config.diff_ids)}")
    layers = [_layer(members, name, diff_id, path) for name, diff_id in zip(names, config.diff_ids)]
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": oci.DOCKER_MANIFEST,
            "config": config_descriptor.to_document(),
            "layers": [layer.to_document() for layer in layers],
        },
        separators=(",", ":"),
    ).encode("ascii")
    return DockerImage(
        tuple(entry.texts("RepoTags")),
        oci.Descriptor.of(oci.DOCKER_MANIFEST, manifest)._replace(platform=config.platform.normalized()),
        manifest,
        {config_descriptor.digest: config_name, **{layer.digest: name for layer, name in zip(layers, names)}},
    )


def _layer(members: Members, name: str, diff_id: Digest, path: str) -> oci.Descriptor:
    size = members.size(name)
    if size is None:
        raise missing(name, path)
    pieces = members.read(name)
    first = next(pieces, b"")
    for magic, media_type in _MAGICS.items():
        if first.startswith(magic):
            hasher = hashlib.sha256()
            for piece in itertools.chain([first], pieces):
                hasher.update(piece)
            return oci.Descriptor(media_type, Digest("sha256", hasher.hexdigest()), size)
    return oci.Descriptor(oci.DOCKER_LAYER, diff_id, size)
