# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subordinate ids of accounts, after subuid(5) and subgid(5)."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable

# What login.defs(5) says where it says nothing.
FIRST_ID = 100_000
LAST_ID = 600_100_000


@dataclasses.dataclass(frozen=True)
class IdRange:
    """Ids that an account may give to processes in its user namespaces.

    Attributes:
        owner: the account, by its name or its id.
        start: the first id.
        count: how many there are.
    """

    owner: str
    start: int
    count: int

    @property
    def end(self) -> int:
        """The id behind the last one."""
        return self.start + self.count

    def __contains__(self, number: int) -> bool:
        return self.start <= number < self.end

    def __str__(self) -> str:
        return f"{self.start}-{self.end - 1}"


def parse_ranges(text: str) -> list[IdRange]:
    """Return the ranges that a file holds; lines that are none do not count, as for newuidmap(1)."""
    lines = (line.strip().split(":") for line in text.splitlines())
    return [
        IdRange(words[0], int(words[1]), int(words[2]))
        for words in lines
        if len(words) == 3 and words[1].isdecimal() and words[2].isdecimal()
    ]


def ranges_of(ranges: t.Iterable[IdRange], *owners: str) -> list[IdRange]:
    """Return those of *ranges* that belong to one of *owners*."""
    return [each for each in ranges if each.owner in owners]


def free_range(
    owner: str, count: int, taken: t.Iterable[IdRange], ids: t.Iterable[int], login_defs: str, key: str
) -> IdRange:
    """Return *count* ids that nobody has.

    Args:
        owner: who is to have them.
        count: how many are wanted.
        taken: the ranges that somebody has.
        ids: the ids of accounts, or of groups; the node may know some beyond those of its own that useradd gives out.
        login_defs: the content of login.defs(5).
        key: ``SUB_UID`` or ``SUB_GID``.

    Raises:
        Unavailable: there are no more.
    """
    start = _setting(login_defs, f"{key}_MIN", FIRST_ID)
    last = _setting(login_defs, f"{key}_MAX", LAST_ID)
    for used in sorted([*taken, *(IdRange("", each, 1) for each in ids)], key=lambda each: each.start):
        if used.start >= start + count:
            break
        start = max(start, used.end)
    if start + count - 1 > last:
        raise Unavailable(
            f"No {count} subordinate ids in a row are left for an account",
            subject=owner,
            expected=f"free ids up to {last}, {key}_MAX of /etc/login.defs",
            remedy="take ids from accounts that do not need them any more, or raise the limit",
        )
    return IdRange(owner, start, count)


def _setting(login_defs: str, key: str, default: int) -> int:
    found = re.search(rf"^\s*{key}\s+(\d+)\s*$", login_defs, re.MULTILINE)
    return int(found.group(1)) if found else default
