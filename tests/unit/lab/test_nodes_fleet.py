# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from lab.errors import LabError
from lab.nodes import fleet
from lab.nodes.kinds import KINDS


def test_names_and_kinds_are_read_in_order() -> None:
    parsed = fleet.parse(["b:debian13", "a:debian12"])
    assert list(parsed.items()) == [("b", KINDS["debian13"]), ("a", KINDS["debian12"])]


@pytest.mark.parametrize(
    "argument", ["a", ":debian12", "-a:debian12", "a_b:debian12", "A:debian12", f"{'a' * 64}:debian12"]
)
def test_malformed_argument_is_shown(argument: str) -> None:
    with pytest.raises(LabError, match=f"{argument!r} is not NAME:KIND"):
        fleet.parse([argument])


def test_unknown_kind_lists_the_known_ones() -> None:
    with pytest.raises(LabError, match=r"kind 'debian11': the kinds are debian12, debian13\."):
        fleet.parse(["a:debian11"])


def test_name_that_comes_twice_is_refused() -> None:
    with pytest.raises(LabError, match="a is asked for twice"):
        fleet.parse(["a:debian12", "a:debian13"])
