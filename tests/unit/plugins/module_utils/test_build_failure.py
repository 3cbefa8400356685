# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What sentences of builders mean; whole builds are in the tests of the builders."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_failure import (
    FailedBuild,
    build_failure,
    option_refused,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
)
from hypothesis import given
from hypothesis import strategies as st

DOCKERFILE = "/srv/app/Dockerfile"


def explain(error: str, step: str = "", step_output: str = "", line: int = 0) -> ContainerBuildError | None:
    return build_failure(FailedBuild("nerdctl", 1, DOCKERFILE, error, "all of the output", step, step_output, line))


@pytest.mark.parametrize(
    ("error", "kind", "message", "subject"),
    [
        (
            "failed to solve: dockerfile parse error on line 12: unknown instruction: FORM (did you mean FROM?)",
            InvalidInput,
            "Line 12 of the Dockerfile cannot be parsed",
            "unknown instruction: FORM (did you mean FROM?)",
        ),
        ("failed to solve: the Dockerfile cannot be empty", InvalidInput, "The Dockerfile is empty", DOCKERFILE),
        ('target stage "a-b" could not be found', InvalidInput, "The Dockerfile has no such target stage", "a-b"),
        ("target stage a could not be found", InvalidInput, "The Dockerfile has no such target stage", "a"),
        (
            (
                "r.example.com:5000/a/b:1: failed to resolve source metadata for r.example.com:5000/a/b:1: "
                "r.example.com:5000/a/b:1: not found"
            ),
            NotFound,
            "A base image could not be found",
            "r.example.com:5000/a/b:1",
        ),
        (
            (
                "failed to resolve source metadata for docker.io/library/x:1: pull access denied, "
                "repository does not exist or may require authorization: server message: insufficient_scope"
            ),
            NotFound,
            "A base image could not be found",
            "docker.io/library/x:1",
        ),
        (
            'process "/bin/sh -c echo \\"a b\\"; exit 3" did not complete successfully: exit code: 3',
            ToolFailed,
            "A RUN instruction ended with exit code 3",
            '/bin/sh -c echo \\"a b\\"; exit 3',
        ),
        (
            "granting entitlement network.host is not allowed by build daemon configuration",
            InvalidInput,
            "The builder does not grant an entitlement that the build asks for",
            "network.host",
        ),
    ],
)
def test_a_sentence_has_a_meaning(error: str, kind: type[ContainerBuildError], message: str, subject: str) -> None:
    explained = explain(error, line=12)
    assert isinstance(explained, kind)
    assert explained.message == message
    assert (explained.subject or "").startswith(subject)
    assert f"{DOCKERFILE}, line 12" in (explained.subject or "")
    assert explained.tail.endswith(error)


def test_the_line_is_told_if_it_is_known() -> None:
    explained = explain("the Dockerfile cannot be empty")
    assert explained is not None
    assert explained.subject == DOCKERFILE


def test_a_step_that_failed_for_an_unknown_reason_is_named_with_its_last_words() -> None:
    explained = explain("something new", step="[2/3] ADD x /", step_output="its last words", line=3)
    assert isinstance(explained, ToolFailed)
    assert explained.message == "The build failed: nerdctl exited with 1"
    assert explained.subject == f"step [2/3] ADD x / ({DOCKERFILE}, line 3)"
    assert explained.tail == "its last words\nsomething new"


def test_without_words_of_the_step_all_of_the_output_counts() -> None:
    explained = explain("something new", step="[2/3] ADD x /")
    assert explained is not None
    assert explained.tail == "all of the output\nsomething new"


def test_without_a_step_the_line_is_told() -> None:
    explained = explain("something new", line=3)
    assert isinstance(explained, ToolFailed)
    assert explained.subject == f"{DOCKERFILE}, line 3"


def test_a_sentence_about_something_else_is_left_to_others() -> None:
    assert explain("failed to list workers: connection refused") is None


@given(st.sampled_from("ab \n\\\"'{}%é→"), st.integers(0, 4000))
def test_a_subject_stays_short_whatever_the_command_is(letter: str, length: int) -> None:
    command = "".join(f"\\{letter}" if letter in '\\"' else letter for _each in range(length))
    explained = explain(f'process "{command}" did not complete successfully: exit code: 2')
    assert explained is not None
    assert explained.message == "A RUN instruction ended with exit code 2"
    assert len(explained.subject or "") < 260


@pytest.mark.parametrize(
    "error", ["no FROM statement found", "determining starting point for build: no FROM statement found"]
)
def test_a_cause_without_a_subject_of_its_own_names_the_dockerfile(error: str) -> None:
    explained = explain(error)
    assert isinstance(explained, InvalidInput)
    assert (explained.subject or "").strip() == explained.subject
    assert DOCKERFILE in (explained.subject or "")


def test_a_refused_option_is_named_with_the_builder() -> None:
    error = option_refused("buildah", "allow", "leave it out")
    assert isinstance(error, InvalidInput)
    assert str(error) == "The backend buildah cannot do what an option asks for: allow. To do: leave it out."
