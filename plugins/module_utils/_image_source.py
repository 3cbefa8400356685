# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an image is imported from: another namespace, or buildah's store."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor, Manifest

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah, StoredImage


@dataclasses.dataclass(frozen=True)
class Moved:
    """Bytes of layers that came into a namespace.

    Attributes:
        shared: bytes that became visible there without being copied.
        copied: bytes that were written to containerd's store.
    """

    shared: int = 0
    copied: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(self.shared + other.shared, self.copied + other.copied)


class ImageSource(t.Protocol):
    """Something that holds one image."""

    target: Descriptor

    def read(self, descriptor: Descriptor) -> bytes:
        """Return a document of the image."""

    def deliver(self, layer: Descriptor, store: ImageStore, namespace: str) -> Moved:
        """Bring *layer* into *namespace*."""


class NamespaceSource:
    """An image in another namespace of the same containerd.

    Under containerd's default content policy, ``shared``, a namespace that can name a blob's digest and size may have
    it without sending a byte. Under ``isolated`` the bytes go through a file.

    Args:
        store: the containerd.
        state: the image.
        scratch: a private folder for bytes on their way.
    """

    def __init__(self, store: ImageStore, state: ImageState, scratch: str) -> None:
        self._scratch = scratch
        self._namespace = state.namespace
        self._name = state.record.name
        self._read = store.read(state.namespace)
        self._shares = True
        self.target = state.record.target

    def read(self, descriptor: Descriptor) -> bytes:
        """Return a document of the image."""
        return self._read(descriptor)

    def deliver(self, layer: Descriptor, store: ImageStore, namespace: str) -> Moved:
        """Bring *layer* into *namespace*."""
        digest = str(layer.digest)
        if self._shares and store.containerd.share(namespace, layer):
            return Moved(shared=layer.size)
        self._shares = False
        with tempfile.NamedTemporaryFile(dir=self._scratch) as copy:
            store.ctr.save_content(self._namespace, digest, copy.name)
            ingest_file(store, namespace, layer, copy.name, str(self))
        return Moved(copied=layer.size)

    def __str__(self) -> str:
        return f"{self._name} in {self._namespace}"


class BuildahSource:
    """An image in buildah's store.

    buildah keeps the manifest of an image that it built with the digests of the plain layers, which is how it hands
    them out uncompressed. So the image's target is known before a byte moves, and nothing is compressed on the way.

    Args:
        buildah: the store.
        image: the image in it.
        scratch: a private folder for bytes on their way.
    """

    def __init__(self, buildah: Buildah, image: StoredImage, scratch: str) -> None:
        self._buildah = buildah
        self._image = image
        self._scratch = scratch
        self._folder: str | None = None
        manifest = image.manifest
        if [layer.digest for layer in manifest.layers] != list(image.config.diff_ids):
            # Pulled, not built: its layers come out under other digests than its manifest has.
            manifest = Manifest.parse(_read(os.path.join(self._written(), "manifest.json")))
        self.target = manifest.descriptor
        self._documents: dict[Digest, bytes] = {
            self.target.digest: manifest.raw,
            manifest.config.digest: image.config.raw,
        }

    def read(self, descriptor: Descriptor) -> bytes:
        """Return a document of the image."""
        return self._documents[descriptor.digest]

    def deliver(self, layer: Descriptor, store: ImageStore, namespace: str) -> Moved:
        """Bring *layer* into *namespace*."""
        ingest_file(store, namespace, layer, os.path.join(self._written(), layer.digest.encoded), str(self))
        return Moved(copied=layer.size)

    def _written(self) -> str:
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="buildah-", dir=self._scratch)
            self._buildah.save_uncompressed(self._image.name, self._folder)
        return self._folder

    def __str__(self) -> str:
        return f"{self._image.name} in buildah's store"


def _read(path: str) -> bytes:
    with open(path, "rb") as stream:
        return stream.read()


def ingest_file(store: ImageStore, namespace: str, layer: Descriptor, path: str, source: str) -> None:
    """Take *layer* into *namespace* out of the file *path*.

    Raises:
        IntegrityError: the file does not hold what the layer's digest promises.
    """
    if not store.ctr.ingest(namespace, str(layer.digest), layer.size, path):
        raise IntegrityError(
            "A layer is not what its digest says",
            subject=f"{layer.digest} from {source}",
            expected=f"{layer.size} bytes with this digest",
            remedy="build, export or pull the image again",
        )
