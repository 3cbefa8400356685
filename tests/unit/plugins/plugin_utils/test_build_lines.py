# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a build as lines for people."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_progress import (
    BuildkitSteps,
    parse_progress,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    CACHED,
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    STDERR,
    StepEvent,
)
from ansible_collections.nephoran.container_build.plugins.plugin_utils._build_lines import BuildLines, duration
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.build_samples import buildkit_stderr
from hypothesis import given
from hypothesis import strategies as st

RUN = "[3/7] RUN apt-get update"


def lines(*events: StepEvent, width: int = 79) -> list[str]:
    return [line.text for line in BuildLines("[node]", width).of(events)]


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (StepEvent(RUN, DONE, 12.4), "[node] 3/7 RUN apt-get update 12 s"),
        (StepEvent(RUN, RUNNING), "[node] 3/7 RUN apt-get update"),
        (StepEvent(RUN, CACHED, 0.0), "[node] 3/7 RUN apt-get update cached"),
        (StepEvent(RUN, CANCELLED, 3.0), "[node] 3/7 RUN apt-get update cancelled"),
        (StepEvent(RUN, FAILED, 3.0), "[node] 3/7 RUN apt-get update failed after 3.0 s"),
        (StepEvent(RUN, FAILED), "[node] 3/7 RUN apt-get update failed"),
        (StepEvent("[stage-0 1/2] RUN make", DONE, 1), "[node] 1/2 RUN make 1.0 s"),
        (StepEvent("[builder 1/2] RUN make", DONE, 1), "[node] builder 1/2 RUN make 1.0 s"),
        (StepEvent("[linux/arm64 builder 1/2] RUN make", DONE, 1), "[node] linux/arm64 builder 1/2 RUN make 1.0 s"),
        (StepEvent("STEP 2/3: RUN make", DONE, 1), "[node] 2/3 RUN make 1.0 s"),
        (StepEvent("[1/2] STEP 2/3: RUN make", DONE, 1), "[node] 1/2 2/3 RUN make 1.0 s"),
        (StepEvent("STEP 2: RUN make", DONE, 1), "[node] 2 RUN make 1.0 s"),
        (StepEvent(f"[1/2] FROM docker.io/a:1@sha256:{'0' * 64}", CACHED), "[node] 1/2 FROM docker.io/a:1 cached"),
        (StepEvent("[2/2] RUN <<EOT\n  make\n\tall\nEOT", DONE, 1), "[node] 2/2 RUN <<EOT make all EOT 1.0 s"),
        (StepEvent("[2/2] RUN echo \x1b[31mred\x07", DONE, 1), r"[node] 2/2 RUN echo \x1b[31mred\x07 1.0 s"),
        (StepEvent("exporting to image", DONE, 1.5), "[node] exporting to image 1.5 s"),
        (
            StepEvent("[internal] load metadata for a", FAILED, 0.1),
            "[node] [internal] load metadata for a failed after 0.1 s",
        ),
    ],
)
def test_a_step_as_a_line(event: StepEvent, line: str) -> None:
    assert lines(event) == [line]


def test_what_is_no_instruction_and_took_no_time_is_worth_no_line() -> None:
    assert lines(StepEvent("[internal] load .dockerignore", DONE, 0.9)) == []


def test_what_somebody_had_to_wait_for_is_said_to_have_ended() -> None:
    shown = BuildLines("[node]", 79)
    assert [line.text for line in shown.of([StepEvent("exporting to image", RUNNING)])] == ["[node] exporting to image"]
    ended = shown.of([StepEvent("exporting to image", DONE, 0.2)])
    assert [line.text for line in ended] == ["[node] exporting to image 0.2 s"]


def test_that_a_step_began_is_no_news_once_it_has_ended() -> None:
    assert lines(StepEvent(RUN, RUNNING), StepEvent(RUN, DONE, 12)) == ["[node] 3/7 RUN apt-get update 12 s"]


def test_each_thing_is_said_once() -> None:
    shown = BuildLines("[node]", 79)
    begun, ended = StepEvent(RUN, RUNNING), StepEvent(RUN, DONE, 12)
    assert len(shown.of([begun])) == 1
    assert shown.of([begun]) == []
    assert len(shown.of([ended])) == 1
    assert shown.of([begun, ended]) == []


@pytest.mark.parametrize("asked", [0, 3, 10, 1000])
def test_the_result_says_what_was_not_said_while_the_build_ran(asked: int) -> None:
    text = buildkit_stderr("ok")
    shown = BuildLines("[node]", 200)
    events = BuildkitSteps().feed(STDERR, text.encode())
    early = shown.of(events[:asked])
    late = shown.rest(step._asdict() for step in parse_progress(text).steps)
    said = [line.text for line in [*early, *late] if line.state != RUNNING]
    assert len(said) == len(set(said))
    assert {line.split()[1] for line in said} >= {"1/3", "2/3", "3/3"}


@given(st.text(min_size=1), st.sampled_from([RUNNING, DONE, CACHED, FAILED]), st.integers(60, 200))
def test_a_line_is_one_line_that_fits(name: str, state: str, width: int) -> None:
    for text in lines(StepEvent(f"[1/1] RUN {name}", state, 2.0), width=width):
        assert text.isprintable()
        assert len(text) <= width


def test_what_is_too_long_is_cut_before_the_time() -> None:
    (text,) = lines(StepEvent("[1/1] RUN " + "make " * 50, DONE, 61), width=60)
    assert text.endswith("make… 61 s")
    assert len(text) <= 60


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (119.4, "119 s"), (120, "2 min 00 s"), (3725, "62 min 05 s")],
)
def test_times_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
