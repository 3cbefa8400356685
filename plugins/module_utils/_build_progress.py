# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit's progress as ``--progress=rawjson`` writes it: one ``SolveStatus`` a line.

Source: ``client/graph.go`` and ``util/progress/progressui`` of github.com/moby/buildkit v0.26.3. Lines that are no JSON
object are the client's own words: an excerpt of the Dockerfile and the error that ended the build.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildStep
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    CACHED,
    CANCELLED,
    DONE,
    FAILED,
    RUNNING,
    STDERR,
    StepEvent,
)

# Go writes as many digits of a second's fraction as there are before its zeros, up to nanoseconds.
_TIME = re.compile(r"(?P<seconds>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?(?P<zone>Z|[+-]\d\d:\d\d)")
# The excerpt that the client prints below a failed build begins with the file's name and the line.
_EXCERPT_HEAD = re.compile(r"^(?P<file>[^\s:{][^:{]*):(?P<line>\d+)$")
_ERROR_PREFIXES = ("error: ", "ERROR: ")
# What a step says that was ended because another one failed.
_CANCELLED = "context canceled"
_NANOSECONDS = 1_000_000_000


class _Vertex:
    def __init__(self) -> None:
        self.name = ""
        self.order = -1
        self.started = 0
        self.completed = 0
        self.cached = False
        self.error = ""
        self.output = bytearray()

    @property
    def lines(self) -> list[str]:
        """What the step printed; put together first, since pieces end anywhere in a line, and in a character."""
        return self.output.decode("utf-8", "replace").splitlines()

    @property
    def seconds(self) -> float:
        if not self.started or not self.completed:
            return 0.0
        return round(max(self.completed - self.started, 0) / _NANOSECONDS, 3)

    @property
    def state(self) -> str:
        if self.error:
            return CANCELLED if self.error.endswith(_CANCELLED) else FAILED
        if self.completed:
            return CACHED if self.cached else DONE
        return RUNNING


class Progress(t.NamedTuple):
    """A build's progress, read to its end.

    Attributes:
        steps: the steps in the order in which they began.
        output: what each failed or running step printed, as plain lines for people and logs.
        failed_step: the name of the step that failed; empty if none did.
        failed_output: what that step printed.
        dockerfile_line: the line of the Dockerfile that failed; 0 if the builder did not say.
        error: the sentence that ended the build; empty if none.
    """

    steps: tuple[BuildStep, ...]
    output: str
    failed_step: str = ""
    failed_output: str = ""
    dockerfile_line: int = 0
    error: str = ""

    def masked(self, mask: t.Callable[[str], str]) -> Progress:
        """Return this progress with *mask* applied to each text."""
        return Progress(
            steps=tuple(each._replace(name=mask(each.name), error=mask(each.error)) for each in self.steps),
            output=mask(self.output),
            failed_step=mask(self.failed_step),
            failed_output=mask(self.failed_output),
            dockerfile_line=self.dockerfile_line,
            error=mask(self.error),
        )


class BuildkitSteps:
    """A ``StepReader`` for clients of BuildKit."""

    def __init__(self) -> None:
        self._rest = b""
        self._vertexes: dict[str, _Vertex] = {}
        self._told: dict[str, str] = {}

    def feed(self, stream: str, piece: bytes) -> list[StepEvent]:
        """Return what is new with the next *piece* of a stream."""
        if stream != STDERR:
            return []
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            # Most lines count bytes or carry what a step printed.
            status = _status(line.decode("utf-8", "replace")) if b'"vertexes"' in line else None
            for vertex in (status or {}).get("vertexes") or ():
                _merge(self._vertexes, vertex)
        return list(self._news())

    def _news(self) -> t.Iterator[StepEvent]:
        for digest, vertex in self._vertexes.items():
            if vertex.order >= 0 and self._told.get(digest) != vertex.state:
                self._told[digest] = vertex.state
                yield StepEvent(vertex.name, vertex.state, vertex.seconds)


def parse_progress(text: str) -> Progress:
    """Parse what a client wrote on standard error under ``--progress=rawjson``."""
    vertexes: dict[str, _Vertex] = {}
    plain: list[str] = []
    for line in text.splitlines():
        status = _status(line)
        if status is None:
            plain.append(line)
            continue
        for vertex in status.get("vertexes") or ():
            _merge(vertexes, vertex)
        for log in status.get("logs") or ():
            _append_log(vertexes, log)
    begun = sorted((v for v in vertexes.values() if v.order >= 0), key=lambda v: (v.started, v.order))
    errors = [vertex for vertex in begun if vertex.state == FAILED]
    failed = min(errors, key=lambda vertex: vertex.completed, default=None)
    line_number, error = _client_words(plain)
    return Progress(
        steps=tuple(_step(vertex) for vertex in begun),
        output="\n".join([*_plain_lines(begun), *plain]).strip("\n"),
        failed_step=failed.name if failed else "",
        failed_output="\n".join(failed.lines) if failed else "",
        dockerfile_line=line_number,
        error=error or (failed.error if failed else ""),
    )


def _status(line: str) -> dict[str, t.Any] | None:
    if not line.startswith("{"):
        return None
    try:
        status = json.loads(line)
    except ValueError:
        return None
    return status if isinstance(status, dict) and status.keys() & {"vertexes", "statuses", "logs", "warnings"} else None


def _merge(vertexes: dict[str, _Vertex], update: t.Mapping[str, t.Any]) -> None:
    vertex = vertexes.setdefault(update.get("digest", ""), _Vertex())
    vertex.name = vertex.name or update.get("name", "")
    if vertex.order < 0 and (update.get("started") or update.get("error")):
        # BuildKit lists results before what they are made of, so the order of the first mention says nothing.
        vertex.order = sum(each.order >= 0 for each in vertexes.values())
    vertex.started = vertex.started or _nanoseconds(update.get("started"))
    vertex.completed = _nanoseconds(update.get("completed")) or vertex.completed
    vertex.cached = vertex.cached or bool(update.get("cached"))
    vertex.error = update.get("error", "") or vertex.error


def _append_log(vertexes: dict[str, _Vertex], log: t.Mapping[str, t.Any]) -> None:
    vertex = vertexes.setdefault(log.get("vertex", ""), _Vertex())
    vertex.output += base64.b64decode(log.get("data") or "")


def _step(vertex: _Vertex) -> BuildStep:
    return BuildStep(name=vertex.name, cached=vertex.cached, seconds=vertex.seconds, error=vertex.error)


def _plain_lines(vertexes: t.Sequence[_Vertex]) -> t.Iterator[str]:
    for number, vertex in enumerate(vertexes, 1):
        yield f"#{number} {vertex.name}"
        yield from (f"#{number} {line}" for line in vertex.lines)
        if vertex.error:
            yield f"#{number} ERROR: {vertex.error}"
        elif vertex.cached:
            yield f"#{number} CACHED"
        elif vertex.completed:
            yield f"#{number} DONE {vertex.seconds:.1f}s"
        yield ""


def _client_words(lines: t.Sequence[str]) -> tuple[int, str]:
    line_number, error = 0, ""
    for line in lines:
        head = _EXCERPT_HEAD.match(line)
        if head:
            line_number = int(head["line"])
        for prefix in _ERROR_PREFIXES:
            if line.startswith(prefix):
                error = line[len(prefix) :]
    return line_number, error


def _nanoseconds(text: str | None) -> int:
    """Return a time of the progress as nanoseconds since the epoch; 0 if there is none."""
    found = _TIME.fullmatch(text or "")
    if found is None:
        return 0
    seconds = dt.datetime.fromisoformat(found["seconds"] + found["zone"].replace("Z", "+00:00"))
    return int(seconds.timestamp()) * _NANOSECONDS + int((found["fraction"] or "").ljust(9, "0"))
