# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes an OCI archive that holds an image's documents and none of its layers.

``ctr images import`` writes the references of a manifest to its layers whether they are there or not, so such an
archive makes an image out of layers that the content store has already, or gets afterwards.

Source of the format: the OCI image specification 1.1, ``image-layout.md``; of the annotation that names the image:
``core/images/annotations.go`` of containerd v2.2.1.
"""

from __future__ import annotations

import io
import tarfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference


def blob_path(digest: Digest) -> str:
    """Return where a blob lies in an OCI layout."""
    return f"blobs/{digest.algorithm}/{digest.encoded}"


def write_skeleton_archive(
    stream: t.IO[bytes], *, name: Reference, root: oci.Descriptor, documents: t.Mapping[Digest, bytes]
) -> None:
    """Write an OCI archive that names *root* and holds *documents*; the same input gives the same bytes.

    Args:
        stream: where to write; need not be seekable.
        name: the name that the import gives to the image.
        root: the image's target: an index or a manifest, whose content is among the documents.
        documents: indexes, manifests and configs by their digests.

    Raises:
        IntegrityError: the root is missing, or a document's content is not what its digest says. Nothing is written
            then.
    """
    if root.digest not in documents:
        raise IntegrityError("The root of the image is missing from its documents", subject=str(root.digest))
    for digest, content in documents.items():
        if not digest.matches(content):
            raise IntegrityError(
                "The content of a document is not what its digest says",
                subject=str(digest),
                expected=f"content with this digest, found {Digest.of(content, digest.algorithm)}",
            )
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.PAX_FORMAT) as archive:
        _add(archive, oci.LAYOUT_FILE, oci.layout_document())
        _add(archive, oci.INDEX_FILE, oci.index_document([root.named(name)]))
        for digest in sorted(documents):
            _add(archive, blob_path(digest), documents[digest])


def _add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))
