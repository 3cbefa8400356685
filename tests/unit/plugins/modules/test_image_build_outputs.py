# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outputs of the module image_build, from its options to files on the node."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import image_build
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call

NAME = "docker.io/library/app:v1"
PLACES = (("nerdctl", "default"), ("buildctl", "k8s.io"), ("buildah", "k8s.io"), ("buildah", None))
KINDS = ("local", "tar", "oci", "docker")
Run = t.Callable[..., t.Any]


@pytest.fixture(params=PLACES, ids=lambda place: f"{place[0]} for {place[1]}")
def build(request: pytest.FixtureRequest, run_module: Run, context: pathlib.Path, node: FakeNode) -> Run:
    backend, namespace = request.param

    def build(*outputs: dict[str, t.Any], check: bool = False, **options: t.Any) -> t.Any:
        given = {"name": "app:v1", "path": str(context), "backend": backend, "outputs": list(outputs), **options}
        if namespace is not None:
            given["namespace"] = namespace
        if backend != "buildah":
            given["buildkit_host"] = BUILDKIT
        return run_module(image_build.main, given, check=check, diff=True)

    return build


def content(path: pathlib.Path) -> bytes:
    return (path / "file" if path.is_dir() else path).read_bytes()


def parts(result: dict[str, t.Any]) -> tuple[bool, list[str], list[str]]:
    return result["changed"], result["rebuild_reasons"], result["actions"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_life_of_an_output(
    node: FakeNode, build: Run, context: pathlib.Path, tmp_path: pathlib.Path, kind: str
) -> None:
    dest = tmp_path / "out"
    output = {"type": kind, "dest": str(dest)}

    checked = build(output, check=True).result
    assert not dest.exists()
    first = build(output).result
    assert parts(first) == parts(checked)
    assert first["rebuild_reasons"] == ["image missing", f"output {dest} missing"]
    assert first["actions"][-1] == f"write {dest} (missing)"
    assert first["diff"]["after"][str(dest)] == {"present": True, "type": kind}
    written = content(dest)
    assert written

    started = len(node.runner.calls)
    for check in (True, False):
        assert parts(build(output, check=check).result) == (False, [], [])
    assert not [call for call in node.runner.calls[started:] if node.writes_root(call) or call.has("buildah", "push")]

    (context / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    checked = build(output, check=True).result
    changed = build(output).result
    assert parts(changed) == parts(checked)
    assert changed["rebuild_reasons"] == ["Dockerfile changed", "context: Dockerfile changed"]
    assert changed["actions"][-1] == f"write {dest} (the image is built)"
    assert content(dest) != written
    assert parts(build(output).result) == (False, [], [])

    (dest / "file" if dest.is_dir() else dest).write_text("tampered")
    builds = len(node.builds)
    for check in (True, False):
        assert parts(build(output, check=check).result) == (
            True,
            [f"output {dest} changed"],
            [f"write {dest} (changed)"],
        )
    assert content(dest) != b"tampered"
    # The image was what it should be, so only the output was made.
    assert len(node.builds) == builds
    assert not list(tmp_path.glob(".out*"))


def test_an_output_of_another_image(build: Run, context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "out.tar"
    build({"type": "tar", "dest": str(dest)})
    (context / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    build()
    again = build({"type": "tar", "dest": str(dest)}).result
    assert again["rebuild_reasons"] == [f"output {dest} made of another image"]
    assert again["changed"]


def test_another_kind_of_output(build: Run, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "out.tar"
    build({"type": "tar", "dest": str(dest)})
    written = dest.read_bytes()
    again = build({"type": "oci", "dest": str(dest)}).result
    assert again["rebuild_reasons"] == [f"output {dest} is not known to be of this image"]
    assert dest.read_bytes() != written


def test_never_means_only_what_is_missing(build: Run, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "out.tar"
    output = {"type": "tar", "dest": str(dest)}
    assert build(output, rebuild="never").result["changed"]
    dest.write_text("tampered")
    assert parts(build(output, rebuild="never").result) == (False, [], [])
    dest.unlink()
    assert build(output, rebuild="never").result["rebuild_reasons"] == [f"output {dest} missing"]


def test_always_says_changed_only_if_something_came_out_differently(build: Run, tmp_path: pathlib.Path) -> None:
    output = {"type": "tar", "dest": str(tmp_path / "out.tar")}
    build(output)
    again = build(output, rebuild="always").result
    assert (again["changed"], again["rebuild_reasons"]) == (False, ["rebuild: always"])


def test_a_folder_of_somebody_elses_is_left_alone(node: FakeNode, build: Run, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "srv"
    dest.mkdir()
    (dest / "precious").write_text("mine")
    for check in (True, False):
        answer = build({"type": "local", "dest": str(dest)}, check=check)
        assert answer.failed
        assert answer.result["error"]["kind"] == "refused"
        assert "did not write" in answer.result["msg"]
    assert [path.name for path in dest.iterdir()] == ["precious"]
    assert node.builds == []


def test_an_empty_folder_may_be_there(build: Run, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "out"
    dest.mkdir()
    assert build({"type": "local", "dest": str(dest)}).result["rebuild_reasons"][-1] == f"output {dest} missing"
    assert content(dest)


def test_a_failing_tool_leaves_the_output_that_was_there(
    node: FakeNode, build: Run, context: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    dest = tmp_path / "out"
    build({"type": "local", "dest": str(dest)})
    written = content(dest)
    (context / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    for words in (("nerdctl", "--output"), ("buildctl", "--output"), ("buildah", "--output")):
        node.runner.on(*words, do=_FailingRoot(node))
    answer = build({"type": "local", "dest": str(dest)})
    assert answer.failed
    assert answer.result["error"]["subject"].startswith(str(tmp_path / ".out"))
    assert content(dest) == written
    assert not list(tmp_path.glob(".out*"))


class TestAnImageThatIsGoneFromWhereItWasBuilt:
    """An output is made where the builder sees the image, which need not be where the image was asked for."""

    @pytest.fixture
    def build(self, run_module: Run, context: pathlib.Path, node: FakeNode) -> Run:
        def build(*outputs: dict[str, t.Any], **options: t.Any) -> t.Any:
            given = {"name": "app:v1", "path": str(context), "namespace": "k8s.io", "outputs": list(outputs), **options}
            return run_module(image_build.main, {**given, "buildkit_host": BUILDKIT})

        build()
        del node.containerd.namespaces["default"].records[NAME]
        return build

    def test_it_is_built_there_again(self, node: FakeNode, build: Run, tmp_path: pathlib.Path) -> None:
        again = build({"type": "tar", "dest": str(tmp_path / "out.tar")})
        assert again.result["rebuild_reasons"] == [f"output {tmp_path}/out.tar missing"]
        assert node.containerd.record("default", NAME).target == node.containerd.record("k8s.io", NAME).target
        assert (tmp_path / "out.tar").exists()

    def test_unless_it_would_become_another_one(
        self, build: Run, context: pathlib.Path, tmp_path: pathlib.Path
    ) -> None:
        (context / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
        answer = build({"type": "tar", "dest": str(tmp_path / "out.tar")}, rebuild="never")
        assert answer.failed
        assert "what it was made from has changed" in answer.result["msg"]
        assert not (tmp_path / "out.tar").exists()


def test_further_names(node: FakeNode, build: Run, context: pathlib.Path) -> None:
    output = {"type": "image", "name": ["app:stable", "registry.example.com/team/app"]}
    names = ["docker.io/library/app:stable", "registry.example.com/team/app:latest"]
    checked = build(output, check=True).result
    first = build(output).result
    place = first["namespace"] or "buildah's store"
    assert checked["changed"]
    assert [action.split(" (")[0] for action in checked["actions"]][-2:] == [
        f"name {name} in {place}" for name in names
    ]
    assert first["changed"]
    for name in names:
        assert _target(node, first["namespace"], name) == first["digest"]
    assert parts(build(output).result) == (False, [], [])
    (context / "Dockerfile").write_text("FROM scratch\nLABEL a=b\n")
    second = build(output).result
    assert second["digest"] != first["digest"]
    assert {_target(node, first["namespace"], name) for name in names} == {second["digest"]}


def _target(node: FakeNode, namespace: str, name: str) -> str:
    target = node.containerd.record(namespace, name).target if namespace else node.buildah[name]
    return str(target.digest)


class _FailingRoot:
    """Builders that write half of an output and give up."""

    def __init__(self, node: FakeNode) -> None:
        self._node = node

    def __call__(self, call: Call) -> Answer:
        if not self._node.writes_root(call):
            return {"nerdctl": self._node._nerdctl_build, "buildctl": self._node._buildctl_build}[call.argv[0]](call)
        path = pathlib.Path(call.value_of("--output").split("dest=")[1])
        path.mkdir()
        (path / "half").write_text("half")
        return Answer(rc=1, stderr="error: no more")
