# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible's side of an action plugin that sends files to the node, as far as the plugin sees it."""

from __future__ import annotations

import pathlib
import types
import typing as t
from unittest import mock

import pytest
from ansible.errors import AnsibleError

TEMPORARY = "/home/operator/.ansible/tmp/1"


class FakeController:
    """Runs an action plugin over a node that answers from a list; a subclass names plugin and module."""

    plugin: t.ClassVar[types.ModuleType | types.SimpleNamespace]
    module: t.ClassVar[str]

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[dict[str, t.Any]] = []
        self.calls: list[dict[str, t.Any]] = []
        self.sent: list[tuple[str, str]] = []
        self.removed: list[str | None] = []
        self.asked: list[str] = []
        # What the node's shell says when it is asked.
        self.said = {"rc": 0, "stdout": ""}
        self._monkeypatch = monkeypatch

    def run(self, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        shell = mock.Mock(tmpdir=None)
        shell.join_path = lambda *parts: "/".join(parts)
        task = mock.Mock(args=options, action=self.module.rpartition(".")[2], async_val=0, check_mode=check)
        connection = mock.Mock(_shell=shell)
        action = self.plugin.ActionModule(task, connection, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())

        def execute(module_name: str, module_args: dict[str, t.Any], **_rest: t.Any) -> dict[str, t.Any]:
            assert module_name == self.module
            self.calls.append(module_args)
            return self.answers.pop(0)

        def find(_folder: str, name: str) -> str:
            if not pathlib.Path(name).exists():
                raise AnsibleError(f"Could not find {name}")
            return name

        def make_temporary() -> None:
            shell.tmpdir = TEMPORARY

        def ask(command: str) -> dict[str, t.Any]:
            self.asked.append(command)
            return self.said

        patch = self._monkeypatch.setattr
        patch(action, "_execute_module", execute)
        patch(action, "_low_level_execute_command", ask)
        patch(action, "_find_needle", find)
        patch(action, "_make_tmp_path", make_temporary)
        patch(action, "_transfer_file", lambda local, remote: self.sent.append((local, remote)))
        patch(action, "_fixup_perms2", lambda _paths, **_options: None)
        patch(action, "_remove_tmp_path", self.removed.append)
        result: dict[str, t.Any] = action.run(task_vars={})
        return result
