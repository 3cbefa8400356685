# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_push from its options to its result."""

from __future__ import annotations

import base64
import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.modules import image_push
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call

APP, PUSHED = "docker.io/library/app:v1", "registry.example.com/app:v1"
PASSWORD = "s3cret-and-unique"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(image_push, "ModuleRunner", lambda _module: node.runner)
    return node


@pytest.fixture
def remote(node: FakeNode) -> FakeRegistry:
    return FakeRegistry(node.runner, node.containerd)


@pytest.fixture
def push(run_module: Run, remote: FakeRegistry) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(image_push.main, {"name": "app:v1", **options}, check=check, diff=True)

    return run


@pytest.fixture
def image(node: FakeNode) -> oci.Descriptor:
    target = node.images.manifest(stated=False)
    node.containerd.put("default", APP, target, node.images)
    return target


def test_once(node: FakeNode, push: Run, remote: FakeRegistry, image: oci.Descriptor) -> None:
    checked = push(repository=PUSHED, check=True).result
    assert remote.images == {}
    result = push(repository=PUSHED).result
    assert result == {**checked, "command": result["command"], "invocation": result["invocation"]}
    assert result["changed"]
    assert (result["image"], result["destination"], result["namespace"]) == (APP, PUSHED, "default")
    assert result["digest"] == str(image.digest) == str(remote.images[PUSHED].digest)
    assert result["command"][-4:] == ["push", "--quiet", "--all-platforms", PUSHED]
    assert result["diff"]["before"] == {PUSHED: {"present": False}}
    again = push(repository=PUSHED).result
    assert (again["changed"], again["actions"], again["command"]) == (False, [], [])
    assert again["digest"] == str(image.digest)


def test_from_buildah(node: FakeNode, push: Run, remote: FakeRegistry) -> None:
    image = node.images.manifest(stated=False)
    node.buildah["localhost/app:v1"] = image

    def buildah_push(call: Call) -> Answer:
        remote.take_from_buildah(call.argv[-1].removeprefix("docker://"), image, node.images)
        return Answer()

    node.runner.on("buildah", "push", do=buildah_push)
    result = push(buildah=True, repository=PUSHED).result
    assert (result["changed"], result["namespace"]) == (True, "")
    assert result["digest"] == str(remote.images[PUSHED].digest)
    assert not push(buildah=True, repository=PUSHED).result["changed"]
    assert node.runner.commands("ctr") == node.runner.commands("containerd") == []


def test_a_password_is_nowhere_but_in_a_private_file(
    node: FakeNode, push: Run, remote: FakeRegistry, image: oci.Descriptor
) -> None:
    seen: list[str] = []

    def inspect(call: Call) -> Answer:
        assert call.environ is not None
        file = pathlib.Path(call.environ["DOCKER_CONFIG"], "config.json")
        seen.append(base64.b64decode(json.loads(file.read_text())["auths"]["registry.example.com"]["auth"]).decode())
        return remote._inspect(call)

    node.runner.on("nerdctl", "manifest", "inspect", do=inspect)
    result = push(repository=PUSHED, username="builder", password=PASSWORD).result
    assert result["changed"]
    assert set(seen) == {f"builder:{PASSWORD}"}
    assert PASSWORD not in json.dumps(result)
    assert PASSWORD not in repr([call.argv for call in node.runner.calls])
    assert PASSWORD not in repr([call.environ for call in node.runner.calls])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "--all"}, "must not begin with '-'"),
        ({"repository": "--all"}, "must not begin with '-'"),
        ({"repository": f"app@sha256:{'a' * 64}"}, "cannot be pushed to a name that holds a digest"),
        ({"name": f"app@sha256:{'a' * 64}"}, "cannot be pushed to a name that holds a digest"),
        ({"platform": "--help"}, "Not a valid platform"),
        ({"namespace": "a b"}, "Not a valid containerd namespace"),
        ({"retries": -1}, "Not a number of retries"),
        ({"timeout": -1}, "Not a time limit"),
        ({"username": "builder"}, "required together"),
        ({"auth_file": "/a", "username": "b", "password": "word-of-pass"}, "mutually exclusive"),
        ({"auth_file": "/nowhere/config.json"}, "cannot be read"),
        ({"buildah": True, "namespace": "default"}, "mutually exclusive"),
        ({"buildah": True, "platform": "linux/arm64"}, "mutually exclusive"),
        ({"buildah": True, "timeout": 0}, "Not a time limit"),
    ],
)
def test_what_cannot_be_used_is_told_before_anything_is_done(
    node: FakeNode, push: Run, options: dict[str, t.Any], words: str
) -> None:
    answer = push(**options)
    assert answer.failed
    assert words in answer.result["msg"]
    assert node.runner.calls == []
