# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From one version to another and back, which generations stay, and which services have to follow."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

from .conftest import COMMANDS, Archive, MakeArchive, Node, member, program


def test_an_upgrade_switches_everything(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    outcome = node.install(second)
    assert (outcome.generation, outcome.previous_generation) == (second.generation, first.generation)
    for command in COMMANDS:
        assert node.served(command) == program(f"{command} 2.2.1")
    assert node.store.names() == [second.generation, first.generation]
    assert not node.install(second).plan.changed


def test_commands_come_and_go_with_their_generation(node: Node, make_archive: MakeArchive) -> None:
    old = make_archive(version="1.0.0", commands=("nerdctl", "gone"))
    new = make_archive(version="2.0.0", commands=("nerdctl", "come"))
    node.install(old)
    outcome = node.install(new)
    assert outcome.plan.action_lines() == [
        f"stage {new.generation}",
        f"link {node.layout.commands} (come)",
        f"switch {node.layout.current} ({old.generation} → {new.generation})",
        f"unlink {node.layout.commands} (gone)",
    ]
    commands = pathlib.Path(node.layout.commands)
    assert os.path.lexists(commands / "come")
    assert not os.path.lexists(commands / "gone")
    assert f"{commands}/gone" not in outcome.links
    assert not node.install(new).plan.changed


def test_a_downgrade_has_to_be_declared(node: Node, first: Archive, second: Archive) -> None:
    node.install(second)
    before = node.snapshot()
    for check in (True, False):
        with pytest.raises(InvalidInput, match=r"Version 2\.2\.0 is older than 2\.2\.1"):
            node.install(first, check=check)
    assert node.snapshot() == before
    assert node.install(first, allow_downgrade=True).generation == first.generation
    assert node.served() == program("nerdctl 2.2.0")


def test_going_back_needs_no_archive(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    outcome = node.install(first, src=None, allow_downgrade=True)
    assert outcome.plan.action_lines() == [f"switch {node.layout.current} ({second.generation} → {first.generation})"]
    assert node.served() == program("nerdctl 2.2.0")


def test_the_same_version_of_another_archive_is_another_generation(node: Node, make_archive: MakeArchive) -> None:
    one, other = make_archive(), make_archive(extra=(member("share/doc/x/", type=b"5"),))
    node.install(one)
    assert node.install(other).previous_generation == one.generation


def test_old_generations_are_removed(node: Node, make_archive: MakeArchive) -> None:
    archives = [make_archive(version=f"2.{number}.0") for number in range(4)]
    for archive in archives[:3]:
        node.install(archive, keep=2)
    assert node.store.names() == [archives[2].generation, archives[1].generation]
    outcome = node.install(archives[3], keep=1)
    assert node.store.names() == [archives[3].generation]
    assert outcome.kept == {}
    assert not node.install(archives[3], keep=1).plan.changed


def test_a_generation_in_use_is_kept_and_said(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.start(10, f"{node.layout.generation(first.generation)}/bin/containerd-shim-runc-v2")
    outcome = node.install(second, keep=1)
    assert outcome.kept == {first.generation: "process 10 runs from it (containerd-shim-runc-v2)"}
    assert set(node.store.names()) == {first.generation, second.generation}
    assert not node.install(second, keep=1).plan.changed


def test_services_that_run_another_program_need_a_restart(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    for pid, program_name in ((10, "containerd"), (11, "buildkitd"), (12, "containerd-shim-runc-v2")):
        node.start(pid, f"{node.layout.generation(first.generation)}/bin/{program_name}")
    assert node.install(first).restarts_needed == ()
    assert node.install(second, check=True).restarts_needed == ("buildkit", "containerd")
    assert node.install(second).restarts_needed == ("buildkit", "containerd")
    # Until they were restarted, every run says so.
    assert node.install(second).restarts_needed == ("buildkit", "containerd")


def test_each_daemon_that_runs_another_program_is_named(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    units = ("system.slice/buildkit.service", "system.slice/buildkit@k8s.io.service")
    theirs = "user.slice/user-1000.slice/user@1000.service/app.slice/containerd.service"
    folder = f"{node.layout.generation(first.generation)}/bin"
    for pid, unit in enumerate(units, 10):
        node.start(pid, f"{folder}/buildkitd", f"/{unit}")
    node.start(20, f"{folder}/containerd", f"/{theirs}")
    assert node.install(second, check=True).restarts_needed == ("buildkit", "buildkit@k8s.io")


def test_a_daemon_whose_rootlesskit_is_another_is_named(node: Node, make_archive: MakeArchive) -> None:
    commands = ("containerd", "buildkitd", "nerdctl", "rootlesskit")
    first, second = (make_archive(version=version, commands=commands) for version in ("2.2.0", "2.2.1"))
    node.install(first)
    program = f"{node.layout.generation(first.generation)}/bin/rootlesskit"
    node.start(10, program, "/system.slice/buildkit-rootless.service")
    # A user's own containerd runs in another one.
    node.start(11, program, "/user.slice/user-1000.slice/user@1000.service/app.slice/containerd.service")
    assert node.install(first).restarts_needed == ()
    assert node.install(second).restarts_needed == ("buildkit-rootless",)


def test_a_program_that_did_not_change_needs_no_restart(node: Node, make_archive: MakeArchive) -> None:
    one, other = make_archive(), make_archive(extra=(member("share/doc/x/", type=b"5"),))
    node.install(one)
    node.start(10, f"{node.layout.generation(one.generation)}/bin/containerd")
    assert node.install(other).restarts_needed == ()


def test_a_program_of_a_generation_that_is_gone_needs_a_restart(node: Node, first: Archive) -> None:
    node.start(10, f"{node.layout.generation('1.0.0-000000000001')}/bin/containerd (deleted)")
    assert node.install(first).restarts_needed == ("containerd",)
