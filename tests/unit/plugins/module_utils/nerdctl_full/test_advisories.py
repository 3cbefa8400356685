# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which versions the table of advisories touches, and what an installation makes of it."""

from __future__ import annotations

import datetime as dt

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._advisories import (
    AS_OF,
    TABLE,
    affecting,
    upstream_version,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import FOREIGN, ContainerdOwner
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Refused

from .conftest import Archive, MakeArchive, Node, program

PINNED = {"containerd": "2.2.1", "runc": "1.4.0", "CNI plugins": "1.9.0", "BuildKit": "0.26.3"}


def identifiers(component: str, version: str | None) -> set[str]:
    return {advisory.identifier for advisory in affecting(component, version)}


@pytest.mark.parametrize(
    ("component", "version", "touched", "untouched"),
    [
        ("containerd", "2.2.1", {"CVE-2026-53488", "CVE-2026-35469"}, set()),
        ("containerd", "2.2.4", {"CVE-2026-53488"}, {"CVE-2026-35469", "CVE-2026-46680"}),
        ("containerd", "2.2.5", {"release notes of 2.2.7"}, {"CVE-2026-53488"}),
        ("containerd", "2.2.5-rc.1", {"CVE-2026-53488"}, {"CVE-2026-46680"}),
        ("containerd", "2.2.7", set(), {"release notes of 2.2.7"}),
        # Another branch, of which the table knows nothing.
        ("containerd", "1.7.24~ds1", set(), {"CVE-2026-53488"}),
        ("runc", "1.4.0", {"CVE-2026-41579"}, set()),
        ("runc", "1.1.15+ds1", set(), {"CVE-2026-41579"}),
        ("buildkit", "0.31.1", {"CVE-2026-15788"}, {"GHSA-7236-3392-c5c6"}),
        ("buildah", "1.28.2+ds1-3+b1", {"CVE-2024-1753", "CVE-2024-9407"}, set()),
        ("buildah", "1.39.3", {"release notes of 1.44.0"}, {"CVE-2024-9407"}),
        ("nerdctl", "2.2.1", set(), {"CVE-2026-53488"}),
    ],
)
def test_versions_are_touched_up_to_the_fix(
    component: str, version: str, touched: set[str], untouched: set[str]
) -> None:
    found = identifiers(component, version)
    assert touched <= found
    assert not untouched & found


@pytest.mark.parametrize("version", [None, "", "unknown"])
def test_of_an_unknown_version_nothing_is_said(version: str | None) -> None:
    assert identifiers("containerd", version) == set()


def test_what_distributions_add_to_a_version_is_left_away() -> None:
    assert [upstream_version(each) for each in ("1.7.24~ds1-6", "v2.2.1", "1.28.2+ds1-3", "2.0.0-rc.1")] == [
        "1.7.24",
        "2.2.1",
        "1.28.2",
        "2.0.0-rc.1",
    ]


def test_the_table_is_dated_and_says_each_thing_once() -> None:
    assert dt.date.fromisoformat(AS_OF).year >= 2026
    entries = [(advisory.component, advisory.identifier) for advisory in TABLE]
    assert len(entries) == len(set(entries))


@pytest.fixture
def exposed(make_archive: MakeArchive) -> Archive:
    return make_archive(components=PINNED)


def test_an_installation_warns_once_a_component(node: Node, exposed: Archive) -> None:
    outcome = node.install(exposed)
    assert [warning.partition(" has ")[0] for warning in outcome.warnings] == [
        "containerd 2.2.1",
        "runc 1.4.0",
        "buildkit 0.26.3",
    ]
    assert "all fixed in 2.2.7: " in outcome.warnings[0]
    assert outcome.exposed is not None
    assert "CVE-2026-53488" in {each.advisory.identifier for each in outcome.exposed}
    assert node.install(exposed).warnings == outcome.warnings


def test_it_can_be_told_to_say_nothing(node: Node, exposed: Archive) -> None:
    outcome = node.install(exposed, advisories="ignore")
    assert outcome.warnings == ()
    assert outcome.exposed


def test_it_can_be_told_to_fail_and_leaves_the_node_as_it_was(node: Node, first: Archive, exposed: Archive) -> None:
    node.install(first)
    before = node.snapshot()
    with pytest.raises(Refused, match=r"known vulnerabilities.*CVE-2026-53488.*advisories to warn"):
        node.install(exposed, advisories="fail")
    assert node.snapshot() == before
    assert node.store.leftovers([]) == []


def test_it_fails_too_where_that_serves_already(node: Node, exposed: Archive) -> None:
    node.install(exposed)
    for check in (True, False):
        with pytest.raises(Refused):
            node.install(exposed, advisories="fail", check=check)


def test_the_way_back_stays_open(node: Node, exposed: Archive, make_archive: MakeArchive) -> None:
    node.install(exposed)
    node.install(make_archive(version="2.3.3"), advisories="fail")
    outcome = node.manager(advisories="fail").ensure_rolled_back()
    assert node.served() == program("nerdctl 2.2.1")
    assert len(outcome.warnings) == 3


def test_what_is_not_linked_does_not_count(node: Node, exposed: Archive) -> None:
    node.owner = ContainerdOwner(FOREIGN, executable="/usr/bin/containerd", provider="distribution")
    outcome = node.install(exposed)
    assert [warning.partition(" has ")[0] for warning in outcome.warnings] == ["buildkit 0.26.3"]


def test_while_the_generation_is_not_there_nothing_is_known(node: Node, exposed: Archive) -> None:
    assert node.install(exposed, check=True).exposed is None
