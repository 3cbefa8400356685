# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bases that move at their registries are a reason to build if the user wants that."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import image_build
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry, fatal

BASE = "docker.io/library/debian:trixie-slim"
PULLS = {"nerdctl": "--pull", "buildctl": "image-resolve-mode=pull", "buildah": "--pull=true"}
Run = t.Callable[..., t.Any]


@pytest.fixture
def remote(node: FakeNode) -> FakeRegistry:
    return FakeRegistry(node.runner, node.containerd)


@pytest.fixture(params=PULLS)
def backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def build(backend: str, run_module: Run, tmp_path: pathlib.Path) -> Run:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM debian:trixie-slim\n")

    def build(*, check: bool = False, **options: t.Any) -> t.Any:
        given = {"name": "app:v1", "path": str(folder), "backend": backend, "base_digest": "check", **options}
        if backend != "buildah":
            given["buildkit_host"] = BUILDKIT
        return run_module(image_build.main, given, check=check, diff=True)

    return build


@pytest.mark.parametrize("indexed", [False, True])
def test_a_base_that_moved(node: FakeNode, remote: FakeRegistry, build: Run, backend: str, indexed: bool) -> None:
    old, new = (node.images.manifest(layers=[content]) for content in (b"old", b"new"))
    foreign = [node.images.manifest("linux/arm64", [content]) for content in (b"a", b"b")]

    def put(image: t.Any, other: t.Any) -> None:
        remote.put(BASE, node.images.index(image, other) if indexed else image, node.images)

    put(old, foreign[0])
    assert build().result["changed"]
    assert PULLS[backend] in node.builds[0].argv
    assert not build().result["changed"]
    # Another platform's manifest moves the index, but nothing that is built on here.
    put(old, foreign[1])
    assert not build().result["changed"]
    put(new, foreign[1])
    for check in (True, False):
        result = build(check=check).result
        assert result["changed"]
        assert result["rebuild_reasons"] == [f"base {BASE}: {old.digest} → {new.digest}"]
    assert not build().result["changed"]


def test_nobody_is_asked_otherwise(node: FakeNode, remote: FakeRegistry, build: Run, backend: str) -> None:
    remote.troubles = [fatal("never asked")]
    assert build(base_digest="ignore").result["changed"]
    assert PULLS[backend] not in node.builds[0].argv


def test_a_base_that_its_registry_does_not_have(node: FakeNode, remote: FakeRegistry, build: Run) -> None:
    for check in (True, False):
        answer = build(check=check)
        assert answer.failed
        assert answer.result["error"]["kind"] == "not_found"
        assert answer.result["error"]["subject"] == f"FROM {BASE}"
    assert node.builds == []


def test_a_base_that_is_named_by_its_digest_cannot_move(
    node: FakeNode, remote: FakeRegistry, build: Run, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "context" / "Dockerfile").write_text(f"FROM debian@sha256:{'0' * 64}\n")
    assert build().result["changed"]
    assert node.runner.commands("nerdctl", "manifest", "inspect") == []
