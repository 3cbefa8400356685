# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps as they happen, out of what builders wrote, and on their way to the controller."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_progress import (
    BuildkitSteps,
    parse_progress,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah_progress import BuildahSteps
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    CACHED,
    CANCELLED,
    DONE,
    FAILED,
    ID_PATTERN,
    RUNNING,
    STDERR,
    STDOUT,
    StepEvent,
    StepReader,
    parse_events,
    progress_folder,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.build_samples import (
    BUILDKIT_SAMPLES,
    buildah_run,
    buildkit_stderr,
)
from hypothesis import given
from hypothesis import strategies as st


def fed(reader: StepReader, stream: str, text: str, size: int = 1 << 20) -> list[StepEvent]:
    data = text.encode()
    return [event for at in range(0, len(data), size) for event in reader.feed(stream, data[at : at + size])]


def states(events: t.Iterable[StepEvent]) -> dict[str, list[str]]:
    seen: dict[str, list[str]] = {}
    for event in events:
        seen.setdefault(event.name, []).append(event.state)
    return seen


@pytest.mark.parametrize("size", [1, 7, 1 << 20])
def test_steps_of_buildkit_in_pieces_of_any_size(size: int) -> None:
    seen = states(fed(BuildkitSteps(), STDERR, buildkit_stderr("ok"), size))
    assert seen["[2/3] COPY hello.txt /hello.txt"][-1] == DONE
    assert seen["[3/3] RUN echo built $((6*7))"][-1] == DONE
    (base,) = (name for name in seen if "FROM" in name)
    assert seen[base][-1] == CACHED


@pytest.mark.parametrize("name", BUILDKIT_SAMPLES)
def test_the_last_word_on_each_step_is_that_of_the_whole_progress(name: str) -> None:
    text = buildkit_stderr(name)
    events = fed(BuildkitSteps(), STDERR, text)
    progress = parse_progress(text)
    assert {event.name for event in events} == {step.name for step in progress.steps}
    failed = {name for name, seen in states(events).items() if seen[-1] == FAILED}
    assert progress.failed_step in failed | {""}
    assert failed <= {step.name for step in progress.steps if step.error}


def test_a_cancelled_step_did_not_fail() -> None:
    seen = states(fed(BuildkitSteps(), STDERR, buildkit_stderr("parallel_stages")))
    assert [each[-1] for each in seen.values() if each[-1] in (FAILED, CANCELLED)].count(FAILED) == 1
    assert CANCELLED in {each[-1] for each in seen.values()}


def test_buildkit_says_nothing_of_steps_on_standard_output() -> None:
    assert fed(BuildkitSteps(), STDOUT, buildkit_stderr("ok")) == []


class Clock:
    """Goes on by a second each time it is asked."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_steps_of_buildah(size: int) -> None:
    text = (
        "STEP 1/3: FROM localhost/small\n"
        "STEP 2/3: RUN make\nSTEP is what make says, too\n--> 5d1e7f2a\n"
        "STEP 3/3: COPY a b\n--> Using cache 0a1b2c\n--> 0a1b2c\nCOMMIT app\n"
    )
    reader = BuildahSteps(Clock())
    assert fed(reader, STDOUT, text, size) == [
        StepEvent("STEP 1/3: FROM localhost/small", RUNNING),
        StepEvent("STEP 1/3: FROM localhost/small", DONE, 1.0),
        StepEvent("STEP 2/3: RUN make", RUNNING),
        StepEvent("STEP 2/3: RUN make", DONE, 1.0),
        StepEvent("STEP 3/3: COPY a b", RUNNING),
        StepEvent("STEP 3/3: COPY a b", CACHED, 1.0),
    ]
    assert [(each.name[:8], each.state) for each in reader.steps] == [
        ("STEP 1/3", DONE),
        ("STEP 2/3", DONE),
        ("STEP 3/3", CACHED),
    ]


def test_steps_of_a_real_run_of_buildah() -> None:
    run = buildah_run("run_fails", 1)
    seen = states(fed(BuildahSteps(), STDOUT, run.text))
    assert list(seen.values())[-1] == [RUNNING]
    assert all(each == [RUNNING, DONE] for each in list(seen.values())[:-1])
    assert fed(BuildahSteps(), STDERR, run.text) == []


@given(st.lists(st.builds(StepEvent, st.text(), st.sampled_from([RUNNING, DONE, CACHED, FAILED]), st.integers(0, 9))))
def test_events_come_through_whatever_their_names(events: list[StepEvent]) -> None:
    assert parse_events("".join(event.to_line() for event in events)) == events


@pytest.mark.parametrize(
    "line",
    [
        "Welcome to this machine",
        "{}",
        "[]",
        "3",
        '{"name": "a", "state": "runn',
        '{"name": "a", "state": "strange", "seconds": 1}',
        '{"name": 1, "state": "done", "seconds": 1}',
        '{"name": "a", "state": [], "seconds": 1}',
        '{"name": "a", "state": "done", "seconds": "1"}',
        '{"name": "a", "state": "done", "seconds": 1, "more": 2}',
    ],
)
def test_what_is_no_event_is_left_out(line: str) -> None:
    event = StepEvent("RUN", DONE, 1.5)
    assert parse_events(f"{line}\n{event.to_line()}{line}") == [event]


def test_a_folder_of_its_own_for_each_id() -> None:
    assert re.fullmatch(ID_PATTERN, "0" * 32)
    assert not re.fullmatch(ID_PATTERN, "../" + "0" * 29)
    assert progress_folder("a" * 32) != progress_folder("b" * 32)
