# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of command lines."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._argv import (
    for_each,
    for_each_pair,
    if_given,
    if_true,
)


@pytest.mark.parametrize(("value", "words"), [("a", ["--o", "a"]), ("-x", ["--o", "-x"]), ("", []), (None, [])])
def test_an_option_comes_with_its_value_or_not_at_all(value: str | None, words: list[str]) -> None:
    assert if_given("--o", value) == words


def test_a_switch_comes_if_it_is_on() -> None:
    assert (if_true("--o", value=True), if_true("--o", value=False)) == (["--o"], [])


def test_an_option_is_repeated_in_the_order_of_its_values() -> None:
    assert for_each("--o", ("b", "a", "b")) == ["--o", "b", "--o", "a", "--o", "b"]
    assert for_each("--o", ()) == []


def test_pairs_are_sorted_so_that_equal_options_give_equal_words() -> None:
    assert for_each_pair("--o", {"b": "2", "a": "1=x"}) == ["--o", "a=1=x", "--o", "b=2"]
    assert for_each_pair("--o", {"a": "::1"}, separator=":") == ["--o", "a:::1"]
    assert for_each_pair("--o", {"empty": ""}) == ["--o", "empty="]
