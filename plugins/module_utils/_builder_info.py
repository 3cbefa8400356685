# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is known of BuildKit's daemons: workers, cache, and what they build at the moment."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_cache import CacheRecord
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import Buildctl
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl_cache import (
    BuildctlCache,
    RunningBuild,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._buildkit_workers import Worker
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner


@dataclasses.dataclass(frozen=True)
class CacheUsage:
    """What the cache takes.

    Attributes:
        records: how many records it has.
        size: bytes of all of them.
        reclaimable: bytes that a prune of everything would free: what no build uses at the moment and no image shares.
        shared: bytes that images use as well.
        by_kind: bytes by what the records are for.
    """

    records: int
    size: int
    reclaimable: int
    shared: int
    by_kind: t.Mapping[str, int]

    @classmethod
    def of(cls, records: t.Sequence[CacheRecord]) -> CacheUsage:
        """Return what *records* take."""
        by_kind: dict[str, int] = {}
        for record in records:
            by_kind[record.kind] = by_kind.get(record.kind, 0) + record.size
        return cls(
            records=len(records),
            size=sum(record.size for record in records),
            reclaimable=sum(record.size for record in records if not record.in_use and not record.shared),
            shared=sum(record.size for record in records if record.shared),
            by_kind=dict(sorted(by_kind.items())),
        )


@dataclasses.dataclass(frozen=True)
class BuilderInfo:
    """A BuildKit daemon, as ``builder_info`` returns it.

    Attributes:
        buildkit_host: its address.
        reachable: whether it answers.
        problem: why it does not; empty if it does.
        version: of BuildKit; empty if it does not answer.
        workers: its workers.
        cache: what its cache takes; None if it does not answer.
        running_builds: the builds that have not ended.
        records: the records of its cache; None if they were not asked for.
    """

    buildkit_host: str
    reachable: bool
    problem: str = ""
    version: str = ""
    workers: tuple[Worker, ...] = ()
    cache: CacheUsage | None = None
    running_builds: tuple[RunningBuild, ...] = ()
    records: tuple[CacheRecord, ...] | None = None


def describe_builder(
    runner: Runner, host: str, timeout: int | None, *, with_records: bool, must_answer: bool
) -> BuilderInfo:
    """Return what is known of the daemon at *host*.

    Args:
        runner: starts the processes.
        host: the daemon's address.
        timeout: seconds that one call may take; no limit if None.
        with_records: whether to return the records of its cache.
        must_answer: whether it is an error if it does not answer.

    Raises:
        ContainerBuildError: it does not answer, and must.
    """
    buildctl = Buildctl(runner, host)
    try:
        workers = buildctl.workers(timeout)
        cache = BuildctlCache(buildctl, timeout)
        records = cache.records()
        running = cache.running_builds()
    except ContainerBuildError as error:
        if must_answer:
            raise
        return BuilderInfo(host, reachable=False, problem=str(error))
    return BuilderInfo(
        buildkit_host=host,
        reachable=True,
        version=workers[0].version if workers else "",
        workers=tuple(workers),
        cache=CacheUsage.of(records),
        running_builds=tuple(running),
        records=tuple(records) if with_records else None,
    )
