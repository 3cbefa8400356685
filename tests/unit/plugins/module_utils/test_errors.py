# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors say what, on what, what was expected and what to do."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    TAIL_LINES,
    ContainerBuildError,
    IntegrityError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
    last_lines,
)


def test_all_parts_stand_in_one_message() -> None:
    error = NotFound("It is gone", subject="/a", expected="a file", remedy="make it", tail="one\n\n  two  \n")
    assert str(error) == "It is gone: /a. Expected: a file. To do: make it.\nLast lines of the tool:\none\n  two"
    assert error.as_result() == {
        "error": {
            "kind": "not_found",
            "message": "It is gone",
            "subject": "/a",
            "expected": "a file",
            "remedy": "make it",
            "tail": "one\n  two",
        }
    }


def test_parts_that_are_not_known_are_left_out() -> None:
    error = ContainerBuildError("It failed")
    assert str(error) == "It failed."
    assert error.as_result() == {"error": {"kind": "error", "message": "It failed"}}


def test_sentences_end_with_one_full_stop() -> None:
    assert str(InvalidInput("No.", expected="this.", remedy="that.")) == "No. Expected: this. To do: that."


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InvalidInput, "invalid_input"),
        (NotFound, "not_found"),
        (Unavailable, "unavailable"),
        (ToolFailed, "tool_failed"),
        (IntegrityError, "integrity"),
    ],
)
def test_each_error_has_a_kind_that_a_playbook_can_ask_for(error: type[ContainerBuildError], kind: str) -> None:
    assert error("x").as_result()["error"]["kind"] == kind


def test_only_the_last_lines_of_a_tool_are_kept() -> None:
    text = "\n".join(f"line {number}" for number in range(100))
    error = ToolFailed("It failed", tail=text)
    assert error.tail.splitlines() == [f"line {number}" for number in range(100 - TAIL_LINES, 100)]
    assert last_lines("a\n\n\nb\n", 1) == "b"
    assert last_lines(" \n\t\n") == ""


@pytest.mark.parametrize("subject", ["/a\nb", "/a\0b", "\x1b[31mred", "a\u202eb", "\ud800", "\r"])
def test_what_a_user_gave_cannot_write_on_the_terminal(subject: str) -> None:
    error = InvalidInput("Not a path", subject=subject, expected=f"not {subject}")
    assert str(error).isprintable()
    assert str(error) == str(error).encode("utf-8").decode()


def test_letters_of_any_language_are_shown_as_they_are() -> None:
    assert str(InvalidInput("Not a path", subject="/srv/Ä 日本")) == "Not a path: /srv/Ä 日本."


def test_what_a_tool_said_cannot_write_on_the_terminal() -> None:
    said = "\x1b[1;31mred\x1b[0m\n\x1b]0;title\x07bell\n\tcolumn\ta\nplain ü\n"
    error = ContainerBuildError("x", tail=said)
    assert error.tail.splitlines() == ["red", r"\x1b]0;title\x07bell", "        column  a", "plain ü"]
