# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_import from its options to its result."""

from __future__ import annotations

import pathlib
import re
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.modules import image_import
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    layer_tar,
    tar_bytes,
    write_folder,
)

NAME, OTHER = "docker.io/library/app:v1", "docker.io/library/other:v1"
PINNED = {PINNED_LABEL: "pinned"}
LAYERS = (layer_tar(b"one"), layer_tar(b"two", "other"))
SIZE = sum(map(len, LAYERS))
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(image_import, "ModuleRunner", lambda _module: node.runner)
    return node


@pytest.fixture
def bring(run_module: Run) -> Run:
    def bring(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(image_import.main, options, check=check, diff=True)

    return bring


@pytest.fixture
def image(node: FakeNode) -> oci.Descriptor:
    """An image in the namespace `default`."""
    target = node.images.manifest("linux/amd64", LAYERS, stated=False)
    node.containerd.put("default", NAME, target, node.images)
    return target


def archive(path: pathlib.Path, *named: tuple[str, bytes], platform: str = "linux/amd64") -> str:
    """An OCI archive of images by names and the content of their only layers."""
    images = ImageFactory()
    roots = [
        images.manifest(platform, [layer_tar(content)], stated=False).named(Reference.parse(name))
        for name, content in named
    ]
    path.write_bytes(tar_bytes(images.layout_members(*roots)))
    return str(path)


class TestNamespace:
    """From another namespace."""

    def test_the_documents_own_case(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        checked = bring(name=["app:v1"], pinned=True, check=True).result
        assert checked["changed"]
        assert node.containerd.names("k8s.io") == []
        result = bring(name=["app:v1"], pinned=True).result
        assert result["changed"]
        assert result["images"] == result["imported"] == [NAME]
        assert result["unchanged"] == []
        assert result["digests"] == {NAME: str(image.digest)}
        assert result["namespace"] == "k8s.io"
        assert (result["bytes_shared"], result["bytes_copied"]) == (SIZE, 0)
        assert (checked["bytes_shared"], checked["bytes_copied"]) == (0, 0)
        for key in ("actions", "diff", "images", "imported", "digests"):
            assert checked[key] == result[key]
        assert node.containerd.record("k8s.io", NAME).labels == PINNED
        assert node.containerd.whole("k8s.io", NAME)

    def test_again(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        bring(name=["app:v1"], pinned=True)
        for check in (True, False):
            again = bring(name=["app:v1"], check=check).result
            assert (again["changed"], again["imported"], again["unchanged"]) == (False, [], [NAME])
            assert again["actions"] == []
            assert again["diff"]["before"] == again["diff"]["after"]

    def test_unpacked(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        bring(name=["app:v1"])
        assert bring(name=["app:v1"], unpack=True, snapshotter="native").result["actions"] == [f"unpack {NAME}"]
        assert node.runner.commands("ctr", "images", "import", "--snapshotter")[0].value_of("--snapshotter") == "native"
        assert not bring(name=["app:v1"], unpack=True, snapshotter="native").result["changed"]

    def test_renamed(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        result = bring(name=["app:v1"], rename={"app:v1": "registry.example.com/app:2"}).result
        assert result["images"] == node.containerd.names("k8s.io") == ["registry.example.com/app:2"]

    def test_labels(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        bring(name=["app:v1"], labels={"team": "a", "tier": 1})
        assert node.containerd.record("k8s.io", NAME).labels == {"team": "a", "tier": "1"}

    def test_forced(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        bring(name=["app:v1"])
        assert bring(name=["app:v1"], force=True).result["changed"]

    def test_all_platforms(self, node: FakeNode, bring: Run) -> None:
        images = node.images
        index = images.index(images.manifest("linux/amd64", LAYERS), images.manifest("linux/arm64", [b"arm"]))
        node.containerd.put("default", NAME, index, images)
        bring(name=["app:v1"])
        assert not node.containerd.whole("k8s.io", NAME)
        assert bring(name=["app:v1"], all_platforms=True).result["changed"]
        assert node.containerd.whole("k8s.io", NAME)

    def test_some_are_there(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        bring(name=["app:v1"])
        node.containerd.put("default", OTHER, node.images.manifest(layers=[LAYERS[0]]), node.images)
        result = bring(name=["app:v1", "other:v1"]).result
        assert (result["imported"], result["unchanged"], result["images"]) == ([OTHER], [NAME], [NAME, OTHER])

    def test_all_are_looked_at_before_the_first_one_moves(
        self, node: FakeNode, bring: Run, image: oci.Descriptor
    ) -> None:
        hostile = node.images.manifest(labels={"containerd.io/restart.status": "running"})
        node.containerd.put("default", OTHER, hostile, node.images)
        answer = bring(name=["app:v1", "other:v1"])
        assert answer.failed
        assert "containerd.io/restart.status" in answer.result["msg"]
        assert node.containerd.names("k8s.io") == []

    def test_a_name_that_is_given_twice_is_one(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        assert bring(name=["app:v1", NAME]).result["images"] == [NAME]

    def test_names_may_be_swapped(self, node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
        other = node.images.manifest(layers=[LAYERS[0]], stated=False)
        node.containerd.put("default", OTHER, other, node.images)
        bring(name=["app:v1", "other:v1"], rename={"app:v1": "other:v1", "other:v1": "app:v1"})
        assert node.containerd.record("k8s.io", NAME).target.digest == other.digest
        assert node.containerd.record("k8s.io", OTHER).target.digest == image.digest


class TestArchive:
    """From an archive on the node."""

    def test_all_images_that_have_a_name(self, node: FakeNode, bring: Run, tmp_path: pathlib.Path) -> None:
        path = archive(tmp_path / "two.tar", ("app:v1", b"1"), ("other:v1", b"2"))
        checked = bring(path=path, check=True).result
        result = bring(path=path).result
        assert result["images"] == result["imported"] == checked["imported"] == [NAME, OTHER]
        assert result["bytes_copied"] == 2 * len(layer_tar(b"1"))
        assert node.containerd.names("k8s.io") == [NAME, OTHER]
        assert not bring(path=path).result["changed"]

    def test_one_of_them(self, node: FakeNode, bring: Run, tmp_path: pathlib.Path) -> None:
        path = archive(tmp_path / "two.tar", ("app:v1", b"1"), ("other:v1", b"2"))
        assert bring(path=path, name=["other:v1"], namespace="default").result["images"] == [OTHER]
        assert node.containerd.names("default") == [OTHER]

    def test_a_layout_folder(self, node: FakeNode, bring: Run, tmp_path: pathlib.Path) -> None:
        images = ImageFactory()
        root = images.manifest(layers=LAYERS).named(Reference.parse("app:v1"))
        folder = write_folder(tmp_path / "layout", images.layout_members(root))
        assert bring(path=str(folder)).result["images"] == [NAME]

    @pytest.mark.parametrize("part", [0.02, 0.3, 0.6])
    def test_cut_off(self, node: FakeNode, bring: Run, tmp_path: pathlib.Path, part: float) -> None:
        path = pathlib.Path(archive(tmp_path / "a.tar", ("app:v1", b"1" * 30000)))
        path.write_bytes(path.read_bytes()[: int(path.stat().st_size * part)])
        answer = bring(path=str(path))
        assert answer.failed
        assert answer.result["error"]["kind"] in {"integrity", "invalid_input"}
        assert str(path) in answer.result["msg"]
        assert node.containerd.names("k8s.io") == []

    def test_of_another_platform(self, node: FakeNode, bring: Run, tmp_path: pathlib.Path) -> None:
        path = archive(tmp_path / "arm.tar", ("app:v1", b"1"), platform="linux/arm64")
        answer = bring(path=path)
        assert answer.result["error"]["kind"] == "not_found"
        assert "linux/amd64" in answer.result["msg"]
        assert "linux/arm64" in answer.result["msg"]
        assert bring(path=path, platform="linux/arm64").result["changed"]

    @pytest.mark.parametrize("content", [b"", b"no archive", b"<html>login</html>" * 100])
    def test_something_else(self, node: FakeNode, bring: Run, tmp_path: pathlib.Path, content: bytes) -> None:
        (tmp_path / "x.tar").write_bytes(content)
        answer = bring(path=str(tmp_path / "x.tar"))
        assert answer.result["error"]["kind"] in {"integrity", "invalid_input"}
        assert str(tmp_path / "x.tar") in answer.result["msg"]


class TestBuildah:
    """From buildah's store."""

    def test_short_and_full_names(self, node: FakeNode, bring: Run) -> None:
        target = node.images.manifest("linux/amd64", LAYERS, stated=False)
        node.buildah = {"localhost/app:v1": target}
        result = bring(name=["app:v1"], buildah=True).result
        assert (result["images"], result["bytes_copied"]) == ([NAME], SIZE)
        assert node.containerd.record("k8s.io", NAME).target.digest == target.digest
        assert not bring(name=["app:v1"], buildah=True).result["changed"]
        assert len(node.runner.commands("buildah", "push")) == 1


class Failure(t.NamedTuple):
    """Options, and what the failure says: its kind and words of its message."""

    options: dict[str, t.Any]
    kind: str
    said: tuple[str, ...]


APP = {"name": ["app:v1"]}
FAILURES = {
    "no such image": Failure({"name": ["absent"]}, "not_found", ("namespace default", "absent:latest", "To do:")),
    "no such source": Failure(
        {**APP, "source_namespace": "nowhere"}, "not_found", ("no such namespace: nowhere", "To do")
    ),
    "no such namespace": Failure(
        {**APP, "namespace": "nowhere"}, "not_found", ("no such namespace: nowhere", "To do:")
    ),
    "namespace": Failure({**APP, "namespace": "a/b"}, "invalid_input", ("containerd namespace", "'a/b'", "Expected:")),
    "source": Failure(
        {**APP, "source_namespace": "-x"}, "invalid_input", ("containerd namespace", "'-x'", "Expected:")
    ),
    "reference": Failure({"name": ["a b"]}, "invalid_input", ("white space", "'a b'", "Expected:")),
    "platform": Failure({**APP, "platform": "x/"}, "invalid_input", ("Not a valid platform", "'x/'", "Expected:")),
    "other platform": Failure(
        {**APP, "platform": "linux/s390x"}, "not_found", ("linux/s390x", "linux/amd64", "To do:")
    ),
    "label": Failure({**APP, "labels": {"-a": "b"}}, "invalid_input", ("label", "-a=b", "Expected:")),
    "no such archive": Failure({"path": "/no/such.tar"}, "not_found", ("/no/such.tar",)),
    "timeout": Failure({**APP, "timeout": 0}, "invalid_input", ("timeout: 0", "Expected:")),
    "rename to nothing": Failure({**APP, "rename": {"app:v1": None}}, "invalid_input", ("rename: app:v1", "Expected:")),
    "rename to an empty name": Failure({**APP, "rename": {"app:v1": ""}}, "invalid_input", ("must not be empty",)),
    "rename to a list": Failure({**APP, "rename": {"app:v1": [1]}}, "invalid_input", ("rename",)),
    "rename to no name": Failure({**APP, "rename": {"app:v1": "A B"}}, "invalid_input", ("'A B'",)),
    "rename of something else": Failure({**APP, "rename": {"typo:v1": "x"}}, "invalid_input", ("rename", "typo:v1")),
    "two under one name": Failure(
        {"name": ["app:v1", "other:v1"], "rename": {"other:v1": "app:v1"}}, "invalid_input", (NAME,)
    ),
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("check", [False, True])
def test_a_failure_says_what_where_and_what_to_do(
    node: FakeNode, bring: Run, image: oci.Descriptor, case: str, check: bool
) -> None:
    node.containerd.put("default", OTHER, node.images.manifest(layers=[LAYERS[0]]), node.images)
    failure = FAILURES[case]
    answer = bring(check=check, **failure.options)
    assert answer.failed
    assert answer.result["error"]["kind"] == failure.kind
    for words in failure.said:
        assert words in answer.result["msg"]
    assert node.containerd.names("k8s.io") == []


def test_an_image_that_is_not_whole(node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
    lost = str(Digest.of(LAYERS[0]))
    node.containerd.namespaces["default"].held.remove(lost)
    answer = bring(name=["app:v1"])
    assert answer.result["error"]["kind"] == "integrity"
    assert lost in answer.result["msg"]


@pytest.mark.parametrize(
    ("labels", "accept", "failed"),
    [({"containerd.io/x": "y"}, False, True), ({"containerd.io/x": "y"}, True, False), ({"a": "b"}, False, False)],
)
def test_reserved_labels(node: FakeNode, bring: Run, labels: dict[str, str], accept: bool, failed: bool) -> None:
    node.containerd.put("default", NAME, node.images.manifest(layers=LAYERS, labels=labels), node.images)
    assert bring(name=["app:v1"], allow_reserved_labels=accept).failed is failed


def test_no_socket(bring: Run, tmp_path: pathlib.Path) -> None:
    answer = bring(name=["app:v1"], address=str(tmp_path / "absent.sock"))
    assert answer.result["error"]["kind"] == "unavailable"
    assert answer.result["error"]["subject"] == str(tmp_path / "absent.sock")


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"buildah": True},
        {"name": ["a"], "platform": "linux/amd64", "all_platforms": True},
        {"path": "/a", "buildah": True},
    ],
)
def test_ansible_itself_refuses_what_the_specification_excludes(
    node: FakeNode, bring: Run, options: dict[str, t.Any]
) -> None:
    answer = bring(**options)
    assert answer.failed
    assert node.runner.calls == []


def test_all_documented_keys_and_no_others(node: FakeNode, bring: Run, image: oci.Descriptor) -> None:
    documented = set(re.findall(r"^(\w+):", image_import.RETURN, re.MULTILINE)) - {"error"}
    for check in (True, False):
        result = bring(name=["app:v1"], check=check).result
        assert set(result) - {"invocation"} == documented | {"changed", "diff"}
