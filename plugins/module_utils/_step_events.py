# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node tells the controller of a build's steps while the builder is at work: one JSON object a line."""

from __future__ import annotations

import json
import typing as t

RUNNING, DONE, CACHED, FAILED, CANCELLED = "running", "done", "cached", "failed", "cancelled"
STATES = frozenset((RUNNING, DONE, CACHED, FAILED, CANCELLED))
STDOUT, STDERR = "stdout", "stderr"

# Node and controller know a build's folder by the id that the controller chose: 128 bits as hexadecimal digits, so that
# nobody else on the node can have made the folder first.
ID_PATTERN = r"[0-9a-f]{32}"
EVENTS_FILE, LEASE_FILE = "steps", "lease"


def progress_folder(progress_id: str) -> str:
    """Return the folder on the node that holds what is told of a build: for every user that may run the module."""
    # Nobody can foresee the name, and what exists is not used.
    return f"/tmp/nephoran-image-build-{progress_id}"  # noqa: S108


class StepEvent(t.NamedTuple):
    """A step that has entered a state.

    Attributes:
        name: the step as the builder names it.
        state: one of ``STATES``.
        seconds: how long it took so far; 0 if it has just begun.
    """

    name: str
    state: str
    seconds: float = 0.0

    def to_line(self) -> str:
        """Return the event as a line; ASCII, so that no connection's encoding matters."""
        return json.dumps(self._asdict()) + "\n"


class StepReader(t.Protocol):
    """Makes events of what a builder writes."""

    def feed(self, stream: str, piece: bytes) -> list[StepEvent]:
        """Return what is new with the next *piece* of ``STDOUT`` or ``STDERR``; pieces end anywhere."""


def parse_events(text: str) -> list[StepEvent]:
    """Return the events of *text*; lines that are none, such as a login's greeting or half an event, are left out."""
    return [event for line in text.splitlines() if (event := _parse(line)) is not None]


def _parse(line: str) -> StepEvent | None:
    try:
        document = json.loads(line)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.keys() != {"name", "state", "seconds"}:
        return None
    name, state, seconds = document["name"], document["state"], document["seconds"]
    if not (isinstance(name, str) and isinstance(state, str) and isinstance(seconds, (int, float))):
        return None
    return StepEvent(name, state, seconds) if state in STATES else None
