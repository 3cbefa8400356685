# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a build are shown while the module runs, and the module is what it was without that."""

from __future__ import annotations

import re
import time
import typing as t
from unittest import mock

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible_collections.nephoran.container_build.plugins.action import image_build
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    DONE,
    ID_PATTERN,
    StepEvent,
    progress_folder,
)
from ansible_collections.nephoran.container_build.plugins.plugin_utils import _step_watch

OPTIONS = {"name": "app:v1", "path": "/srv/app"}
FIRST, SECOND = "[1/2] FROM small", "[2/2] RUN make"
STEPS = [
    {"name": FIRST, "cached": True, "seconds": 0.0, "error": ""},
    {"name": SECOND, "cached": False, "seconds": 12.4, "error": ""},
]
TEMPORARY = "/home/operator/.ansible/tmp/1"


class Controller:
    """Runs the action plugin over a node that answers as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.result: dict[str, t.Any] = {"changed": True, "steps": STEPS}
        self.seconds = 0.0
        self.answer: t.Callable[[str], dict[str, t.Any]] = lambda _command: {"rc": 0, "stdout": ""}
        self.commands: list[tuple[t.Any, str]] = []
        self.calls: list[dict[str, t.Any]] = []
        self.shown: list[str] = []
        self.removed: list[str] = []
        self.connection = mock.Mock(_shell=mock.Mock(tmpdir=TEMPORARY), has_native_async=False)
        self._patch = monkeypatch.setattr
        self._patch(_step_watch, "FIRST_WAIT", 0.02)
        self._patch(image_build, "display", mock.Mock(columns=79, display=self._show))

    def run(
        self,
        options: t.Mapping[str, t.Any] | None = None,
        variables: t.Mapping[str, t.Any] | None = None,
        **task: t.Any,
    ) -> dict[str, t.Any]:
        keywords = {"async_val": 0, "check_mode": False, "no_log": False, "delegate_to": None, **task}
        made = mock.Mock(args={**OPTIONS, **(options or {})}, action=image_build.MODULE, **keywords)
        templar = mock.Mock(template=lambda value: value)
        action = image_build.ActionModule(made, self.connection, mock.Mock(), mock.Mock(), templar, mock.Mock())
        self._patch(action, "_execute_module", self._execute)
        self._patch(action, "_remove_tmp_path", self.removed.append)

        def command(action: image_build.ActionModule, words: str) -> dict[str, t.Any]:
            self.commands.append((action._connection, words))
            return self.answer(words)

        # The class: what asks is a copy of the action.
        self._patch(image_build.ActionModule, "_low_level_execute_command", command)
        result: dict[str, t.Any] = action.run(task_vars={"inventory_hostname": "node", **(variables or {})})
        return result

    def _execute(self, **call: t.Any) -> dict[str, t.Any]:
        self.calls.append(call)
        time.sleep(self.seconds)
        return dict(self.result)

    def _show(self, text: str, color: str | None = None, *, stderr: bool) -> None:
        assert stderr
        self.shown.append(text)


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Controller:
    return Controller(monkeypatch)


LINES = ["[node] 1/2 FROM small cached", "[node] 2/2 RUN make 12 s"]


def test_the_steps_of_a_short_build_are_shown_when_it_has_ended(controller: Controller) -> None:
    assert controller.run() == {"changed": True, "steps": STEPS}
    assert controller.shown == LINES
    (call,) = controller.calls
    assert call["module_name"] == "nephoran.container_build.image_build"
    assert not call["wrap_async"]
    progress_id = call["module_args"].pop("progress_id")
    assert re.fullmatch(ID_PATTERN, progress_id)
    assert call["module_args"] == OPTIONS
    assert controller.removed == [TEMPORARY]


def test_steps_are_shown_while_the_module_runs(controller: Controller) -> None:
    said: list[int] = []

    def answer(command: str) -> dict[str, t.Any]:
        (call,) = controller.calls
        assert progress_folder(call["module_args"]["progress_id"]) in command
        if not said:
            said.append(1)
            return {"rc": 0, "stdout": StepEvent(FIRST, DONE, 3.0).to_line()}
        return {"rc": 1, "stdout": ""}

    controller.answer, controller.seconds = answer, 0.5
    controller.run()
    assert said
    assert controller.shown == ["[node] 1/2 FROM small 3.0 s", LINES[1]]


def test_questions_have_a_connection_of_their_own(controller: Controller) -> None:
    controller.seconds = 0.3
    controller.run()
    assert controller.commands
    assert all(connection is not controller.connection for connection, _command in controller.commands)
    assert all(connection.become is not controller.connection.become for connection, _command in controller.commands)


def test_a_node_that_answers_no_questions_still_builds(controller: Controller) -> None:
    def answer(_command: str) -> dict[str, t.Any]:
        raise AnsibleConnectionFailure("no second session")

    controller.answer, controller.seconds = answer, 0.3
    assert controller.run()["changed"]
    assert controller.commands
    assert controller.shown == LINES


@pytest.mark.parametrize(
    ("options", "variables", "shown"),
    [
        ({}, {}, True),
        ({"progress": True}, {"image_build_progress": False}, True),
        ({"progress": False}, {"image_build_progress": True}, False),
        ({"progress": "no"}, {}, False),
        ({}, {"image_build_progress": "false"}, False),
        ({}, {"image_build_progress": True}, True),
    ],
)
def test_quiet_on_request(
    controller: Controller, options: dict[str, t.Any], variables: dict[str, t.Any], shown: bool
) -> None:
    controller.seconds = 0.3
    controller.run(options, variables)
    assert controller.shown == (LINES if shown else [])
    # The module still learns that somebody waits.
    assert controller.commands


def test_a_variable_that_says_neither(controller: Controller) -> None:
    with pytest.raises(AnsibleActionFail, match="image_build_progress is neither true nor false: 'perhaps'"):
        controller.run(variables={"image_build_progress": "perhaps"})


def test_nothing_is_shown_of_what_must_not_be_logged(controller: Controller) -> None:
    controller.run(no_log=True)
    assert controller.shown == []


@pytest.mark.parametrize(("keywords", "wrapped"), [({"check_mode": True}, False), ({"async_val": 60}, True)])
def test_check_mode_and_async_run_the_module_as_it_is(
    controller: Controller, keywords: dict[str, t.Any], wrapped: bool
) -> None:
    controller.run(**keywords)
    (call,) = controller.calls
    assert call["module_args"] == OPTIONS
    assert bool(call["wrap_async"]) is wrapped
    # The wrapper of a task in the background removes the folder itself, later.
    assert controller.removed == ([] if wrapped else [TEMPORARY])
    assert controller.shown == []


def test_a_failure_is_the_module_s_own(controller: Controller) -> None:
    controller.result = {"failed": True, "msg": "The build failed."}
    assert controller.run() == {"failed": True, "msg": "The build failed."}
    assert controller.shown == []


@pytest.mark.parametrize(
    ("variables", "task", "label"),
    [
        ({}, {"delegate_to": "builder"}, "[node -> builder] "),
        ({"ansible_loop_var": "item"}, {}, "[node] app:v1: "),
    ],
)
def test_where_and_what(
    controller: Controller, variables: dict[str, t.Any], task: dict[str, t.Any], label: str
) -> None:
    controller.run(variables=variables, **task)
    assert all(line.startswith(label) for line in controller.shown)
