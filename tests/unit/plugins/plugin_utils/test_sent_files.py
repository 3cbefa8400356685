# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module is asked first, and files of the controller are sent to a node that lacks them."""

from __future__ import annotations

import pathlib
import types
import typing as t

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.plugin_utils._sent_files import (
    FileSender,
    is_on_node,
    without_file,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_controller import TEMPORARY, FakeController

LACKING = {"failed": True, "msg": "no file", "error": {"kind": "file_needed"}}
DONE = {"changed": True}


class ActionModule(FileSender):
    """Sends one file if the module lacks it, under two names."""

    module = "nephoran.container_build.example"
    need = "file_needed"

    def _run_with_files(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        result = self._run_module(without_file(arguments))
        if not self._lacks_files(result):
            return result
        if arguments.get("refused"):
            raise InvalidInput("Not a file to send", subject=arguments["src"])
        path = self._find(arguments["src"], what="recipe", place="book")
        return self._run_module({**arguments, "src": [self._send(path, "first"), self._send(path, "second")]})


class Controller(FakeController):
    """Runs the action plugin."""

    plugin = types.SimpleNamespace(ActionModule=ActionModule)
    module = "nephoran.container_build.example"


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    return Controller(monkeypatch)


@pytest.fixture
def file(tmp_path: pathlib.Path) -> str:
    path = tmp_path / "file"
    path.touch()
    return str(path)


def test_a_module_that_lacks_nothing_runs_once(controller: Controller) -> None:
    controller.answers = [DONE]
    assert controller.run(src="/nonexistent", remote_src=False, keep=2) == DONE
    assert controller.calls == [{"keep": 2}]
    assert controller.sent == []


@pytest.mark.parametrize("failure", [{"failed": True, "msg": "full"}, {**LACKING, "error": {"kind": "unavailable"}}])
def test_other_failures_are_the_module_s_own(controller: Controller, failure: dict[str, t.Any]) -> None:
    controller.answers = [failure]
    assert controller.run(src="/nonexistent") == failure
    assert controller.sent == []


def test_a_module_runs_again_with_what_it_lacks(controller: Controller, file: str) -> None:
    controller.answers = [LACKING, DONE]
    assert controller.run(src=file) == DONE
    there = [f"{TEMPORARY}/first", f"{TEMPORARY}/second"]
    assert controller.calls == [{}, {"src": there}]
    assert controller.sent == [(file, path) for path in there]
    assert controller.removed == [TEMPORARY]


def test_a_file_that_is_nowhere_is_named(controller: Controller) -> None:
    controller.answers = [LACKING]
    result = controller.run(src="/nonexistent")
    assert result["msg"] == (
        "The recipe does not exist on the controller: /nonexistent. "
        "To do: correct the option src, or set remote_src to true if the book is on the node."
    )
    assert result["error"]["kind"] == "not_found"


def test_errors_of_the_collection_become_the_result(controller: Controller, file: str) -> None:
    controller.answers = [LACKING]
    result = controller.run(src=file, refused=True)
    assert result["failed"] is True
    assert result["msg"].startswith(f"Not a file to send: {file}.")
    assert controller.removed == [None]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [({}, False), ({"remote_src": "no"}, False), ({"remote_src": "yes"}, True), ({"remote_src": True}, True)],
)
def test_remote_src_is_read_as_ansible_reads_it(arguments: dict[str, t.Any], expected: bool) -> None:
    assert is_on_node(arguments) is expected
