# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image's documents, read from wherever they lie: which manifest a platform gets, which blobs an image consists of.

Source for the choice of a manifest and for completeness: ``core/images/image.go`` of containerd v2.2.1.
"""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import (
    DOCUMENT_SIZE_MAX,
    malformed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import (
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    no_manifest_for,
    select_manifest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform

Document = t.Union[Index, Manifest]
ReadBlob = t.Callable[[Descriptor], bytes]
"""Gives the bytes of a small blob; raises if it is not there."""


_NESTED_INDEXES_MAX = 8


class ImageBlobs(t.NamedTuple):
    """The blobs of an image, each once: indexes, manifests and configs with the root first, and the layers.

    What an index names beside manifests counts among the layers: its content is not looked into.
    """

    documents: tuple[Descriptor, ...]
    layers: tuple[Descriptor, ...]

    @property
    def needed_layers(self) -> tuple[Descriptor, ...]:
        """The layers that must be there; foreign ones need not."""
        return tuple(each for each in self.layers if not each.is_foreign)

    @property
    def needed(self) -> tuple[Descriptor, ...]:
        """All that must be there for the image to be complete."""
        return self.documents + self.needed_layers

    @property
    def size(self) -> int:
        """Bytes of all of them."""
        return sum(each.size for each in self.documents + self.layers)


def read_verified(descriptor: Descriptor, read: ReadBlob) -> bytes:
    """Return a small blob whose size and digest are what *descriptor* says.

    Raises:
        IntegrityError: they are not, or the blob is too large for a document.
    """
    if descriptor.size > DOCUMENT_SIZE_MAX:
        raise malformed(str(descriptor.digest), f"{descriptor.size} bytes, more than {DOCUMENT_SIZE_MAX}")
    raw = read(descriptor)
    if len(raw) != descriptor.size or not descriptor.digest.matches(raw):
        raise IntegrityError(
            "The content of a blob is not what its digest says",
            subject=str(descriptor.digest),
            expected=f"{descriptor.size} bytes with this digest, found {len(raw)} with {Digest.of(raw)}",
            remedy="export, pull or build the image again",
        )
    return raw


def read_document(descriptor: Descriptor, read: ReadBlob) -> Document:
    """Read and parse the index or manifest that *descriptor* names.

    Raises:
        IntegrityError: it is malformed, or neither an index nor a manifest.
    """
    where = str(descriptor.digest)
    if descriptor.is_index:
        return Index.parse(read_verified(descriptor, read), descriptor.media_type, f"index {where}")
    if descriptor.is_manifest:
        return Manifest.parse(read_verified(descriptor, read), descriptor.media_type, f"manifest {where}")
    raise malformed(where, f"media type {descriptor.media_type[:100]!r} is neither an index nor a manifest")


def read_config(manifest: Manifest, read: ReadBlob) -> ImageConfig:
    """Read and parse a manifest's config.

    Raises:
        IntegrityError: it is malformed.
    """
    return ImageConfig.parse(read_verified(manifest.config, read), f"config {manifest.config.digest}")


def find_manifest(
    root: Descriptor, platform: Platform, read: ReadBlob, *, strict: bool = False
) -> tuple[Descriptor, Manifest]:
    """Follow *root* through its indexes to the manifest for *platform*.

    The platform of an entry that states none is taken from its config, and so is that of a *root* that is itself a
    manifest: an image that cannot run on the platform is not found, where containerd would take it unseen.

    Raises:
        IntegrityError: a document is malformed.
        NotFound: there is no manifest for the platform.
    """
    descriptor = root
    for _depth in range(_NESTED_INDEXES_MAX):
        document = read_document(descriptor, read)
        if isinstance(document, Index):
            descriptor = select_manifest(document, platform, strict=strict)
            continue
        if descriptor.platform is None:
            own = read_config(document, read).platform
            if platform.best_match([own], lambda same: same, strict=strict) is None:
                raise no_manifest_for(platform, [own])
        return descriptor, document
    raise malformed(str(root.digest), "its indexes are nested too deeply")


def platforms_of(root: Descriptor, read: ReadBlob) -> list[Platform]:
    """Return the platforms of the image *root*, in its own order, each once.

    Raises:
        IntegrityError: a document is malformed.
    """
    found: dict[Platform, None] = {}
    for descriptor, document in _walk(root, read):
        if isinstance(document, Manifest) and not descriptor.is_attestation:
            platform = descriptor.platform or read_config(document, read).platform
            found.setdefault(platform.normalized())
    return list(found)


def blobs_of(root: Descriptor, read: ReadBlob, platform: Platform | None = None, *, strict: bool = False) -> ImageBlobs:
    """Return the blobs that an image consists of.

    Args:
        root: the image's target.
        read: gives the bytes of a small blob.
        platform: keep only what that platform needs, which is what containerd calls a complete image there;
            default: all platforms and attestations.
        strict: take no substitute for *platform*.

    Raises:
        IntegrityError: a document is malformed.
        NotFound: there is no manifest for the platform.
    """
    chosen = None if platform is None else find_manifest(root, platform, read, strict=strict)[0].digest
    documents: dict[Digest, Descriptor] = {}
    layers: dict[Digest, Descriptor] = {}
    for descriptor, document in _walk(root, read, chosen):
        documents.setdefault(descriptor.digest, descriptor)
        if isinstance(document, Manifest):
            documents.setdefault(document.config.digest, document.config)
        leaves = document.layers if isinstance(document, Manifest) else document.manifests
        for leaf in leaves if chosen is None or isinstance(document, Manifest) else ():
            if not leaf.is_document:
                layers.setdefault(leaf.digest, leaf)
    return ImageBlobs(tuple(documents.values()), tuple(layers.values()))


def children_of(descriptor: Descriptor, content: bytes) -> tuple[Descriptor, ...]:
    """Return what the blob *content* of an image names, in its order: nothing unless it is an index or a manifest.

    Raises:
        IntegrityError: it is malformed.
    """
    if not descriptor.is_document:
        return ()
    document = read_document(descriptor, lambda _same: content)
    return document.manifests if isinstance(document, Index) else (document.config, *document.layers)


def _walk(root: Descriptor, read: ReadBlob, chosen: Digest | None = None) -> t.Iterator[tuple[Descriptor, Document]]:
    """Yield the documents below *root*, each once and before what it names; of manifests only *chosen* if given."""
    # An index that names another one a thousand times, which does the same in turn, must not cost a million steps.
    seen: set[tuple[Digest, Platform | None]] = set()

    def below(descriptor: Descriptor, depth: int) -> t.Iterator[tuple[Descriptor, Document]]:
        if depth > _NESTED_INDEXES_MAX:
            raise malformed(str(root.digest), "its indexes are nested too deeply")
        if (descriptor.digest, descriptor.platform) in seen or (
            descriptor.is_manifest and chosen not in (None, descriptor.digest)
        ):
            return
        seen.add((descriptor.digest, descriptor.platform))
        document = read_document(descriptor, read)
        named = document.manifests if isinstance(document, Index) else ()
        found = [each for entry in named if entry.is_document for each in below(entry, depth + 1)]
        if isinstance(document, Manifest) or found or depth == 0:
            yield descriptor, document
            yield from found

    return below(root, 0)
