# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that wait for something at the same time."""

from __future__ import annotations

import threading

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._meanwhile import (
    AT_ONCE_MAX,
    for_each_at_once,
    meanwhile,
)

SECONDS = 30


def test_both_run_at_the_same_time() -> None:
    met = threading.Barrier(2, timeout=SECONDS)
    with meanwhile(met.wait) as other:
        met.wait()
    assert other.result() in (0, 1)


def test_it_has_ended_when_the_block_has() -> None:
    ended: list[str] = []
    go = threading.Event()

    def wait() -> None:
        assert go.wait(SECONDS)
        ended.append("call")

    def broken_block() -> None:
        with meanwhile(wait):
            go.set()
            raise KeyError

    with pytest.raises(KeyError):
        broken_block()
    assert ended == ["call"]


def test_what_it_raised_is_raised_where_its_result_is_asked_for() -> None:
    def broken() -> int:
        raise ValueError("it broke")

    with meanwhile(broken) as other:
        pass
    with pytest.raises(ValueError, match="it broke"):
        other.result()


def test_results_come_in_the_order_of_their_items() -> None:
    met = threading.Barrier(AT_ONCE_MAX, timeout=SECONDS)

    def doubled(number: int) -> int:
        met.wait()
        return 2 * number

    assert for_each_at_once(range(AT_ONCE_MAX), doubled) == [2 * number for number in range(AT_ONCE_MAX)]
    assert for_each_at_once([], doubled) == []


def test_the_first_error_is_raised_when_all_have_ended() -> None:
    begun: list[int] = []

    def call(number: int) -> None:
        begun.append(number)
        if number in (1, 2):
            raise ValueError(f"number {number} broke")

    with pytest.raises(ValueError, match="number 1 broke"):
        for_each_at_once(range(100), call)
    assert {0, 1} <= set(begun)
