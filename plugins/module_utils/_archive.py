# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in archives and layout folders, whatever tool wrote them.

Read are OCI layouts in a folder or a tar (an archive that is of Docker's format as well is read as OCI layout), and
archives of Docker's format; tars plain, or compressed by gzip or zstd. No more than a few MiB are in memory at once.

Source: the OCI image specification 1.1, ``image-layout.md``; ``core/images/archive/importer.go`` of containerd v2.2.1
for what takes precedence and for names.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass, replace

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_members import (
    Members,
    OpenZstd,
    open_members,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_writer import blob_path
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._docker_archive import (
    MANIFEST_FILE,
    missing,
    read_docker_images,
    read_small,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import platforms_of, read_verified
from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import malformed, read_object
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

_PARTS_OF_FULL_NAMES = frozenset("/:@")


@dataclass(frozen=True)
class ArchivedImage:
    """An image in an archive.

    Attributes:
        names: what the archive calls it; none if the archive holds a bare tag, or no name.
        root: the image's target: an index or a manifest. Annotations of the archive are not part of it.
    """

    names: tuple[Reference, ...]
    root: oci.Descriptor


class ImageArchive:
    """An open archive; made by :meth:`open`.

    Attributes:
        path: where it lies.
        images: the images in it, in its own order.
        for_docker: whether it has the ``manifest.json`` that Docker's tools look for, beside an OCI layout or alone.
    """

    path: str
    images: tuple[ArchivedImage, ...]
    for_docker: bool

    def __init__(self, path: str, members: Members) -> None:
        self.path = path
        self._members = members
        self._documents: dict[Digest, bytes] = {}
        self._files: dict[Digest, str] = {}
        self.for_docker = members.size(MANIFEST_FILE) is not None
        if members.size(oci.LAYOUT_FILE) is not None:
            self.images = self._read_layout()
        elif self.for_docker:
            self.images = self._read_docker_images()
        else:
            raise InvalidInput(
                "Not an image archive",
                subject=path,
                expected=f"{oci.LAYOUT_FILE} or {MANIFEST_FILE} in it",
                remedy="export the image with docker save, nerdctl save, ctr images export or buildah push",
            )

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: str, open_zstd: OpenZstd | None = None) -> t.Iterator[ImageArchive]:
        """Open an archive or a layout folder, and close it at the end of the block.

        Args:
            path: the archive or the folder.
            open_zstd: reads zstd where Python cannot, which is before 3.14.

        Raises:
            InvalidInput: it is something else, or compressed in a way that cannot be read here.
            IntegrityError: it is cut off, damaged or hostile.
            NotFound: there is nothing at *path*.
        """
        with contextlib.closing(open_members(path, open_zstd)) as members:
            yield cls(path, members)

    def has(self, digest: Digest) -> bool:
        """Tell whether the archive holds a blob."""
        return self.size(digest) is not None

    def size(self, digest: Digest) -> int | None:
        """Return the size of a blob in bytes, ``None`` if the archive does not hold it."""
        if digest in self._documents:
            return len(self._documents[digest])
        return self._members.size(self._file(digest))

    def platforms(self, image: ArchivedImage) -> list[Platform]:
        """Return the platforms of an image.

        Raises:
            IntegrityError: a document is missing or malformed.
        """
        return platforms_of(image.root, self.read_document)

    def read_document(self, descriptor: oci.Descriptor) -> bytes:
        """Return an index, manifest or config, whose size and digest were verified.

        Raises:
            IntegrityError: it is missing, too large, or not what its digest says.
        """
        return read_verified(descriptor, self._read_document)

    def read_blob(self, descriptor: oci.Descriptor, *, verify: bool = True) -> t.Iterator[bytes]:
        """Yield a blob in pieces of at most 1 MiB.

        With *verify* the last piece comes only if size and digest are what *descriptor* says. What came before must
        not be used if an error is raised.

        Raises:
            IntegrityError: the blob is missing, cut off, or not what its digest says.
        """
        size = self.size(descriptor.digest)
        if size is None:
            raise missing(f"blob {descriptor.digest}", self.path)
        if verify and size != descriptor.size:
            raise self._another_content(descriptor, f"{size} bytes")
        return self._pieces(descriptor, verify)

    def _pieces(self, descriptor: oci.Descriptor, verify: bool) -> t.Iterator[bytes]:
        document = self._documents.get(descriptor.digest)
        pieces = self._members.read(self._file(descriptor.digest)) if document is None else iter([document])
        if not verify:
            yield from pieces
            return
        hasher = descriptor.digest.hasher()
        held_back = b""
        for piece in pieces:
            if held_back:
                yield held_back
            hasher.update(piece)
            held_back = piece
        if hasher.hexdigest() != descriptor.digest.encoded:
            raise self._another_content(descriptor, f"{descriptor.digest.algorithm}:{hasher.hexdigest()}")
        if held_back:
            yield held_back

    def _file(self, digest: Digest) -> str:
        return self._files.get(digest) or blob_path(digest)

    def _read_document(self, descriptor: oci.Descriptor) -> bytes:
        document = self._documents.get(descriptor.digest)
        return read_small(self._members, self._file(descriptor.digest), self.path) if document is None else document

    def _read_layout(self) -> tuple[ArchivedImage, ...]:
        where = f"{oci.LAYOUT_FILE} in {self.path}"
        version = read_object(read_small(self._members, oci.LAYOUT_FILE, self.path), where).text("imageLayoutVersion")
        if version != oci.LAYOUT_VERSION:
            raise malformed(where, f"layout version {version[:40]!r}, which is not {oci.LAYOUT_VERSION}")
        raw = read_small(self._members, oci.INDEX_FILE, self.path)
        index = oci.Index.parse(raw, oci.OCI_INDEX, f"{oci.INDEX_FILE} in {self.path}")
        images: dict[Digest, ArchivedImage] = {}
        for entry in index.images:
            image = images.setdefault(entry.digest, ArchivedImage((), entry._replace(annotations={})))
            names = dict.fromkeys([*image.names, *self._names_of(entry)])
            images[entry.digest] = replace(image, names=tuple(names))
        return tuple(images.values())

    def _read_docker_images(self) -> tuple[ArchivedImage, ...]:
        images = []
        for image in read_docker_images(self._members, self.path):
            self._documents[image.root.digest] = image.manifest
            self._files.update(image.files)
            images.append(ArchivedImage(tuple(self._name(text) for text in image.names), image.root))
        return tuple(images)

    def _names_of(self, entry: oci.Descriptor) -> list[Reference]:
        full = entry.annotations.get(oci.NAME_ANNOTATION)
        if full:
            return [self._name(full)]
        # The OCI annotation may be a bare tag, which names nothing without the repository.
        name = entry.annotations.get(oci.REF_NAME_ANNOTATION, "")
        return [self._name(name)] if _PARTS_OF_FULL_NAMES & set(name) else []

    def _name(self, text: str) -> Reference:
        try:
            return Reference.parse(text)
        except InvalidInput as error:
            raise IntegrityError(
                "An image in the archive has a name that is none", subject=f"{text[:150]!a} in {self.path}"
            ) from error

    def _another_content(self, descriptor: oci.Descriptor, found: str) -> IntegrityError:
        return IntegrityError(
            "A blob in the image archive is not what its digest says",
            subject=f"{descriptor.digest} in {self.path}",
            expected=f"{descriptor.size} bytes with this digest, found {found}",
            remedy="copy or export the archive again; if that does not help, build the image again",
        )
