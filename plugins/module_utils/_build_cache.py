# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit's cache, and which of its records a prune would remove.

Source: ``DiskUsage``, ``prune``, ``pruneOnce`` and ``sortDeleteRecords`` in ``cache/manager.go`` of BuildKit v0.26.3.
"""

from __future__ import annotations

import calendar
import dataclasses
import re
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import Fields

# Kept unless all are to go: what BuildKit keeps for itself, and the images of frontends.
OWN_KINDS = frozenset({"internal", "frontend"})

_NEVER = (0, 0)
_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?Z")


@dataclasses.dataclass(frozen=True)
class CacheRecord:
    """One record of the cache.

    Attributes:
        id: its id.
        kind: what it is for: ``regular``, ``source.local``, ``exec.cachemount``, ``internal``, ``frontend`` …
        description: the step that made it.
        size: bytes on the disk.
        mutable: whether builds write to it.
        in_use: whether a build uses it at the moment.
        shared: whether an image uses the same data, so that removing the record frees nothing.
        parents: the ids of the records that it stands on.
        created_at: when it was made, RFC 3339 in UTC.
        last_used_at: when a build last used it; empty if none did.
        usage_count: how often builds used it.
    """

    id: str
    kind: str = "regular"
    description: str = ""
    size: int = 0
    mutable: bool = False
    in_use: bool = False
    shared: bool = False
    parents: tuple[str, ...] = ()
    created_at: str = ""
    last_used_at: str = ""
    usage_count: int = 0

    @classmethod
    def from_document(cls, document: t.Mapping[str, t.Any]) -> CacheRecord:
        """Read a record out of the JSON of ``buildctl du``.

        Raises:
            IntegrityError: a field is missing or malformed.
        """
        fields = Fields(document, "record of BuildKit's cache")
        return cls(
            id=fields.text("id"),
            kind=fields.text("recordType", "") or "regular",
            description=fields.text("description", ""),
            # Negative: BuildKit could not find out.
            size=max(0, document["size"]) if isinstance(document.get("size"), int) else 0,
            mutable=document.get("mutable") is True,
            in_use=document.get("inUse") is True,
            shared=document.get("shared") is True,
            parents=tuple(fields.texts("parents")),
            created_at=fields.text("createdAt", ""),
            last_used_at=fields.text("lastUsedAt", ""),
            usage_count=fields.integer("usageCount", 0),
        )

    @property
    def last_used(self) -> tuple[int, int]:
        """When a build last used it, in seconds and nanoseconds since 1970; ``(0, 0)`` if none did."""
        match = _TIME.fullmatch(self.last_used_at)
        if match is None:
            return _NEVER
        seconds = calendar.timegm(time.strptime(match[1], "%Y-%m-%dT%H:%M:%S"))
        return seconds, int((match[2] or "").ljust(9, "0"))


@dataclasses.dataclass(frozen=True)
class PruneRequest:
    """What is to be removed from the cache.

    Attributes:
        filters: BuildKit's filters; a record that one of them matches may go. All may if there is none.
        everything: remove what BuildKit keeps for itself, and what images use, as well.
        keep_seconds: leave what builds used within so many seconds.
        keep_bytes: remove no more once the cache has less than so many bytes; None: no such limit.
    """

    filters: tuple[str, ...] = ()
    everything: bool = False
    keep_seconds: int = 0
    keep_bytes: int | None = None


def prunable(
    records: t.Sequence[CacheRecord], matching: t.Container[str], request: PruneRequest, now: float
) -> list[CacheRecord]:
    """Return the records that BuildKit would remove, in its order.

    A record goes only after all that stand on it. With a limit for the cache's size BuildKit takes one after the other,
    the least used and longest unused first, until the cache is below it; which of two that are alike in both goes first
    is up to chance.

    Args:
        records: the whole cache.
        matching: the ids of those that the request's filters match.
        request: what is wanted.
        now: the time, in seconds since 1970.
    """
    left = {record.id: record for record in records}
    total = sum(record.size for record in records if not record.shared)
    gone: list[CacheRecord] = []
    # 0 means no limit to BuildKit.
    limit = request.keep_bytes or 0
    while not limit or total >= limit:
        needed = {parent for record in left.values() for parent in record.parents}
        ready = [
            record
            for record in left.values()
            if record.id in matching and record.id not in needed and _may_go(record, request, now)
        ]
        if not ready:
            break
        for record in _least_used(ready)[:1] if limit else ready:
            gone.append(left.pop(record.id))
            total -= record.size
    return gone


def _may_go(record: CacheRecord, request: PruneRequest, now: float) -> bool:
    if record.in_use or (not request.everything and (record.kind in OWN_KINDS or record.shared)):
        return False
    if not request.keep_seconds or record.last_used == _NEVER:
        return True
    seconds, nanoseconds = record.last_used
    return seconds + nanoseconds / 1e9 <= now - request.keep_seconds


def _least_used(records: t.Sequence[CacheRecord]) -> list[CacheRecord]:
    """Return *records* as BuildKit ranks them: by how long ago and how often they were used, both in equal parts."""
    ages = _ranks(sorted({record.last_used for record in records} | {_NEVER}))
    counts = _ranks(sorted({record.usage_count for record in records} | {0}))
    oldest, most = max(ages.values()), max(counts.values())
    return sorted(records, key=lambda each: ages[each.last_used] / oldest + counts[each.usage_count] / most)


def _ranks(values: t.Sequence[t.Any]) -> dict[t.Any, float]:
    return {value: float(rank) for rank, value in enumerate(values, 1)}
