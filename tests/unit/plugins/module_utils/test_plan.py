# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans, and what a user sees of them."""

from __future__ import annotations

from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan, merge_plans


def test_an_action_is_a_sentence() -> None:
    assert str(Action("pin", "app:v1")) == "pin app:v1"
    assert str(Action("name", "app:v1", "a → b")) == "name app:v1 (a → b)"


def test_a_plan_changes_something_if_it_has_actions() -> None:
    assert not Plan(before={"a": 1}, after={"a": 1}).changed
    assert Plan((Action("pin", "a"),)).changed


def test_a_diff_shows_both_states_under_its_header() -> None:
    plan = Plan((), {"a": 1}, {"a": 2})
    assert plan.diff("x") == {"before_header": "x", "after_header": "x", "before": {"a": 1}, "after": {"a": 2}}


def test_merged_plans_keep_their_order_and_all_states() -> None:
    first = Plan((Action("take", "1"),), {"a": 0, "both": "old"}, {"a": 1, "both": "mid"})
    second = Plan((Action("name", "2"),), {"b": 0}, {"b": 1, "both": "new"})
    merged = merge_plans([first, Plan(), second])
    assert merged.action_lines() == ["take 1", "name 2"]
    assert merged.before == {"a": 0, "b": 0, "both": "old"}
    assert merged.after == {"a": 1, "b": 1, "both": "new"}
    assert not merge_plans([]).changed
