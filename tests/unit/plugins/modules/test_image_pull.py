# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_pull from its options to its result."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.modules import image_pull
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry

APP = "registry.example.com/app:v1"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(image_pull, "ModuleRunner", lambda _module: node.runner)
    return node


@pytest.fixture
def remote(node: FakeNode) -> FakeRegistry:
    return FakeRegistry(node.runner, node.containerd)


@pytest.fixture
def pull(run_module: Run, remote: FakeRegistry) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(image_pull.main, {"name": APP, **options}, check=check, diff=True)

    return run


def test_once(node: FakeNode, pull: Run, remote: FakeRegistry) -> None:
    image = node.images.manifest(stated=False)
    remote.put(APP, image, node.images)
    options = {"namespace": "k8s.io", "pinned": True, "labels": {"team": "a"}}
    checked = pull(**options, check=True).result
    assert node.containerd.names("k8s.io") == []
    result = pull(**options).result
    assert result == {**checked, "command": result["command"], "invocation": result["invocation"]}
    assert result["changed"]
    assert (result["image"], result["namespace"], result["digest"]) == (APP, "k8s.io", str(image.digest))
    assert result["command"][-6:] == ["pull", "--quiet", "--unpack=false", "--platform", "linux/amd64", APP]
    assert result["diff"]["before"] == {APP: {"present": False}}
    assert node.containerd.record("k8s.io", APP).labels == {PINNED_LABEL: "pinned", "team": "a"}
    again = pull(**options).result
    assert (again["changed"], again["actions"], again["command"]) == (False, [], [])


def test_a_tag_that_moves_is_followed_if_that_is_asked_for(node: FakeNode, pull: Run, remote: FakeRegistry) -> None:
    remote.put(APP, node.images.manifest(layers=[b"old"], stated=False), node.images)
    pull()
    new = node.images.manifest(stated=False)
    remote.put(APP, new, node.images)
    assert not pull(policy="missing").result["changed"]
    assert pull(pull="always").result["digest"] == str(new.digest)
    assert not pull(policy="always").result["changed"]


def test_all_platforms(node: FakeNode, pull: Run, remote: FakeRegistry) -> None:
    images = node.images
    remote.put(APP, images.index(images.manifest(layers=[b"a"]), images.manifest("linux/arm64", [b"b"])), images)
    result = pull(all_platforms=True).result
    assert "--all-platforms" in result["command"]
    assert node.containerd.whole("default", APP)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "--all"}, "must not begin with '-'"),
        ({"tag": "a b", "name": "app"}, "Not a valid tag"),
        ({"platform": "--help"}, "Not a valid platform"),
        ({"platform": "linux/amd64", "all_platforms": True}, "mutually exclusive"),
        ({"namespace": "--help"}, "Not a valid containerd namespace"),
        ({"labels": {"": "x"}}, "Not a label of an image record"),
        ({"policy": "never"}, "value of policy must be one of"),
        ({"password": "word-of-pass"}, "required together"),
        ({"timeout": 0}, "Not a time limit"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_done(
    node: FakeNode, pull: Run, options: dict[str, t.Any], words: str
) -> None:
    answer = pull(**options)
    assert answer.failed
    assert words in answer.result["msg"]
    assert node.runner.calls == []
