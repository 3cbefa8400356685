# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Subordinate ids: what the files say, and what is free."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._subordinate_ids import (
    IdRange,
    free_range,
    parse_ranges,
    ranges_of,
)

FILE = "# comment\noperator:100000:65536\n\n1001:300000:10\nbroken:x:1\nci:165536:65536\n"


def test_ranges_are_read_and_other_lines_do_not_count() -> None:
    ranges = parse_ranges(FILE)
    assert [str(each) for each in ranges] == ["100000-165535", "300000-300009", "165536-231071"]
    assert ranges_of(ranges, "jo", "1001") == [IdRange("1001", 300000, 10)]
    assert ranges_of(ranges, "broken") == []


@pytest.mark.parametrize(
    ("taken", "ids", "start"),
    [
        ("", [], 100_000),
        (FILE, [], 231_072),
        # The gap in front of the ids of user 1001 is used.
        ("a:100000:10\nb:400000:10\n", [], 100_010),
        # Accounts that a directory service knows have high ids.
        ("", [0, 65_534, 120_000], 120_001),
        ("a:0:99000\n", [], 100_000),
    ],
)
def test_free_ids_are_nobodys(taken: str, ids: list[int], start: int) -> None:
    assert free_range("x", 65_536, parse_ranges(taken), ids, "", "SUB_UID") == IdRange("x", start, 65_536)


def test_the_limits_are_those_of_the_node() -> None:
    limits = "# SUB_UID_MIN 5\nSUB_UID_MIN\t\t200000\nSUB_UID_MAX 265535\n"
    assert free_range("x", 65_536, [], [], limits, "SUB_UID").start == 200_000
    with pytest.raises(Unavailable, match=r"up to 265535, SUB_UID_MAX of /etc/login.defs"):
        free_range("x", 65_536, [], [200_001], limits, "SUB_UID")
