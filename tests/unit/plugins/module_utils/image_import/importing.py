# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports of one small image, as tests of them want them."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    ImportRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import Moved
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
NAME = str(APP)
AMD64 = Platform.parse("linux/amd64")
PINNED = {PINNED_LABEL: "pinned"}
LAYERS = (b"the larger layer", b"small")


class Source:
    """Hands out an image's blobs, and notes which layers were asked for."""

    def __init__(self, images: ImageFactory, target: oci.Descriptor, folder: pathlib.Path) -> None:
        self.target = target._replace(platform=None)
        self.delivered: list[bytes] = []
        self._images = images
        self._folder = folder

    def read(self, descriptor: oci.Descriptor) -> bytes:
        return self._images.read(descriptor)

    def deliver(self, layer: oci.Descriptor, store: ImageStore, namespace: str) -> Moved:
        content = self._images.read(layer)
        self.delivered.append(content)
        path = self._folder / layer.digest.encoded
        path.write_bytes(content)
        assert store.ctr.ingest(namespace, str(layer.digest), layer.size, str(path))
        return Moved(copied=layer.size)

    def __str__(self) -> str:
        return "a source"


def request_for(source: Source, **changes: t.Any) -> ImportRequest:
    return dataclasses.replace(ImportRequest(source, APP, "k8s.io", AMD64), **changes)


def planned(importer: ImageImporter, request: ImportRequest) -> Plan:
    return importer.run(request, check=True).plan


CHANGING = ("leases.Create", "images.Create", "images.Update", "content.Write", "content.Update", "import", "ingest")


def steps(runner: FakeRunner) -> list[str]:
    """What changed something and was not tidied up, in order, in short; of blobs that were ingested their sizes."""
    told = []
    for call in runner.calls:
        verb = next((word for word in call.argv if word in CHANGING), None)
        if verb == "ingest":
            told.append(f"ingest {call.value_of('--expected-size')}")
        elif verb:
            told.append("unpack" if verb == "import" else verb)
    return told
