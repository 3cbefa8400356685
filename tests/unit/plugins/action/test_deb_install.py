# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of the controller are sent to a node that needs them, and no others."""

from __future__ import annotations

import hashlib
import pathlib
import typing as t

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible_collections.nephoran.container_build.plugins.action import deb_install
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import INDEX_NAME, stanza
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_controller import TEMPORARY, FakeController

DONE = {"changed": True}
FILES = ("buildah_1_amd64.deb", "crun_1_amd64.deb", "netavark_1_amd64.deb")


def needs(*files: str) -> dict[str, t.Any]:
    return {"failed": True, "msg": "lacks", "error": {"kind": "packages_needed", "needed": list(files)}}


class Controller(FakeController):
    """Runs the action plugin."""

    plugin = deb_install
    module = "nephoran.container_build.deb_install"

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: pathlib.Path) -> None:
        super().__init__(monkeypatch)
        self.folder = folder

    @property
    def names_sent(self) -> list[str]:
        assert all(remote == f"{TEMPORARY}/{pathlib.Path(local).name}" for local, remote in self.sent)
        return [pathlib.Path(local).name for local, _remote in self.sent]


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Controller:
    entries = []
    for name in FILES:
        (tmp_path / name).write_bytes(name.encode())
        control = f"Package: {name.partition('_')[0]}\nVersion: 1\nArchitecture: amd64\n"
        entries.append(stanza(control, name, len(name), hashlib.sha256(name.encode()).hexdigest()))
    (tmp_path / INDEX_NAME).write_text("\n".join(entries), encoding="utf-8")
    return Controller(monkeypatch, tmp_path)


def test_a_node_that_has_the_packages_is_sent_nothing(controller: Controller) -> None:
    controller.answers = [{"changed": False}]
    options = {"name": ["buildah"], "src": "/nonexistent", "remote_src": False, "lock_timeout": 5}
    assert controller.run(**options) == {"changed": False}
    assert controller.calls == [{"name": ["buildah"], "lock_timeout": 5}]
    assert controller.sent == []


def test_a_node_is_sent_the_index_and_then_what_it_lacks(controller: Controller) -> None:
    controller.answers = [needs(), needs(FILES[2], FILES[0]), DONE]
    assert controller.run(name=["buildah"], src=str(controller.folder)) == DONE
    assert controller.names_sent == [INDEX_NAME, FILES[0], FILES[2]]
    there = {"name": ["buildah"], "src": TEMPORARY, "remote_src": True}
    assert controller.calls == [{"name": ["buildah"]}, there, there]
    assert controller.removed == [TEMPORARY]


def test_what_the_index_is_enough_for_sends_no_package(controller: Controller) -> None:
    controller.answers = [needs(), DONE]
    assert controller.run(name=["buildah"], src=str(controller.folder)) == DONE
    assert controller.names_sent == [INDEX_NAME]


def test_a_node_gets_nothing_that_the_index_does_not_name(controller: Controller) -> None:
    (controller.folder / "secret").touch()
    controller.answers = [needs(), needs("secret", "../secret", FILES[1]), DONE]
    controller.run(name=["buildah"], src=str(controller.folder))
    assert controller.names_sent == [INDEX_NAME, FILES[1]]


def test_a_folder_that_is_missing_is_named(controller: Controller) -> None:
    controller.answers = [needs()]
    result = controller.run(name=["buildah"], src="/none")
    assert result["failed"] is True
    assert result["msg"].startswith("The file does not exist on the controller: /none/Packages.")


def test_a_package_that_is_missing_is_named(controller: Controller) -> None:
    (controller.folder / FILES[0]).unlink()
    controller.answers = [needs(), needs(FILES[0])]
    result = controller.run(name=["buildah"], src=str(controller.folder))
    assert result["error"]["subject"] == str(controller.folder / FILES[0])
    assert controller.removed == [TEMPORARY]


@pytest.mark.parametrize("options", [{}, {"src": "/srv/packages", "remote_src": "yes"}])
def test_what_needs_nothing_of_the_controller_is_left_to_the_module(
    controller: Controller, options: dict[str, t.Any]
) -> None:
    controller.answers = [needs()]
    assert controller.run(name=["buildah"], **options) == needs()
    assert controller.calls == [{"name": ["buildah"], **options}]


def test_other_failures_are_the_module_s_own(controller: Controller) -> None:
    failure = {"failed": True, "msg": "no dpkg", "error": {"kind": "unavailable"}}
    controller.answers = [failure]
    assert controller.run(name=["buildah"], src=str(controller.folder)) == failure
    assert controller.sent == []
