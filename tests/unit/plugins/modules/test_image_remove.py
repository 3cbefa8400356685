# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_remove from its options to its result."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.modules import image_remove
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call

APP, OTHER = "docker.io/library/app:v1", "docker.io/library/other:v1"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(image_remove, "ModuleRunner", lambda _module: node.runner)
    return node


@pytest.fixture
def remove(run_module: Run) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(image_remove.main, {"name": ["app:v1"], **options}, check=check, diff=True)

    return run


class TestContainerd:
    """From namespaces."""

    def test_once(self, node: FakeNode, remove: Run) -> None:
        image = node.images.manifest()
        for namespace in ("default", "k8s.io"):
            node.containerd.put(namespace, APP, image, node.images)
        node.containerd.put("k8s.io", OTHER, image, node.images)
        options = {"name": ["app:v1", "absent", "other:v1"], "namespaces": ["default", "k8s.io"]}
        checked = remove(**options, check=True).result
        assert node.containerd.names("k8s.io") == [APP, OTHER]
        result = remove(**options).result
        assert result == {**checked, "invocation": result["invocation"]}
        assert result["removed_images"] == [
            {"name": name, "namespace": namespace, "digest": str(image.digest)}
            for namespace, name in (("default", APP), ("k8s.io", APP), ("k8s.io", OTHER))
        ]
        assert len(result["actions"]) == 3
        assert result["diff"]["after"][f"{APP} in default"] == {"present": False}
        assert node.containerd.names("default") == node.containerd.names("k8s.io") == []
        again = remove(**options).result
        assert (again["changed"], again["removed_images"], again["actions"]) == (False, [], [])

    def test_the_default_is_nerdctls_namespace(self, node: FakeNode, remove: Run) -> None:
        for namespace in ("default", "k8s.io"):
            node.containerd.put(namespace, APP, node.images.manifest(), node.images)
        assert remove().result["changed"]
        assert (node.containerd.names("default"), node.containerd.names("k8s.io")) == ([], [APP])

    def test_one_namespace_that_refuses_saves_the_others(self, node: FakeNode, remove: Run) -> None:
        node.containerd.put("default", APP, node.images.manifest(), node.images)
        node.containerd.put("k8s.io", APP, node.images.manifest(), node.images, labels={PINNED_LABEL: "pinned"})
        options = {"namespaces": ["default", "k8s.io"]}
        refused = remove(**options)
        assert refused.failed
        assert refused.result["error"]["kind"] == "refused"
        assert node.containerd.names("default") == [APP]
        assert remove(**options, remove_pinned=True).result["changed"]

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"name": ["--all"]}, "must not begin with '-'"),
            ({"name": ["sha256:12"]}, "Not a valid digest"),
            ({"namespaces": ["--help"]}, "Not a valid containerd namespace"),
            ({"buildah": True, "namespaces": ["default"]}, "mutually exclusive"),
            ({"buildah": True, "name": [f"sha256:{'a' * 64}"]}, "by their names alone"),
        ],
    )
    def test_what_cannot_be_used(self, node: FakeNode, remove: Run, options: dict[str, t.Any], words: str) -> None:
        answer = remove(**options)
        assert answer.failed
        assert words in answer.result["msg"]
        assert node.runner.calls == []


class TestBuildah:
    """From buildah's store."""

    @pytest.fixture
    def containers(self, node: FakeNode) -> list[dict[str, str]]:
        listed: list[dict[str, str]] = []

        def rmi(call: Call) -> Answer:
            del node.buildah[call.argv[-1]]
            return Answer()

        node.runner.on("buildah", "rmi", do=rmi)
        node.runner.on("buildah", "containers", do=lambda _call: Answer(json.dumps(listed)))
        return listed

    @pytest.fixture
    def image(self, node: FakeNode) -> oci.Descriptor:
        node.buildah["localhost/app:v1"] = node.images.manifest(stated=False)
        return node.buildah["localhost/app:v1"]

    @pytest.mark.usefixtures("containers")
    def test_once(self, node: FakeNode, remove: Run, image: oci.Descriptor) -> None:
        checked = remove(buildah=True, check=True).result
        assert list(node.buildah) == ["localhost/app:v1"]
        result = remove(buildah=True).result
        assert result == {**checked, "invocation": result["invocation"]}
        assert result["removed_images"] == [{"name": "localhost/app:v1", "namespace": "", "digest": str(image.digest)}]
        assert result["actions"] == [f"remove localhost/app:v1 from buildah's store ({image.digest})"]
        assert node.buildah == {}
        assert not remove(buildah=True).result["changed"]
        assert node.runner.commands("containerd") == node.runner.commands("nerdctl") == []

    def test_containers_keep_it(
        self, node: FakeNode, remove: Run, image: oci.Descriptor, containers: list[dict[str, str]]
    ) -> None:
        config = oci.Manifest.parse(node.images.read(image)).config.digest
        containers.append({"id": "c" * 64, "imageid": config.encoded})
        refused = remove(buildah=True)
        assert (
            "Containers were made from the image: localhost/app:v1 in buildah's store: cccccccccccc"
            in (refused.result["msg"])
        )
        assert list(node.buildah) == ["localhost/app:v1"]
        forced = remove(buildah=True, force=True).result
        assert forced["actions"][0] == "remove container cccccccccccc from buildah's store"
        assert node.runner.commands("buildah", "rmi")[0].argv == ("buildah", "rmi", "--force", "localhost/app:v1")
