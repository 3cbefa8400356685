# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives of images in every form, as tests of them want them."""

from __future__ import annotations

import gzip
import hashlib
import io
import pathlib
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import blobs_of
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    serialised,
    tar_bytes,
    write_folder,
)

APP = Reference.parse("registry.example.org/team/app:1")
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
FORMS = ["folder", "tar", "gzip", "zstd"]


class ForwardOnly(io.RawIOBase):
    """A stream as a pipe from a command gives it."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._content = io.BytesIO(content)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int:
        # Pipes give less than was asked for.
        return self._content.readinto(memoryview(buffer)[:1000])


def zstd_of(content: bytes) -> t.Callable[[str], t.IO[bytes]]:
    return lambda _path: io.BufferedReader(ForwardOnly(content))


def stored(folder: pathlib.Path, form: str, members: t.Mapping[str, bytes]) -> tuple[str, t.Any]:
    """Write an archive in one of FORMS; return its path and what opens zstd."""
    if form == "folder":
        return str(write_folder(folder / "layout", members)), None
    content = tar_bytes(members)
    path = folder / "image.tar"
    path.write_bytes({"tar": content, "gzip": gzip.compress(content, 1), "zstd": ZSTD_MAGIC}[form])
    return str(path), zstd_of(content)


def layout(images: ImageFactory, *roots: oci.Descriptor) -> dict[str, bytes]:
    return images.layout_members(*roots)


def docker_members(
    images: t.Sequence[tuple[list[str] | None, bytes, list[bytes]]],
) -> dict[str, bytes]:
    """The files of an archive as docker save before version 25 and buildah write it."""
    members: dict[str, bytes] = {}
    listed = []
    for names, config, layers in images:
        config_name = hashlib.sha256(config).hexdigest() + ".json"
        members[config_name] = config
        layer_names = [f"{hashlib.sha256(layer).hexdigest()}/layer.tar" for layer in layers]
        members.update(zip(layer_names, layers))
        listed.append({"Config": config_name, "RepoTags": names, "Layers": layer_names})
    return {**members, "manifest.json": serialised(listed)}


def everything(archive: ImageArchive) -> dict[Digest, bytes]:
    """All blobs of all images, read and verified."""
    found = {}
    for image in archive.images:
        blobs = blobs_of(image.root, archive.read_document)
        for each in (*blobs.documents, *blobs.layers):
            found[each.digest] = b"".join(archive.read_blob(each))
    return found
