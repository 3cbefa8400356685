# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_tag from its options to its result."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.modules import image_tag
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode

APP, STABLE, PUSHED = "docker.io/library/app:v1", "docker.io/library/app:stable", "registry.example.com/app:v1"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(image_tag, "ModuleRunner", lambda _module: node.runner)
    return node


@pytest.fixture
def tag(run_module: Run) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(image_tag.main, {"name": "app:v1", **options}, check=check, diff=True)

    return run


@pytest.fixture
def image(node: FakeNode) -> oci.Descriptor:
    target = node.images.manifest(stated=False)
    node.containerd.put("default", APP, target, node.images)
    return target


def test_names_are_given_once(node: FakeNode, tag: Run, image: oci.Descriptor) -> None:
    options = {"repository": ["app:stable", "registry.example.com/app:v1", "docker.io/app:stable"], "pinned": True}
    checked = tag(**options, check=True).result
    assert node.containerd.names("default") == [APP]
    result = tag(**options).result
    assert result == {**checked, "invocation": result["invocation"]}
    assert result["changed"]
    assert (result["image"], result["digest"], result["namespace"]) == (APP, str(image.digest), "default")
    assert (result["tagged_images"], result["kept_images"]) == ([STABLE, PUSHED], [])
    assert result["diff"]["before"][STABLE] == {"present": False}
    assert result["diff"]["after"][STABLE]["labels"] == {PINNED_LABEL: "pinned"}
    again = tag(**options).result
    assert not again["changed"]
    assert (again["tagged_images"], again["actions"]) == ([], [])


def test_an_existing_name_is_kept_or_moved(node: FakeNode, tag: Run, image: oci.Descriptor) -> None:
    other = node.images.manifest(layers=[b"other"], stated=False)
    node.containerd.put("default", STABLE, other, node.images)
    kept = tag(repository=["app:stable"], existing_images="keep").result
    assert (kept["changed"], kept["kept_images"], kept["tagged_images"]) == (False, [STABLE], [])
    moved = tag(repository=["app:stable"]).result
    assert (moved["changed"], moved["kept_images"], moved["tagged_images"]) == (True, [], [STABLE])
    assert node.containerd.record("default", STABLE).target.digest == image.digest


@pytest.mark.parametrize(
    ("name", "tag_option", "found"), [("app", "v1", True), ("app:v1", "v2", True), ("app", None, False)]
)
def test_the_tag_in_the_name_wins(tag: Run, image: oci.Descriptor, name: str, tag_option: str, found: bool) -> None:
    result = tag(name=name, **({"tag": tag_option} if tag_option else {}), repository=["app:stable"]).result
    assert bool(result.get("failed")) is not found
    assert found or "docker.io/library/app:latest" in result["msg"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "--help"}, "must not begin with '-'"),
        ({"repository": ["--force"]}, "must not begin with '-'"),
        ({"repository": [f"app@sha256:{'a' * 64}"]}, "cannot be given a name that holds a digest"),
        ({"namespace": "a b"}, "Not a valid containerd namespace"),
        ({"labels": {"a": []}}, "Not a text"),
        ({"timeout": 0}, "Not a time limit"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_done(
    node: FakeNode, tag: Run, options: dict[str, t.Any], words: str
) -> None:
    answer = tag(**{"repository": ["app:stable"], **options})
    assert answer.failed
    assert words in answer.result["msg"]
    assert node.runner.calls == []
