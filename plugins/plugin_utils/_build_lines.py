# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a build as lines for people: ``[node] 3/7 RUN apt-get … 12 s``."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import printable
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    CACHED,
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    StepEvent,
)

# buildah's STEP 2/3: and [1/2] STEP 2/3:, then BuildKit's [2/3], [builder 2/3] and [linux/arm64 builder 2/3].
_NUMBERED = (
    re.compile(r"^(?:\[(?P<stage>\d+/\d+)\] )?STEP (?P<number>\d+(?:/\d+)?): (?P<what>.+)$", re.DOTALL),
    re.compile(r"^\[(?:(?P<stage>[^\]]+) )?(?P<number>\d+/\d+)\] (?P<what>.+)$", re.DOTALL),
)
# BuildKit's name for a stage without one; mostly the only one.
_FIRST_STAGE = "stage-0"
_DIGEST = re.compile(r"@sha256:[0-9a-f]{64}")
# What is no instruction of the Dockerfile is worth a line only if somebody had to wait for it.
WORTH_SECONDS = 1.0
SHORTEST_NAME = 20


@dataclasses.dataclass(frozen=True)
class Line:
    """A line to show, and the state of the step that it is about."""

    text: str
    state: str


class BuildLines:
    """Says each thing once.

    Args:
        label: what stands in front of each line, such as ``[node]``.
        width: characters that a line may have.
    """

    def __init__(self, label: str, width: int) -> None:
        self._label = printable(label)
        self._width = width
        self._begun: set[str] = set()
        self._ended: set[str] = set()

    def of(self, events: t.Sequence[StepEvent]) -> list[Line]:
        """Return the lines for *events*; that a step began is not worth one if they say that it ended, too."""
        ended = {event.name for event in events if event.state != RUNNING}
        return [line for event in events if (line := self._line(event, ended)) is not None]

    def rest(self, steps: t.Iterable[t.Mapping[str, t.Any]]) -> list[Line]:
        """Return the lines for what the module's result says of *steps* and was not said before."""
        return self.of([StepEvent(step["name"], _final_state(step), step["seconds"]) for step in steps])

    def _line(self, event: StepEvent, ended: t.Collection[str]) -> Line | None:
        if event.state == RUNNING:
            if event.name in ended or event.name in self._begun or event.name in self._ended:
                return None
            self._begun.add(event.name)
        else:
            if event.name in self._ended or not self._is_worth(event):
                return None
            self._ended.add(event.name)
        return Line(self._text(event), event.state)

    def _is_worth(self, event: StepEvent) -> bool:
        waited = event.seconds >= WORTH_SECONDS or event.name in self._begun
        return event.state == FAILED or waited or any(form.match(event.name) for form in _NUMBERED)

    def _text(self, event: StepEvent) -> str:
        name, end = _short_name(event.name), _end(event)
        room = max(self._width - len(self._label) - len(end) - 2, SHORTEST_NAME)
        if len(name) > room:
            name = name[: room - 1].rstrip() + "…"
        return " ".join(filter(None, (self._label, name, end)))


def _final_state(step: t.Mapping[str, t.Any]) -> str:
    if step["error"]:
        return FAILED
    return CACHED if step["cached"] else DONE


def _short_name(name: str) -> str:
    for form in _NUMBERED:
        found = form.match(name)
        if found:
            stage = "" if found["stage"] == _FIRST_STAGE else found["stage"]
            name = " ".join(filter(None, (stage, found["number"], found["what"])))
            break
    return printable(" ".join(_DIGEST.sub("", name).split()))


def _end(event: StepEvent) -> str:
    if event.state == RUNNING:
        return ""
    if event.state in (CACHED, CANCELLED):
        return event.state
    shown = duration(event.seconds) if event.seconds else ""
    if event.state == FAILED:
        return f"failed after {shown}" if shown else "failed"
    return shown


def duration(seconds: float) -> str:
    """Return *seconds* as people say it."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s"
