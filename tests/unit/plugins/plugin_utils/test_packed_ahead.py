# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules are packed beside what waits for a node, and Ansible finds them packed."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import pathlib
import typing as t

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible_collections.nephoran.container_build.plugins.plugin_utils._packed_ahead import packed_ahead
from ansible_collections.nephoran.container_build.tests.unit.plugins.local_ansible import run_module


class Task:
    delegate_to: str | None = None


class Action:
    """Leaves a file for each module that it packs, as Ansible does; packs no module of the name ``broken``."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._task = Task()

    def _configure_module(self, module_name: str, module_args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> None:
        if module_name == "broken":
            raise ValueError(module_name)
        told = {"process": os.getpid(), "arguments": module_args, "variables": task_vars}
        (self._folder / module_name).write_text(json.dumps(told))


@pytest.fixture
def action(tmp_path: pathlib.Path) -> t.Any:
    return Action(tmp_path)


def packed(folder: pathlib.Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_modules_are_packed_by_another_process_when_the_block_is_left(action: t.Any, tmp_path: pathlib.Path) -> None:
    with packed_ahead(action, "first", "second", task_vars={"word": "value"}):
        pass
    assert packed(tmp_path) == ["first", "second"]
    told = json.loads((tmp_path / "second").read_text())
    assert told["process"] != os.getpid()
    assert told["arguments"] == {}
    assert told["variables"]["word"] == "value"


def test_no_interpreter_is_looked_for_on_the_node(action: t.Any, tmp_path: pathlib.Path) -> None:
    with packed_ahead(action, "module", task_vars={"ansible_python_interpreter": "auto"}):
        pass
    told = json.loads((tmp_path / "module").read_text())
    assert told["variables"]["ansible_python_interpreter"].startswith("/")


def test_what_cannot_be_packed_is_left_to_the_task_that_needs_it(action: t.Any, tmp_path: pathlib.Path) -> None:
    with packed_ahead(action, "broken", task_vars={}):
        (tmp_path / "block").touch()
    assert packed(tmp_path) == ["block"]


def test_nothing_is_packed_for_another_host(action: t.Any, tmp_path: pathlib.Path) -> None:
    action._task.delegate_to = "other"
    with packed_ahead(action, "module", task_vars={}):
        (tmp_path / "block").touch()
    assert packed(tmp_path) == ["block"]


def test_an_error_of_the_block_is_the_block_s_own(action: t.Any, tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match="of the block"), packed_ahead(action, "module", task_vars={}):
        raise ValueError("of the block")
    assert packed(tmp_path) == ["module"]


def test_this_core_finds_what_was_packed(tmp_path: pathlib.Path) -> None:
    """Fails when a new release keeps packed modules in another way, so that they would be packed twice."""
    archive = tmp_path / "nerdctl-full.tar.gz"
    archive.write_bytes(gzip.compress(b"no tar"))
    checksum = f"sha256:{hashlib.sha256(archive.read_bytes()).hexdigest()}"
    options = {"version": "2.2.1", "src": str(archive), "checksum": checksum, "prefix": str(tmp_path / "prefix")}
    remote = str(tmp_path / "remote")
    done = run_module("nephoran.container_build.nerdctl_full", options, ANSIBLE_DEBUG="1", ANSIBLE_REMOTE_TMP=remote)
    assert "The archive is damaged or truncated" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert "ANSIBALLZ: using cached module" in done.stdout
