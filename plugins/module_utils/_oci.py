# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Descriptors, indexes, manifests and configs, with the media types of OCI and of Docker.

A document keeps the bytes that it was parsed from, so its digest is the image's own and never that of a copy that was
serialised again.

Sources: the OCI image specification 1.1 (``descriptor.md``, ``image-index.md``, ``manifest.md``, ``config.md``,
``image-layout.md``, ``annotations.md``); containerd v2.2.1 (``core/images/image.go``, ``mediatypes.go``) for the choice
of a manifest and for what may not be mixed; BuildKit's ``docs/attestations/attestation-storage.md`` for attestations.
"""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import (
    Fields,
    canonical_json,
    read_object,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"
DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip"
DOCKER_LAYER_ZSTD = "application/vnd.docker.image.rootfs.diff.tar.zstd"

INDEX_TYPES = frozenset({OCI_INDEX, DOCKER_INDEX})
MANIFEST_TYPES = frozenset({OCI_MANIFEST, DOCKER_MANIFEST})
CONFIG_TYPES = frozenset({OCI_CONFIG, DOCKER_CONFIG})

NAME_ANNOTATION = "io.containerd.image.name"
REF_NAME_ANNOTATION = "org.opencontainers.image.ref.name"
REFERENCE_TYPE_ANNOTATION = "vnd.docker.reference.type"

LAYOUT_VERSION = "1.0.0"
LAYOUT_FILE = "oci-layout"
INDEX_FILE = "index.json"

_FOREIGN_LAYER_PREFIXES = (
    "application/vnd.oci.image.layer.nondistributable.",
    "application/vnd.docker.image.rootfs.foreign.",
)


class Descriptor(t.NamedTuple):
    """Names a blob by media type, digest and size in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: t.Mapping[str, str] = {}

    @classmethod
    def from_fields(cls, fields: Fields) -> Descriptor:
        """Read a descriptor out of a document.

        Raises:
            IntegrityError: a field is missing or malformed.
        """
        platform = fields.mapping("platform")
        return cls(
            fields.text("mediaType", ""),
            digest_of(fields, fields.text("digest")),
            fields.integer("size"),
            Platform.from_document(platform) if platform else None,
            fields.texts_by_name("annotations"),
        )

    @classmethod
    def from_document(cls, document: t.Mapping[str, t.Any], where: str = "descriptor") -> Descriptor:
        """Read a descriptor's JSON object, as tools print it; errors as of :meth:`from_fields`."""
        return cls.from_fields(Fields(document, where))

    @classmethod
    def of(cls, media_type: str, content: bytes) -> Descriptor:
        """Return the descriptor of *content*."""
        return cls(media_type, Digest.of(content), len(content))

    @property
    def is_index(self) -> bool:
        """Whether it names an index (Docker: manifest list)."""
        return self.media_type in INDEX_TYPES

    @property
    def is_manifest(self) -> bool:
        """Whether it names a manifest."""
        return self.media_type in MANIFEST_TYPES

    @property
    def is_document(self) -> bool:
        """Whether it names an index or a manifest, which name other blobs."""
        return self.is_index or self.is_manifest

    @property
    def is_config(self) -> bool:
        """Whether it names an image's config."""
        return self.media_type in CONFIG_TYPES

    @property
    def is_attestation(self) -> bool:
        """Whether it names what BuildKit says about another manifest (provenance, SBOM), not an image."""
        return self.annotations.get(REFERENCE_TYPE_ANNOTATION) == "attestation-manifest"

    @property
    def is_foreign(self) -> bool:
        """Whether it names a layer that may be fetched from its vendor only, and need not be there."""
        return self.media_type.startswith(_FOREIGN_LAYER_PREFIXES)

    def named(self, reference: Reference) -> Descriptor:
        """Return this descriptor with the annotations by which containerd names an image at import."""
        names = {NAME_ANNOTATION: reference.containerd_name}
        if reference.tag is not None:
            names[REF_NAME_ANNOTATION] = reference.tag
        return self._replace(annotations={**self.annotations, **names})

    def to_document(self) -> dict[str, t.Any]:
        """Return the JSON object of this descriptor."""
        document: dict[str, t.Any] = {"mediaType": self.media_type, "digest": str(self.digest), "size": self.size}
        if self.platform is not None:
            document["platform"] = self.platform.to_document()
        if self.annotations:
            document["annotations"] = dict(self.annotations)
        return document


class Index(t.NamedTuple):
    """A list of manifests, one a platform (Docker: manifest list)."""

    raw: bytes
    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: t.Mapping[str, str]

    @classmethod
    def parse(cls, raw: bytes, media_type: str = "", where: str = "index") -> Index:
        """Parse the bytes of an index.

        Args:
            raw: the bytes.
            media_type: what the descriptor says it is; default: what the document says itself.
            where: names the document in error messages.

        Raises:
            IntegrityError: it is malformed, or a manifest.
        """
        fields = read_object(raw, where)
        media_type = media_type or fields.text("mediaType", OCI_INDEX)
        _refuse_a_mixture(fields, INDEX_TYPES, media_type, ("config", "layers"))
        manifests = tuple(Descriptor.from_fields(entry) for entry in fields.objects("manifests"))
        return cls(raw, media_type, manifests, fields.texts_by_name("annotations"))

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """The manifests and nested indexes that are images, which attestations and unknown media types are not."""
        return tuple(each for each in self.manifests if each.is_document and not each.is_attestation)

    @property
    def descriptor(self) -> Descriptor:
        """Names this document."""
        return Descriptor.of(self.media_type, self.raw)


class Manifest(t.NamedTuple):
    """One image for one platform: its config and its layers."""

    raw: bytes
    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: t.Mapping[str, str]

    @classmethod
    def parse(cls, raw: bytes, media_type: str = "", where: str = "manifest") -> Manifest:
        """Parse the bytes of a manifest; arguments and errors as of :meth:`Index.parse`."""
        fields = read_object(raw, where)
        if fields.has("fsLayers"):
            raise fields.broken("is of Docker's schema 1, which no current tool reads")
        media_type = media_type or fields.text("mediaType", OCI_MANIFEST)
        _refuse_a_mixture(fields, MANIFEST_TYPES, media_type, ("manifests",))
        config = fields.fields("config")
        if config is None:
            raise fields.broken("has no 'config'")
        layers = tuple(Descriptor.from_fields(entry) for entry in fields.objects("layers"))
        return cls(raw, media_type, Descriptor.from_fields(config), layers, fields.texts_by_name("annotations"))

    @property
    def descriptor(self) -> Descriptor:
        """Names this document."""
        return Descriptor.of(self.media_type, self.raw)


class ImageConfig(t.NamedTuple):
    """What an image says of itself: platform, labels, the digests of its layers once unpacked."""

    raw: bytes
    platform: Platform
    labels: t.Mapping[str, str]
    diff_ids: tuple[Digest, ...]
    created: str

    @property
    def chain_id(self) -> str:
        """The key of the image's uppermost snapshot; empty if it has no layers.

        Source: *Layer ChainID* in the OCI image specification's ``config.md``.
        """
        chain = ""
        for diff_id in self.diff_ids:
            chain = str(Digest.of(f"{chain} {diff_id}".encode())) if chain else str(diff_id)
        return chain

    @classmethod
    def parse(cls, raw: bytes, where: str = "config") -> ImageConfig:
        """Parse the bytes of a config.

        Raises:
            IntegrityError: it is malformed.
        """
        fields = read_object(raw, where)
        platform = Platform(
            fields.text("os", ""),
            fields.text("architecture", ""),
            fields.text("variant", ""),
            fields.text("os.version", ""),
        )
        runtime = fields.fields("config")
        rootfs = fields.fields("rootfs")
        diff_ids = [] if rootfs is None else rootfs.texts("diff_ids")
        return cls(
            raw,
            platform,
            {} if runtime is None else runtime.texts_by_name("Labels"),
            tuple(digest_of(fields, text) for text in diff_ids),
            fields.text("created", ""),
        )


def digest_of(fields: Fields, text: str) -> Digest:
    """Parse a digest that stands in a document.

    Raises:
        IntegrityError: it is not one.
    """
    try:
        return Digest.parse(text)
    except InvalidInput as error:
        raise fields.broken(f"holds {text[:150]!r}, which is no digest") from error


def select_manifest(index: Index, platform: Platform, *, strict: bool = False) -> Descriptor:
    """Return the entry of *index* that fits *platform* best; one that states no platform is the last resort.

    Args:
        index: where to choose.
        platform: the platform that the image shall run on.
        strict: take no substitute, such as arm/v6 for arm/v7.

    Raises:
        NotFound: no entry fits.
    """
    stated = [(each, each.platform) for each in index.images if each.platform is not None]
    best = platform.best_match(stated, lambda entry: entry[1], strict=strict)
    if best is not None:
        return best[0]
    for each in index.images:
        if each.platform is None:
            return each
    raise no_manifest_for(platform, [entry[1] for entry in stated])


def no_manifest_for(platform: Platform, there: t.Sequence[Platform]) -> NotFound:
    """Return the error for an image that has the platforms *there* and not the one that is wanted."""
    found = ", ".join(sorted({str(each.normalized()) for each in there})) or "none"
    return NotFound(
        "The image has no manifest for the platform",
        subject=platform.format(),
        expected=f"a manifest for it; the image has {found}",
        remedy="build or pull the image for this platform, or name one of its platforms",
    )


def layout_document() -> bytes:
    """Return the content of ``oci-layout``."""
    return canonical_json({"imageLayoutVersion": LAYOUT_VERSION})


def index_document(manifests: t.Sequence[Descriptor]) -> bytes:
    """Return the content of an ``index.json`` that lists *manifests*."""
    return canonical_json(
        {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [each.to_document() for each in manifests]}
    )


def _refuse_a_mixture(
    fields: Fields, types: t.AbstractSet[str], media_type: str, foreign_fields: t.Sequence[str]
) -> None:
    own = fields.text("mediaType", media_type)
    if media_type not in types or own not in types:
        raise fields.broken(f"is of media type {own[:100]!r} where {' or '.join(sorted(types))} belongs")
    for name in foreign_fields:
        if fields.has(name):
            raise fields.broken(f"has {name!r}, which belongs to another kind of document")
