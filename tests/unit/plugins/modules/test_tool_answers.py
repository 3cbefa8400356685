# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module tool_answers: whatever becomes of a command is an answer. The commands are real ones."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import tool_answers

Run = t.Callable[..., t.Any]


def ask(run_module: Run, timeout: int = 60, **questions: list[str]) -> dict[str, t.Any]:
    ended = run_module(tool_answers.main, {"questions": questions, "timeout": timeout})
    assert not ended.failed, ended.result
    assert ended.result["changed"] is False
    return t.cast("dict[str, t.Any]", ended.result["answers"])


def test_each_question_has_its_answer(run_module: Run) -> None:
    answers = ask(run_module, one=["echo", "$HOME;", "a b"], two=["sh", "-c", "echo no >&2; exit 3"])
    assert answers == {
        "one": {"rc": 0, "stdout": "$HOME; a b", "stderr": ""},
        "two": {"rc": 3, "stdout": "", "stderr": "no"},
    }


def test_a_command_that_is_missing_is_named(run_module: Run) -> None:
    answers = ask(run_module, missing=["no-such-tool", "--version"], there=["true"])
    assert answers["missing"]["rc"] == 127
    assert "no-such-tool" in answers["missing"]["msg"]
    assert answers["there"]["rc"] == 0


def test_a_command_that_does_not_end_is_ended(run_module: Run) -> None:
    answers = ask(run_module, timeout=1, slow=["sleep", "60"], there=["true"])
    assert answers["slow"]["rc"] == 124
    assert "did not end within 1 s" in answers["slow"]["msg"]
    assert answers["there"]["rc"] == 0


@pytest.mark.parametrize("argv", ["true", [], [""], [1], None, {"a": 1}])
def test_what_is_no_command_is_refused(run_module: Run, argv: object) -> None:
    ended = run_module(tool_answers.main, {"questions": {"odd": argv}})
    assert ended.failed
    assert "questions: odd" in ended.result["msg"]
