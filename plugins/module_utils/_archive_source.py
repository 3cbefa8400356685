# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images in archives, as sources of imports."""

from __future__ import annotations

import tempfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ArchivedImage, ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import Named, unknown_image
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import Moved, ingest_file
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner, checked


class ArchiveSource:
    """An image in an archive or layout on the node.

    Args:
        archive: the archive.
        image: the image in it.
        scratch: a private folder for bytes on their way.
    """

    def __init__(self, archive: ImageArchive, image: ArchivedImage, scratch: str) -> None:
        self._scratch = scratch
        self._archive = archive
        self.target = image.root

    def read(self, descriptor: Descriptor) -> bytes:
        """Return a document of the image."""
        return self._archive.read_document(descriptor)

    def deliver(self, layer: Descriptor, store: ImageStore, namespace: str) -> Moved:
        """Bring *layer* into *namespace*."""
        with tempfile.NamedTemporaryFile(dir=self._scratch) as copy:
            for piece in self._archive.read_blob(layer):
                copy.write(piece)
            copy.flush()
            ingest_file(store, namespace, layer, copy.name, str(self))
        return Moved(copied=layer.size)

    def __str__(self) -> str:
        return str(self._archive.path)


def images_of_archive(archive: ImageArchive, references: t.Sequence[Reference], scratch: str) -> list[Named]:
    """Return the images *references* of an archive, all that have a name if none is asked for.

    Raises:
        NotFound: it has no image of that name, or no name at all.
    """
    named = {name: image for image in archive.images for name in image.names}
    if not references:
        if not named:
            raise NotFound(
                "The archive does not say what its images are called",
                subject=str(archive.path),
                remedy="give the image a name with the option name",
            )
        return [(name, ArchiveSource(archive, image, scratch)) for name, image in named.items()]
    if len(references) == 1 and len(archive.images) == 1 and not named:
        return [(references[0], ArchiveSource(archive, archive.images[0], scratch))]
    for reference in references:
        if reference not in named:
            raise unknown_image(reference, str(archive.path), [str(name) for name in named])
    return [(reference, ArchiveSource(archive, named[reference], scratch)) for reference in references]


def zstd_opener(runner: Runner, scratch: str) -> t.Callable[[str], t.IO[bytes]]:
    """Return what reads a file that zstd compressed, with the node's own ``zstd``.

    Args:
        runner: starts it.
        scratch: a private folder for the decompressed file, which is gone when it is closed.
    """

    def open_zstd(path: str) -> t.IO[bytes]:
        plain = tempfile.NamedTemporaryFile(dir=scratch)  # noqa: SIM115 - it outlives this function
        completed = runner.run(["zstd", "--decompress", "--stdout", "--quiet", "--", path], stdout_path=plain.name)
        checked(completed, "The archive could not be decompressed", subject=path)
        return t.cast("t.IO[bytes]", plain)

    return open_zstd
