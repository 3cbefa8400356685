# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that the module image_build builds and pushes."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import image_build
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry, fatal
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call

NAME = "registry.example.com/team/app:v1"
SECOND = "registry.example.com/team/app:stable"
PASSWORD = "s3cret-and-unique"
PLACES = (("nerdctl", "default"), ("buildctl", "k8s.io"), ("buildah", "k8s.io"), ("buildah", None))
Run = t.Callable[..., t.Any]


@pytest.fixture
def remote(node: FakeNode) -> FakeRegistry:
    remote = FakeRegistry(node.runner, node.containerd)
    elsewhere = node._buildah_push

    def buildah_push(call: Call) -> Answer:
        if not call.argv[-1].startswith("docker://"):
            return elsewhere(call)
        remote.take_from_buildah(call.argv[-1].removeprefix("docker://"), node.buildah[call.argv[-2]], node.images)
        return Answer()

    node.runner.on("buildah", "push", do=buildah_push)
    return remote


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0]} for {place[1]}")
def build(request: pytest.FixtureRequest, run_module: Run, context: pathlib.Path, remote: FakeRegistry) -> Run:
    backend, namespace = request.param

    def build(*, check: bool = False, **options: t.Any) -> t.Any:
        given = {"name": NAME, "path": str(context), "backend": backend, **options}
        if namespace is not None:
            given["namespace"] = namespace
        if backend != "buildah":
            given["buildkit_host"] = BUILDKIT
        return run_module(image_build.main, given, check=check, diff=True)

    return build


def digest(remote: FakeRegistry, name: str) -> str:
    return str(remote.images[name].digest)


def test_what_was_built_is_pushed_once(build: Run, remote: FakeRegistry) -> None:
    checked = build(push=True, check=True).result
    assert checked["changed"]
    assert checked["actions"][-1] == f"push {NAME} (the image is built)"
    assert checked["pushed"] == {NAME: ""}
    assert remote.images == {}

    first = build(push=True).result
    assert first["changed"]
    assert first["actions"][-1].startswith(f"push {NAME} (absent → ")
    assert first["pushed"] == {NAME: digest(remote, NAME)}

    for check in (True, False):
        again = build(push=True, check=check).result
        assert (again["changed"], again["actions"]) == (False, [])
        assert again["pushed"] == first["pushed"]


def test_only_the_registry_has_moved(build: Run, remote: FakeRegistry) -> None:
    build(push=True)
    there = remote.images.pop(NAME)
    for check in (True, False):
        again = build(push=True, check=check).result
        assert again["changed"]
        assert again["rebuild_reasons"] == []
        assert again["command"] == []
        assert [action.split(" (")[0] for action in again["actions"]] == [f"push {NAME}"]
    assert remote.images[NAME] == there


def test_a_changed_image(build: Run, remote: FakeRegistry, context: pathlib.Path) -> None:
    build(push=True)
    before = digest(remote, NAME)
    (context / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    result = build(push=True).result
    assert result["pushed"] == {NAME: digest(remote, NAME)}
    assert digest(remote, NAME) != before


def test_further_names_are_pushed_as_well(build: Run, remote: FakeRegistry) -> None:
    build(outputs=[{"type": "image", "name": [SECOND, "local:v1"], "push": False}])
    assert remote.images == {}
    outputs = [{"type": "image", "name": [SECOND], "push": True}]
    checked = build(outputs=outputs, check=True).result
    result = build(outputs=outputs).result
    assert checked["changed"]
    assert checked["actions"] == result["actions"]
    assert [action.split(" (")[0] for action in result["actions"]] == [f"push {SECOND}"]
    assert list(remote.images) == [SECOND]
    assert not build(outputs=outputs).result["changed"]


def test_a_registry_out_of_reach_is_told_of_in_check_mode(build: Run, remote: FakeRegistry) -> None:
    remote.troubles = [fatal("failed to do request: dial tcp 192.0.2.1:443: connect: connection refused")] * 9
    answer = build(push=True, retries=0, check=True)
    assert answer.failed
    assert answer.result["error"]["kind"] == "unavailable"
    assert NAME in answer.result["msg"]


def test_credentials_stand_in_files_alone(build: Run, node: FakeNode) -> None:
    result = build(push=True, username="ci", password=PASSWORD).result
    assert result["changed"]
    for call in node.runner.calls:
        assert PASSWORD not in " ".join(call.argv)
        assert PASSWORD not in str(dict(call.environ or {}))
    asked = node.runner.commands("nerdctl", "manifest", "inspect")
    assert all((call.environ or {})["DOCKER_CONFIG"] for call in asked)
    del result["invocation"]
    assert PASSWORD not in json.dumps(result)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"username": "ci", "password": "x"}, "nothing is pushed"),
        ({"push": True, "retries": -1}, "Not a number of retries"),
        ({"push": True, "username": "a:b", "password": "x"}, "Not a user name"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_is_built(
    build: Run, node: FakeNode, options: dict[str, t.Any], said: str
) -> None:
    answer = build(**options)
    assert answer.failed
    assert said in answer.result["msg"]
    assert node.builds == []
