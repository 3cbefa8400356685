# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prunes BuildKit's cache, or says what a prune would remove."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_cache import (
    CacheRecord,
    PruneRequest,
    prunable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl_cache import BuildctlCache
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import redact


@dataclasses.dataclass(frozen=True)
class Pruned:
    """What came of a prune.

    Attributes:
        plan: what had to happen; after a real run, what did happen.
        records: what is gone, or would be.
        freed: bytes that this freed, or would free; records that images share free none.
        command: the command line; empty if it was not started.
    """

    plan: Plan
    records: tuple[CacheRecord, ...]
    freed: int
    command: tuple[str, ...] = ()


def prune_builder(
    cache: BuildctlCache, host: str, request: PruneRequest, *, check: bool, now: t.Callable[[], float] = time.time
) -> Pruned:
    """Remove from the cache what *request* names, or only say what that is if *check*.

    BuildKit decides what goes: a real run reports what it told, and not what was foreseen.

    Args:
        cache: the daemon's cache.
        host: its address.
        request: what is to be removed.
        check: change nothing.
        now: tells the time.

    Raises:
        Unavailable: the daemon does not answer.
        ToolFailed: it does not understand a filter.
    """
    before = cache.records()
    if check:
        matching = {each.id for each in (cache.records(request.filters) if request.filters else before)}
        return _result(host, before, prunable(before, matching, request, now()))
    completed, gone = cache.prune(request)
    known = {record.id: record for record in before}
    # Of what is gone BuildKit tells less than it told while it was there.
    told = [known.get(record.id, record) for record in gone]
    return dataclasses.replace(_result(host, before, told), command=tuple(redact(completed.argv)))


def _result(host: str, before: t.Sequence[CacheRecord], gone: t.Sequence[CacheRecord]) -> Pruned:
    freed = sum(record.size for record in gone if not record.shared)
    ids = {record.id for record in gone}
    actions = (Action("prune", f"{len(gone)} records from {host}", f"{freed} bytes"),) if gone else ()
    left = [record for record in before if record.id not in ids]
    return Pruned(Plan(actions, {host: _shown(before)}, {host: _shown(left)}), tuple(gone), freed)


def _shown(records: t.Sequence[CacheRecord]) -> dict[str, int]:
    return {"records": len(records), "bytes": sum(record.size for record in records)}
