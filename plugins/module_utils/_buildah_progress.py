# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""buildah's progress: lines on standard output that begin a step, and say how it ended.

Source: ``imagebuildah/stage_executor.go`` of buildah v1.23 to v1.39. buildah says no times, so they are measured here.
"""

from __future__ import annotations

import re
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    CACHED,
    DONE,
    RUNNING,
    STDOUT,
    StepEvent,
)

STEP_LINE = re.compile(r"^(?:\[\d+/\d+\] )?STEP \d+(?:/\d+)?: (?P<instruction>.+)$")
_CACHE_USED = re.compile(r"^(?:\[\d+/\d+\] )?--> Using cache ")
_STEP_ENDED = re.compile(r"^(?:\[\d+/\d+\] )?(?:--> |COMMIT\b)")


class BuildahSteps:
    """A ``StepReader`` for buildah.

    Args:
        clock: seconds that never go back.
    """

    def __init__(self, clock: t.Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._rest = b""
        self._current = ""
        self._since = 0.0
        self._last: dict[str, StepEvent] = {}

    @property
    def steps(self) -> list[StepEvent]:
        """What was heard last of each step, in the order in which they began."""
        return list(self._last.values())

    def feed(self, stream: str, piece: bytes) -> list[StepEvent]:
        """Return what is new with the next *piece* of a stream."""
        if stream != STDOUT:
            return []
        *lines, self._rest = (self._rest + piece).split(b"\n")
        events = [event for line in lines for event in self._read(line.decode("utf-8", "replace").rstrip("\r"))]
        self._last.update((event.name, event) for event in events)
        return events

    def _read(self, line: str) -> t.Iterator[StepEvent]:
        if STEP_LINE.match(line):
            yield from self._end(DONE)
            self._current, self._since = line, self._clock()
            yield StepEvent(line, RUNNING)
        elif _CACHE_USED.match(line):
            yield from self._end(CACHED)
        elif _STEP_ENDED.match(line):
            yield from self._end(DONE)

    def _end(self, state: str) -> t.Iterator[StepEvent]:
        if self._current:
            yield StepEvent(self._current, state, round(self._clock() - self._since, 3))
            self._current = ""
