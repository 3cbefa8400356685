# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A containerd in memory, and a source of images."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import ImageImporter
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_import.importing import (
    LAYERS,
    Source,
)


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(_image_lock.image_lock.__wrapped__, "__defaults__", (str(tmp_path / "locks"),))


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def containerd(runner: FakeRunner) -> FakeContainerd:
    return FakeContainerd(runner, "default", "k8s.io")


@pytest.fixture
def importer(runner: FakeRunner, containerd: FakeContainerd) -> ImageImporter:
    return ImageImporter(ImageStore.connect(runner, SOCKET, "overlayfs"))


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


@pytest.fixture
def source(images: ImageFactory, tmp_path: pathlib.Path) -> Source:
    return Source(images, images.manifest(layers=LAYERS), tmp_path)
