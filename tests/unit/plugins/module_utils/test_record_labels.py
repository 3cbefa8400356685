# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of containerd's records."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    LABEL_BYTES_MAX,
    MANAGED_LABEL,
    PINNED_LABEL,
    label_actions,
    label_changes,
    own_labels,
    validate_labels,
    wanted_labels,
)
from hypothesis import given
from hypothesis import strategies as st

PINNED = {PINNED_LABEL: "pinned"}
MANAGED = {MANAGED_LABEL: "managed"}

labels_of_records = st.dictionaries(
    st.sampled_from(["a", "b", "c", PINNED_LABEL, MANAGED_LABEL]), st.sampled_from(["1", "2", "pinned"])
)


@pytest.mark.parametrize(
    ("present", "labels", "pinned", "wanted"),
    [
        ({}, {}, None, {}),
        ({"a": "1"}, {"b": "2"}, None, {"a": "1", "b": "2"}),
        ({"a": "1"}, {"a": "2"}, None, {"a": "2"}),
        ({}, {}, True, PINNED),
        ({**PINNED, "a": "1"}, {}, False, {"a": "1"}),
        (PINNED, {}, None, PINNED),
        ({**MANAGED, "a": "1"}, {}, None, {"a": "1"}),
    ],
)
def test_labels_that_are_there_stay(
    present: dict[str, str], labels: dict[str, str], pinned: bool | None, wanted: dict[str, str]
) -> None:
    assert wanted_labels(present, labels, pinned) == wanted


def test_the_marks_of_the_cri_plugin_are_never_taken_away() -> None:
    assert label_changes({**MANAGED, "a": "1"}, {}) == {"a": ""}
    assert label_changes(MANAGED, wanted_labels(MANAGED, {}, None)) == {}
    assert label_actions("app", {**MANAGED, **PINNED}, wanted_labels({**MANAGED, **PINNED}, {}, None)) == []


@given(labels_of_records, labels_of_records)
def test_changes_lead_from_what_is_there_to_what_is_wanted(present: dict[str, str], wanted: dict[str, str]) -> None:
    """As containerd applies them: what it is not given stays, and a label without a value goes."""
    after = {key: value for key, value in {**present, **label_changes(present, wanted)}.items() if value}
    assert own_labels(after) == own_labels(wanted)
    assert set(after) == set(wanted) | (set(present) & {MANAGED_LABEL})
    assert bool(label_changes(present, wanted)) == bool(label_actions("app", present, wanted))


def test_actions_speak_of_pins_where_a_label_is_one() -> None:
    present = {**PINNED, "old": "1", "same": "1"}
    lines = [str(action) for action in label_actions("app:v1", present, {"same": "1", "new": "2"})]
    assert lines == ["unpin app:v1", "label app:v1 (new=2)", "unlabel app:v1 (old)"]
    assert [str(action) for action in label_actions("app:v1", {}, PINNED)] == ["pin app:v1"]


def test_values_are_the_text_that_the_user_wrote() -> None:
    given = {"number": 1.5, "yes": True, "no": False, "text": "a=b", "ü": "→"}
    assert validate_labels(given) == {"number": "1.5", "yes": "true", "no": "false", "text": "a=b", "ü": "→"}


@pytest.mark.parametrize(
    "labels",
    [
        {"": "x"},
        {"a=b": "x"},
        {"-a": "x"},
        {"--label": "x"},
        {"a": ""},
        {"a": "x\ny"},
        {"a\n": "x"},
        {"a": "x\0"},
        {"a": "\x1b[31m"},
        {"a": "\ud800"},
        {"a": "x" * LABEL_BYTES_MAX},
        {"a": "ü" * (LABEL_BYTES_MAX // 2)},
        {"a": None},
        {"a": ["x"]},
        {"a": {"b": "c"}},
    ],
)
def test_what_ctr_cannot_pass_on_is_refused(labels: dict[str, t.Any]) -> None:
    with pytest.raises(InvalidInput) as caught:
        validate_labels(labels)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500


def test_a_label_of_the_largest_size_is_accepted() -> None:
    assert validate_labels({"a": "x" * (LABEL_BYTES_MAX - 1)})
