# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of image_build begin with: a node, and a context on it."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _build_backends
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(_build_backends, "ModuleRunner", lambda _module: node.runner)
    return node


@pytest.fixture
def context(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY file /\n")
    (folder / "file").write_text("1")
    return folder
