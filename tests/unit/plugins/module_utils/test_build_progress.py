# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit's progress, read out of what BuildKit wrote."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_progress import parse_progress
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildStep
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.build_samples import (
    BUILDKIT_SAMPLES,
    buildkit_stderr,
)
from hypothesis import given
from hypothesis import strategies as st

BASE = "docker.io/library/small:v1@sha256:df1bca55f1c1d46865447a4a720b11f3c3358b6554977e2e8ba11084030981e5"
A, B = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def line(**status: t.Any) -> str:
    return json.dumps(status)


def log(digest: str, data: bytes) -> str:
    return line(logs=[{"vertex": digest, "stream": 1, "data": base64.b64encode(data).decode()}])


def begun(digest: str, name: str, **more: t.Any) -> str:
    return line(vertexes=[{"digest": digest, "name": name, "started": "2026-11-24T11:00:00Z", **more}])


def test_steps_of_a_build_in_the_order_in_which_they_began() -> None:
    progress = parse_progress(buildkit_stderr("ok"))
    assert [step.name for step in progress.steps] == [
        "[internal] load build definition from Dockerfile",
        "[internal] load metadata for docker.io/library/small:v1",
        "[internal] load .dockerignore",
        "[internal] load build context",
        f"[1/3] FROM {BASE}",
        "[2/3] COPY hello.txt /hello.txt",
        "[3/3] RUN echo built $((6*7))",
        "exporting to image",
    ]
    assert [step.name for step in progress.steps if step.cached] == [f"[1/3] FROM {BASE}"]
    assert not any(step.error for step in progress.steps)
    assert (progress.failed_step, progress.error, progress.dockerfile_line) == ("", "", 0)


def test_the_time_of_a_step() -> None:
    text = line(
        vertexes=[
            {
                "digest": A,
                "name": "RUN",
                "started": "2026-11-24T11:41:59.487576641Z",
                "completed": "2026-11-24T11:42:01.779011847Z",
            }
        ]
    )
    assert parse_progress(text).steps == (BuildStep("RUN", seconds=2.291),)


@pytest.mark.parametrize(
    ("started", "completed", "seconds"),
    [
        ("2026-11-24T11:00:00Z", "2026-11-24T11:00:01Z", 1.0),
        ("2026-11-24T11:00:00.5Z", "2026-11-24T11:00:00.75Z", 0.25),
        ("2026-11-24T11:00:00+00:00", "2026-11-24T12:00:01.25+01:00", 1.25),
        ("2026-11-24T11:00:02Z", "2026-11-24T11:00:01Z", 0.0),
        ("2026-11-24T11:00:02Z", "", 0.0),
        ("2026-11-24T11:00:02Z", None, 0.0),
    ],
)
def test_times_as_go_writes_them(started: str, completed: str | None, seconds: float) -> None:
    vertex = {"digest": A, "name": "RUN", "started": started, "completed": completed}
    (step,) = parse_progress(line(vertexes=[vertex])).steps
    assert step.seconds == pytest.approx(seconds)


def test_a_build_out_of_the_cache() -> None:
    progress = parse_progress(buildkit_stderr("cached"))
    cached = [step.name for step in progress.steps if step.cached]
    # Both began in the same nanosecond; BuildKit said so of the first one first.
    assert cached == ["[2/3] COPY hello.txt /hello.txt", "[3/3] RUN echo built $((6*7))"]
    assert progress.output.count("CACHED") == 2


def test_times_are_compared_as_times() -> None:
    """Go leaves zeros at the end of a fraction away, so that texts do not sort as the times do."""
    names = ["first", "second", "third"]
    times = ["2026-11-24T11:00:00Z", "2026-11-24T11:00:00.1Z", "2026-11-24T11:00:00.10000005Z"]
    vertexes = [{"digest": name, "name": name, "started": time} for name, time in zip(names, times)]
    assert [step.name for step in parse_progress(line(vertexes=vertexes[::-1])).steps] == names


def test_plain_lines_for_people() -> None:
    lines = parse_progress(buildkit_stderr("ok")).output.splitlines()
    place = lines.index("#7 [3/3] RUN echo built $((6*7))")
    assert lines[place + 1 : place + 4] == ["#7 built 42", "#7 DONE 0.2s", ""]
    assert "{" not in "".join(lines)


def test_the_step_that_failed_with_its_words_and_the_dockerfiles_line() -> None:
    progress = parse_progress(buildkit_stderr("run_fails"))
    name = '[2/2] RUN echo "about to fail"; echo "and why" >&2; exit 7'
    sentence = (
        r'process "/bin/sh -c echo \"about to fail\"; echo \"and why\" >&2; exit 7" did not complete successfully: '
        "exit code: 7"
    )
    assert progress.failed_step == name
    assert progress.failed_output == "about to fail\nand why"
    assert progress.dockerfile_line == 2
    assert progress.error == f"failed to solve: {sentence}"
    assert progress.steps[-1].error == sentence
    assert f"ERROR: {sentence}" in progress.output
    assert '2 | >>> RUN echo "about to fail"; echo "and why" >&2; exit 7' in progress.output


@pytest.mark.parametrize(
    ("sample", "line_number", "step", "error"),
    [
        (
            "unknown_instruction",
            2,
            "",
            "dockerfile parse error on line 2: unknown instruction: RUNN",
        ),
        ("empty", 0, "", "the Dockerfile cannot be empty"),
        ("unknown_target", 0, "", 'target stage "absent" could not be found'),
        ("command_not_found", 2, "[2/2] RUN /no/such/program", 'process "/bin/sh -c /no/such/program" did not'),
        ("copy_missing", 2, "[2/2] COPY absent.txt /absent.txt", "failed to compute cache key"),
        ("base_absent", 1, "[internal] load metadata for localhost:5999/absent/app:1", "localhost:5999/absent/app:1"),
        ("daemon_killed", 0, "", "failed to receive status: rpc error: code = Unavailable"),
    ],
)
def test_how_builds_end(sample: str, line_number: int, step: str, error: str) -> None:
    progress = parse_progress(buildkit_stderr(sample))
    assert progress.dockerfile_line == line_number
    assert progress.failed_step == step
    assert progress.error.removeprefix("failed to solve: ").startswith(error)


def test_of_parallel_steps_the_one_that_failed_is_named_not_one_that_was_cancelled_for_it() -> None:
    progress = parse_progress(buildkit_stderr("parallel_stages"))
    assert progress.failed_step == "[bad 2/2] RUN sleep 2; echo bad ends; exit 7"
    assert progress.failed_output == "bad ends"
    assert progress.dockerfile_line == 4


def test_of_several_steps_that_failed_the_first_one_to_end_is_named() -> None:
    late = begun(A, "RUN a", completed="2026-11-24T11:00:02Z", error="exit code: 2")
    first = begun(B, "RUN b", completed="2026-11-24T11:00:01Z", error="exit code: 1")
    assert parse_progress(f"{late}\n{first}").failed_step == "RUN b"


def test_a_step_that_was_cancelled_is_not_the_one_that_failed_though_it_ended_first() -> None:
    cancelled = begun(A, "RUN a", completed="2026-11-24T11:00:01Z", error="failed to load ref: context canceled")
    failing = begun(B, "RUN b", completed="2026-11-24T11:00:02Z", error="exit code: 1")
    progress = parse_progress(f"{cancelled}\n{failing}")
    assert progress.failed_step == "RUN b"
    assert [step.error for step in progress.steps] == ["failed to load ref: context canceled", "exit code: 1"]


def test_output_that_came_in_pieces_is_put_together() -> None:
    """A line may be cut anywhere, even within a character."""
    progress = parse_progress(buildkit_stderr("output_in_pieces"))
    assert progress.failed_output.splitlines()[0].startswith("downloading")
    assert "warm ä" in progress.failed_output
    assert "\ufffd" not in progress.output


def test_the_order_of_a_step_and_its_output_does_not_matter() -> None:
    progress = parse_progress("\n".join([log(A, b"early\n"), begun(A, "[1/1] RUN x")]))
    assert [step.name for step in progress.steps] == ["[1/1] RUN x"]
    assert "#1 early" in progress.output


def test_what_never_began_is_no_step() -> None:
    text = "\n".join([line(vertexes=[{"digest": A, "name": "[2/2] RUN x"}]), begun(B, "[1/2] FROM y")])
    assert [step.name for step in parse_progress(text).steps] == ["[1/2] FROM y"]


def test_lines_that_are_no_progress_are_kept_as_they_are() -> None:
    text = '{"not": "progress"}\n{cut off\n[1, 2]\nplain words\n' + begun(A, "RUN")
    assert parse_progress(text).output.splitlines()[-4:] == ['{"not": "progress"}', "{cut off", "[1, 2]", "plain words"]


def test_nothing_is_nothing() -> None:
    progress = parse_progress("")
    assert (progress.steps, progress.output, progress.error) == ((), "", "")


def test_a_line_of_a_step_is_not_taken_for_the_clients_words() -> None:
    text = "\n".join([begun(A, "RUN x", error="exit code: 1"), log(A, b"error: made up\nDockerfile:99\n")])
    progress = parse_progress(text)
    assert (progress.error, progress.dockerfile_line) == ("exit code: 1", 0)


@pytest.mark.parametrize("sample", BUILDKIT_SAMPLES)
def test_a_build_that_is_cut_off_anywhere_is_read_as_far_as_it_goes(sample: str) -> None:
    """The client may be killed in the middle of a line."""
    text = buildkit_stderr(sample)
    whole = parse_progress(text)
    for end in range(0, len(text), 211):
        progress = parse_progress(text[:end])
        assert len(progress.steps) <= len(whole.steps)


@given(st.lists(st.text(max_size=40), max_size=6).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    assert parse_progress(text).steps == ()


@given(st.binary(max_size=40))
def test_any_output_of_a_step_is_shown(data: bytes) -> None:
    progress = parse_progress("\n".join([begun(A, "RUN x"), log(A, data)]))
    assert progress.output.startswith("#1 RUN x")
    assert len(progress.steps) == 1
