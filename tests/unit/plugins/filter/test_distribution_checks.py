# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which nodes have an image, as the report says it."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.filter.distribution_checks import (
    FilterModule,
    distribution_checks,
)

DIGEST, OTHER = "sha256:aa", "sha256:bb"


@pytest.mark.parametrize(
    ("note", "ok", "detail"),
    [
        ({"digest": DIGEST, "before": DIGEST}, True, "had it already"),
        ({"digest": DIGEST, "before": OTHER}, True, "has it now"),
        ({"digest": OTHER, "before": OTHER}, False, f"has {OTHER}"),
        ({"digest": "", "before": ""}, False, "has none"),
        ({"failed": "Pull it: no route"}, False, "lacks it"),
        ({}, False, "was not reached"),
        (None, False, "was not reached"),
    ],
)
def test_each_node_has_a_line(note: dict[str, str] | None, ok: bool, detail: str) -> None:
    (check,) = distribution_checks({"node-1": note}, digest=DIGEST)
    assert (check["name"], check["ok"], check["detail"]) == ("node-1", ok, detail)
    assert ok or check["cause"]


def test_the_cause_is_the_nodes_own() -> None:
    checks = distribution_checks({"a": {"failed": "Pull it: no route"}, "b": {}}, digest=DIGEST)
    assert checks[0]["cause"] == "Pull it: no route"
    assert "again" in checks[1]["remedy"]


@pytest.mark.parametrize("digest", ["", DIGEST])
def test_check_mode_says_what_would_be(digest: str) -> None:
    (check,) = distribution_checks({"a": {"digest": "", "before": ""}}, digest=digest, check=True)
    assert (check["ok"], check["detail"]) == (None, "would get it")


def test_check_mode_tells_of_failures_all_the_same() -> None:
    (check,) = distribution_checks({"a": {"failed": "no"}}, digest=DIGEST, check=True)
    assert check["ok"] is False


@pytest.mark.parametrize("noted", [[], "text", None])
def test_anything_but_a_dictionary_is_refused(noted: t.Any) -> None:
    with pytest.raises(AnsibleFilterError, match="expected is a dictionary"):
        distribution_checks(noted)


def test_the_filter_has_its_name() -> None:
    assert FilterModule().filters() == {"distribution_checks": distribution_checks}
