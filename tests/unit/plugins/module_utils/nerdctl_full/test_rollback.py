# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: to the generation that served before, once."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import Outcome

from .conftest import Archive, MakeArchive, Node, program


def roll_back(node: Node, *, check: bool = False) -> Outcome:
    return node.manager(check=check).ensure_rolled_back()


def test_it_leads_to_what_served_before(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    foreseen = roll_back(node, check=True)
    assert node.served() == program("nerdctl 2.2.1")
    outcome = roll_back(node)
    assert outcome.plan == foreseen.plan
    assert outcome.plan.action_lines() == [
        f"switch {node.layout.current} (back, {second.generation} → {first.generation})"
    ]
    assert (outcome.generation, outcome.previous_generation) == (first.generation, second.generation)
    assert node.served() == program("nerdctl 2.2.0")
    assert node.store.names() == [first.generation, second.generation]


def test_it_is_done_once(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    roll_back(node)
    again = roll_back(node)
    assert not again.plan.changed
    assert again.generation == again.previous_generation == first.generation
    assert not node.install(first).plan.changed


def test_it_follows_what_served_and_not_what_is_newer(node: Node, make_archive: MakeArchive) -> None:
    old, middle, new = (make_archive(version=f"2.{number}.0") for number in range(3))
    for archive in (new, old, middle):
        node.install(archive, keep=3, allow_downgrade=True)
    assert roll_back(node).generation == old.generation


def test_after_an_upgrade_it_can_be_done_again(node: Node, make_archive: MakeArchive) -> None:
    one, two, three = (make_archive(version=f"2.{number}.0") for number in range(3))
    node.install(one, keep=3)
    node.install(two, keep=3)
    roll_back(node)
    node.install(three, keep=3)
    assert roll_back(node).generation == one.generation
    node.install(two, keep=3)
    assert roll_back(node).generation == one.generation


def test_it_removes_no_generation(node: Node, make_archive: MakeArchive) -> None:
    archives = [make_archive(version=f"2.{number}.0") for number in range(3)]
    for archive in archives:
        node.install(archive, keep=3)
    node.manager(keep=1).ensure_rolled_back()
    assert len(node.store.names()) == 3


def test_commands_come_and_go_with_it(node: Node, make_archive: MakeArchive) -> None:
    node.install(make_archive(version="1.0.0", commands=("nerdctl", "gone")))
    node.install(make_archive(version="2.0.0", commands=("nerdctl", "come")))
    roll_back(node)
    commands = pathlib.Path(node.layout.commands)
    assert os.path.lexists(commands / "gone")
    assert not os.path.lexists(commands / "come")


def test_services_that_run_what_is_left_need_a_restart(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    node.start(10, f"{node.layout.generation(second.generation)}/bin/containerd")
    assert roll_back(node).restarts_needed == ("containerd",)


@pytest.mark.parametrize("check", [True, False])
def test_without_a_way_back_it_says_so(node: Node, first: Archive, check: bool) -> None:
    with pytest.raises(NotFound, match="no generation to go back to"):
        roll_back(node, check=check)
    node.install(first)
    with pytest.raises(NotFound, match=f"one that served before {first.generation}"):
        roll_back(node, check=check)
    assert node.served() == program("nerdctl 2.2.0")


def test_what_never_served_is_no_way_back(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    os.unlink(node.layout.current)
    node.store.switch(second.generation)
    # As an ended run leaves a generation that it had no time to switch to.
    os.utime(node.layout.generation(first.generation), (0, 0))
    with pytest.raises(NotFound):
        roll_back(node)


def test_a_note_of_a_rollback_that_is_over_is_removed(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    os.symlink(f"generations/{first.generation}", node.layout.rolled_back)
    outcome = node.install(second)
    assert outcome.plan.action_lines() == [f"remove {node.layout.rolled_back} (left behind by a run that was ended)"]
    assert roll_back(node).generation == first.generation


def test_removal_takes_the_note_with_it(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    roll_back(node)
    node.remove()
    assert not os.path.lexists(node.layout.base)
