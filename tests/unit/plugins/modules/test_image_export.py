# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_export from its options to its result."""

from __future__ import annotations

import pathlib
import stat
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.modules import image_export
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode

APP = "docker.io/library/app:v1"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(image_export, "ModuleRunner", lambda _module: node.runner)
    return node


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "app.tar"


@pytest.fixture
def export(run_module: Run, path: pathlib.Path) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(image_export.main, {"name": ["app:v1"], "path": str(path), **options}, check=check, diff=True)

    return run


@pytest.fixture
def image(node: FakeNode) -> oci.Descriptor:
    target = node.images.manifest(stated=False)
    node.containerd.put("default", APP, target, node.images)
    return target


def test_once(node: FakeNode, export: Run, image: oci.Descriptor, path: pathlib.Path) -> None:
    checked = export(check=True, mode="0640").result
    assert not path.exists()
    assert (checked["changed"], checked["size"]) == (True, 0)
    result = export(mode="0640").result
    assert result["changed"]
    assert result["actions"] == checked["actions"] == [f"write {path} (absent)", f"set mode {path} (0640)"]
    assert result["path"] == str(path)
    assert result["digests"] == checked["digests"] == {APP: str(image.digest)}
    assert result["size"] == path.stat().st_size > 0
    assert result["namespace"] == "default"
    assert "--skip-manifest-json" in result["command"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    again = export(mode="0640").result
    assert (again["changed"], again["actions"], again["command"]) == (False, [], [])


def test_the_mode_alone(export: Run, image: oci.Descriptor, path: pathlib.Path) -> None:
    export(mode="0640")
    inode = path.stat().st_ino
    checked = export(mode="0600", check=True).result
    assert checked["actions"] == [f"set mode {path} (0600)"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    result = export(mode="0600").result
    assert (result["changed"], result["command"]) == (True, [])
    assert (result["diff"]["before"]["mode"], result["diff"]["after"]["mode"]) == ("0640", "0600")
    assert (stat.S_IMODE(path.stat().st_mode), path.stat().st_ino) == (0o600, inode)


def test_for_docker(export: Run, image: oci.Descriptor) -> None:
    assert "--skip-manifest-json" not in export(format="docker").result["command"]
    assert export(format="oci", check=True).result["changed"]
    assert not export(format="docker").result["changed"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": ["--all"]}, "must not begin with '-'"),
        ({"namespace": "--help"}, "Not a valid containerd namespace"),
        ({"platform": "--help"}, "Not a valid platform"),
        ({"platform": "linux/amd64", "all_platforms": True}, "mutually exclusive"),
        ({"path": "/nowhere/app.tar"}, "The folder for the archive does not exist"),
        ({"format": "zip"}, "value of format must be one of"),
    ],
)
def test_what_cannot_be_used(node: FakeNode, export: Run, options: dict[str, t.Any], words: str) -> None:
    answer = export(**options)
    assert answer.failed
    assert words in answer.result["msg"]
    assert node.runner.calls == []
