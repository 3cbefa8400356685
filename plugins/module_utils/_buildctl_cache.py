# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""buildctl: BuildKit's cache, and the builds that run, as JSON."""

from __future__ import annotations

import dataclasses
import datetime as dt
import json
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import for_each, if_given, if_true
from ansible_collections.nephoran.container_build.plugins.module_utils._build_cache import CacheRecord, PruneRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import Buildctl
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, checked

_JSON = ("--format", "{{json .}}")
# buildctl reads sizes in units of a million bytes.
_BYTES_PER_UNIT = 1_000_000


@dataclasses.dataclass(frozen=True)
class RunningBuild:
    """A build that has not ended.

    Attributes:
        ref: BuildKit's name for it.
        started_at: when it was started, RFC 3339 in UTC, in whole seconds.
        images: the names that its result is to have; empty if it is no image.
        target: the stage that it builds; empty if it is the last one.
        platforms: what it builds for; empty if it is the daemon's own platform.
        steps: how many steps it has, as far as is known.
        completed_steps: how many of them are done.
    """

    ref: str
    started_at: str
    images: tuple[str, ...]
    target: str
    platforms: tuple[str, ...]
    steps: int
    completed_steps: int


class BuildctlCache:
    """The cache and the builds of one BuildKit daemon.

    Args:
        buildctl: the daemon's client.
        timeout: seconds that one call may take; no limit by default.
    """

    def __init__(self, buildctl: Buildctl, timeout: int | None = None) -> None:
        self._buildctl = buildctl
        self._timeout = timeout

    def records(self, filters: t.Iterable[str] = ()) -> list[CacheRecord]:
        """Return the records of the cache that one of *filters* matches, all without a filter.

        Raises:
            Unavailable: the daemon does not answer.
            ToolFailed: it does not understand a filter.
        """
        completed = self._run(["du", *for_each("--filter", filters), *_JSON])
        checked(completed, "BuildKit's cache could not be listed", subject=self._buildctl.host)
        documents = self._read(completed, completed.text or "null") or []
        return [CacheRecord.from_document(each) for each in self._objects(completed, documents)]

    def prune(self, request: PruneRequest) -> tuple[Completed, list[CacheRecord]]:
        """Prune the cache; return the finished command and what is gone, as far as BuildKit tells it.

        BuildKit tells neither what the records were for nor on what they stood.
        """
        keep = None if request.keep_bytes is None else f"{request.keep_bytes / _BYTES_PER_UNIT:f}"
        completed = self._run(
            [
                "prune",
                *for_each("--filter", request.filters),
                *if_true("--all", request.everything),
                *if_given("--keep-duration", f"{request.keep_seconds}s" if request.keep_seconds else None),
                *if_given("--keep-storage", keep),
                *_JSON,
            ]
        )
        checked(completed, "BuildKit's cache could not be pruned", subject=self._buildctl.host)
        documents = [self._read(completed, line) for line in completed.text.splitlines() if line.strip()]
        return completed, [CacheRecord.from_document(each) for each in self._objects(completed, documents)]

    def running_builds(self) -> list[RunningBuild]:
        """Return the builds that have not ended, in the order in which they were started."""
        completed = self._run(["debug", "histories", *_JSON])
        checked(completed, "BuildKit's builds could not be listed", subject=self._buildctl.host)
        events = [self._read(completed, line) for line in completed.text.splitlines() if line.strip()]
        records = [each.get("record") for each in self._objects(completed, events)]
        running = [each for each in records if isinstance(each, dict) and not each.get("CompletedAt")]
        try:
            return sorted(map(_parse_build, running), key=lambda build: build.started_at)
        except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError) as error:
            raise self._unknown(completed) from error

    def _run(self, words: t.Sequence[str]) -> Completed:
        return self._buildctl.run(words, timeout=self._timeout)

    def _read(self, completed: Completed, text: str) -> t.Any:
        try:
            return json.loads(text)
        except ValueError as error:
            raise self._unknown(completed) from error

    def _objects(self, completed: Completed, documents: t.Any) -> list[dict[str, t.Any]]:
        if not isinstance(documents, list) or not all(isinstance(each, dict) for each in documents):
            raise self._unknown(completed)
        return documents

    def _unknown(self, completed: Completed) -> IntegrityError:
        return IntegrityError(
            "buildctl's answer is not what this collection knows",
            subject=self._buildctl.host,
            expected="the JSON that buildctl of BuildKit 0.26 prints",
            tail=completed.text,
        )


def _parse_build(record: t.Mapping[str, t.Any]) -> RunningBuild:
    attributes = record.get("FrontendAttrs") or {}
    started = dt.datetime.fromtimestamp((record.get("CreatedAt") or {}).get("seconds", 0), dt.timezone.utc)
    exporters = [each.get("Attrs") or {} for each in record.get("Exporters") or ()]
    return RunningBuild(
        ref=record["Ref"],
        started_at=started.strftime("%Y-%m-%dT%H:%M:%SZ"),
        images=tuple(name for each in exporters for name in str(each.get("name", "")).split(",") if name),
        target=str(attributes.get("target", "")),
        platforms=tuple(filter(None, str(attributes.get("platform", "")).split(","))),
        steps=int(record.get("numTotalSteps", 0)),
        completed_steps=int(record.get("numCompletedSteps", 0)),
    )
