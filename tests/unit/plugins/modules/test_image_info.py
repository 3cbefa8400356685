# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_info from its options to its result."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_info import ImageInfo
from ansible_collections.nephoran.container_build.plugins.module_utils._image_visibility import Visibility
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import MANAGED_LABEL
from ansible_collections.nephoran.container_build.plugins.modules import image_info
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode

NAME, OTHER = "docker.io/library/app:v1", "docker.io/library/other:v1"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(image_info, "ModuleRunner", lambda _module: node.runner)
    images = node.images
    node.containerd.put("k8s.io", NAME, images.manifest(layers=[b"1"]), images, labels={MANAGED_LABEL: "managed"})
    node.containerd.put("default", NAME, images.manifest(layers=[b"1"]), images)
    node.containerd.put("default", OTHER, images.manifest(layers=[b"2"]), images)
    return node


@pytest.fixture
def ask(run_module: Run) -> Run:
    def ask(**options: t.Any) -> t.Any:
        return run_module(image_info.main, options)

    return ask


def found(result: dict[str, t.Any]) -> list[tuple[str, str]]:
    return [(image["namespace"], image["name"]) for image in result["images"]]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [("default", NAME), ("default", OTHER), ("k8s.io", NAME)]),
        ({"namespaces": ["k8s.io"]}, [("k8s.io", NAME)]),
        ({"namespace": "default"}, [("default", NAME), ("default", OTHER)]),
        ({"name": ["app:v1"]}, [("default", NAME), ("k8s.io", NAME)]),
        ({"name": ["other:v1"], "namespaces": ["k8s.io"]}, []),
        ({"name": ["absent"]}, []),
    ],
)
def test_what_is_found(node: FakeNode, ask: Run, options: dict[str, t.Any], expected: list[tuple[str, str]]) -> None:
    answer = ask(**options)
    assert answer.result["changed"] is False
    assert found(answer.result) == expected


def test_the_namespaces_that_were_looked_in(node: FakeNode, ask: Run) -> None:
    assert ask().result["namespaces"] == ["default", "k8s.io"]
    assert ask(namespaces=["k8s.io"]).result["namespaces"] == ["k8s.io"]


def test_the_one_question(node: FakeNode, ask: Run) -> None:
    (there,) = ask(name=["app:v1"], namespaces=["k8s.io"]).result["images"]
    assert (there["visible_to_kubernetes"], there["invisible_reasons"]) == (True, [])
    (elsewhere,) = ask(name=["app:v1"], namespaces=["default"]).result["images"]
    assert elsewhere["visible_to_kubernetes"] is False
    assert "namespace default" in elsewhere["invisible_reasons"][0]


def test_every_field_is_documented() -> None:
    images, _pods, rest = image_info.RETURN.partition("pods:\n")
    pods, _namespaces, _rest = rest.partition("namespaces:\n")
    for part, described in ((images, ImageInfo), (pods, Visibility)):
        documented = set(re.findall(r"^    (\w+):$", part, re.MULTILINE))
        assert documented == {field.name for field in dataclasses.fields(described)}


def test_what_pods_find(node: FakeNode, ask: Run) -> None:
    # Kubernetes looks in its own namespace, whatever this task was told to look at.
    there, elsewhere, absent = ask(name=["app:v1", "other:v1", "nowhere"], namespaces=["default"]).result["pods"]
    assert there == {"name": NAME, "visible": True, "reasons": []}
    assert (elsewhere["name"], elsewhere["visible"]) == (OTHER, False)
    assert "it is in default" in elsewhere["reasons"][0]
    assert "docker.io/library/nowhere:latest" in absent["reasons"][0]
    assert ask().result["pods"] == []


def test_nothing_changes(node: FakeNode, ask: Run) -> None:
    ask()
    changing = {"import", "ingest", "label", "rm", "build", "run"}
    assert not any(changing & set(call.argv) for call in node.runner.calls)


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"name": ["a b"]}, "invalid_input", "'a b'"),
        ({"namespaces": ["-x"]}, "invalid_input", "'-x'"),
        ({"namespaces": ["nowhere"]}, "not_found", "no such namespace: nowhere"),
        ({"timeout": 0}, "invalid_input", "timeout: 0"),
    ],
)
def test_a_failure_says_what_and_where(
    node: FakeNode, ask: Run, options: dict[str, t.Any], kind: str, said: str
) -> None:
    answer = ask(**options)
    assert answer.failed
    assert answer.result["error"]["kind"] == kind
    assert said in answer.result["msg"]


def test_no_socket(ask: Run, tmp_path: pathlib.Path) -> None:
    answer = ask(address=str(tmp_path / "absent.sock"))
    assert answer.result["error"]["kind"] == "unavailable"
    assert "systemctl start containerd" in answer.result["msg"]
