# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a prune of BuildKit's cache would remove."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_cache import (
    CacheRecord,
    PruneRequest,
    prunable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError

NOON = 1_795_521_600.0  # 2026-11-24T12:00:00Z


def gone(*records: CacheRecord, matching: t.Collection[str] | None = None, **options: t.Any) -> list[str]:
    ids = {record.id for record in records} if matching is None else matching
    return [record.id for record in prunable(records, ids, PruneRequest(**options), NOON)]


def test_a_record_is_read_out_of_json() -> None:
    # As `buildctl du --format '{{json .}}'` of BuildKit 0.26.3 prints it.
    document = {
        "id": "lbmup",
        "mutable": False,
        "inUse": True,
        "size": 8224,
        "createdAt": "2026-11-24T14:12:12.981150246Z",
        "lastUsedAt": "2026-11-24T14:12:13.26709Z",
        "usageCount": 2,
        "parents": ["24vx7"],
        "description": "mount / from exec /bin/sh -c echo hi",
        "recordType": "regular",
        "shared": True,
    }
    record = CacheRecord.from_document(document)
    assert record == CacheRecord(
        id="lbmup",
        kind="regular",
        description="mount / from exec /bin/sh -c echo hi",
        size=8224,
        in_use=True,
        shared=True,
        parents=("24vx7",),
        created_at="2026-11-24T14:12:12.981150246Z",
        last_used_at="2026-11-24T14:12:13.26709Z",
        usage_count=2,
    )
    assert record.last_used == (1_795_529_533, 267_090_000)


def test_what_buildkit_leaves_out() -> None:
    record = CacheRecord.from_document(
        {"id": "x", "recordType": "", "parents": None, "lastUsedAt": None, "size": -1, "usageCount": 0}
    )
    assert record == CacheRecord(id="x")
    assert record.last_used == (0, 0)


@pytest.mark.parametrize("document", [{}, {"id": 7}, {"id": "x", "parents": "y"}, {"id": "x", "lastUsedAt": 7}])
def test_no_record(document: dict[str, t.Any]) -> None:
    with pytest.raises(IntegrityError, match="record of BuildKit's cache"):
        CacheRecord.from_document(document)


def test_what_is_needed_stays() -> None:
    records = [
        CacheRecord("plain"),
        CacheRecord("in-use", in_use=True),
        CacheRecord("shared", shared=True),
        CacheRecord("internal", kind="internal"),
        CacheRecord("frontend", kind="frontend"),
        CacheRecord("mount", kind="exec.cachemount", mutable=True),
    ]
    assert gone(*records) == ["plain", "mount"]
    assert set(gone(*records, everything=True)) == {"plain", "shared", "internal", "frontend", "mount"}


def test_only_what_filters_match_goes() -> None:
    assert gone(CacheRecord("a"), CacheRecord("b"), matching={"b", "other"}) == ["b"]
    assert gone(CacheRecord("a"), matching=set()) == []


def test_a_record_goes_after_all_that_stand_on_it() -> None:
    base, middle = CacheRecord("base"), CacheRecord("middle", parents=("base",))
    top, merged = CacheRecord("top", parents=("middle",)), CacheRecord("merged", parents=("middle", "base"))
    assert gone(base, middle, top, merged)[2:] == ["middle", "base"]
    used = CacheRecord("merged", parents=("middle", "base"), in_use=True)
    assert gone(base, middle, top, used) == ["top"]
    assert gone(base, middle, top, merged, matching={"base", "middle"}) == []


@pytest.mark.parametrize(
    ("last_used_at", "goes"),
    [
        ("2026-11-24T10:59:59.999999999Z", True),
        ("2026-11-24T11:00:00Z", True),
        ("2026-11-24T11:00:00.5Z", False),
        ("2026-11-24T12:30:00Z", False),
        ("", True),
    ],
)
def test_what_was_used_lately_stays(last_used_at: str, goes: bool) -> None:
    record = CacheRecord("a", last_used_at=last_used_at)
    assert gone(record, keep_seconds=3600) == (["a"] if goes else [])
    assert gone(record) == ["a"]


def test_what_was_used_lately_keeps_what_it_stands_on() -> None:
    base = CacheRecord("base", last_used_at="2026-11-01T00:00:00Z")
    top = CacheRecord("top", parents=("base",), last_used_at="2026-11-24T11:59:00Z")
    assert gone(base, top, keep_seconds=3600) == []


class TestLimit:
    """A limit for the cache's size."""

    RECORDS = (
        CacheRecord("newest", size=40, last_used_at="2026-11-24T11:00:00Z", usage_count=1),
        CacheRecord("oldest", size=30, last_used_at="2026-11-21T11:00:00Z", usage_count=1),
        CacheRecord("middle", size=20, last_used_at="2026-11-23T11:00:00Z", usage_count=1),
    )

    @pytest.mark.parametrize(
        ("limit", "expected"),
        [
            (1000, []),
            (91, []),
            # BuildKit stops below the limit, not at it.
            (90, ["oldest"]),
            (60, ["oldest", "middle"]),
            (41, ["oldest", "middle"]),
            (40, ["oldest", "middle", "newest"]),
            (1, ["oldest", "middle", "newest"]),
        ],
    )
    def test_the_longest_unused_go_first(self, limit: int, expected: list[str]) -> None:
        assert gone(*self.RECORDS, keep_bytes=limit) == expected

    def test_what_is_used_often_stays_longer(self) -> None:
        often = CacheRecord("often", size=10, last_used_at="2026-11-20T11:00:00Z", usage_count=9)
        # By age alone it would be the first.
        assert gone(*self.RECORDS, often, keep_bytes=55) == ["oldest", "middle"]

    def test_what_was_never_used_goes_first(self) -> None:
        assert gone(*self.RECORDS, CacheRecord("never", size=5), keep_bytes=95) == ["never"]

    def test_what_images_share_takes_nothing(self) -> None:
        shared = CacheRecord("shared", size=1000, shared=True)
        assert gone(*self.RECORDS, shared, keep_bytes=91) == []
        assert gone(*self.RECORDS, shared, keep_bytes=90) == ["oldest"]

    def test_what_is_in_use_takes_its_part(self) -> None:
        busy = CacheRecord("busy", size=50, in_use=True)
        assert gone(*self.RECORDS, busy, keep_bytes=100) == ["oldest", "middle"]

    def test_what_cannot_go_ends_it(self) -> None:
        base = CacheRecord("base", size=50, in_use=True)
        assert gone(base, CacheRecord("top", size=10, parents=("base",)), keep_bytes=5) == ["top"]
