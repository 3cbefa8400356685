# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an image with one layer as an OCI layout folder, byte for byte the same for the same layer."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.toolchain.golang import machine_architecture

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
INDEX_TYPE = "application/vnd.oci.image.index.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"

CREATED = "2026-01-01T00:00:00Z"
"""The same for ever, so that the same content has the same digest."""


@dataclass(frozen=True)
class Layout:
    """An image in an OCI layout folder.

    :param directory: the folder.
    :param tag: the image's name in the folder's ``index.json``.
    """

    directory: Path
    tag: str

    @property
    def digest(self) -> str:
        """Digest of the image's index, which is what a registry serves under the tag."""
        index = json.loads((self.directory / "index.json").read_bytes())
        digest: str = index["manifests"][0]["digest"]
        return digest


def write(directory: Path, tag: str, layer: io.BufferedIOBase, settings: Mapping[str, Any]) -> Layout:
    """Write an image for this machine's platform, as a multi-platform image like those of public registries.

    :param directory: the folder to make.
    :param layer: the uncompressed tar of the only layer.
    :param settings: what containers run by default: the ``config`` object of the image's configuration.
    """
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (directory / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}', encoding="utf-8")
    target = {"architecture": machine_architecture(), "os": "linux"}
    layer_descriptor, diff_id = _write_layer(blobs, layer)
    config = {
        "created": CREATED,
        **target,
        "config": settings,
        "rootfs": {"type": "layers", "diff_ids": [diff_id]},
        "history": [{"created": CREATED, "created_by": "nephoran-lab"}],
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": _write_document(blobs, config, CONFIG_TYPE),
        "layers": [layer_descriptor],
    }
    index = {
        "schemaVersion": 2,
        "mediaType": INDEX_TYPE,
        "manifests": [{**_write_document(blobs, manifest, MANIFEST_TYPE), "platform": target}],
    }
    name = {"annotations": {"org.opencontainers.image.ref.name": tag}}
    top = {"schemaVersion": 2, "manifests": [{**_write_document(blobs, index, INDEX_TYPE), **name}]}
    (directory / "index.json").write_bytes(_serialised(top))
    return Layout(directory, tag)


def _write_layer(blobs: Path, layer: io.BufferedIOBase) -> tuple[dict[str, Any], str]:
    diff_id = "sha256:" + hashlib.file_digest(layer, "sha256").hexdigest()
    layer.seek(0)
    compressed = blobs / "layer"
    with open(compressed, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
        shutil.copyfileobj(layer, packed, 1024 * 1024)
    with open(compressed, "rb") as packed_file:
        digest = hashlib.file_digest(packed_file, "sha256").hexdigest()
    compressed = compressed.rename(blobs / digest)
    return {"mediaType": LAYER_TYPE, "digest": f"sha256:{digest}", "size": compressed.stat().st_size}, diff_id


def _write_document(blobs: Path, document: Mapping[str, Any], media_type: str) -> dict[str, Any]:
    content = _serialised(document)
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}


def _serialised(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
