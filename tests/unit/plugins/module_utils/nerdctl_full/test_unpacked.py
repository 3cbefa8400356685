# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive that somebody unpacked over the prefix becomes a generation, and its files give way to links."""

from __future__ import annotations

import hashlib
import os
import pathlib
import subprocess
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    OURS,
    ContainerdOwner,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Refused
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import read_sums
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._unpacked import find_unpacked

from .conftest import COMMANDS, PLUGINS, Archive, Node, program
from .test_kill_points import every_kill_point


def unpack_by_hand(node: Node, archive: Archive) -> None:
    node.prefix.mkdir(parents=True, exist_ok=True)
    subprocess.run(["tar", "-C", node.prefix, "-xzf", archive.path], check=True)


def digest_of(text: str) -> str:
    return hashlib.sha256(program(text)).hexdigest()


def served_by_hand(node: Node) -> ContainerdOwner:
    executable = f"{node.layout.commands}/containerd"
    return ContainerdOwner(FOREIGN, running=True, pid=7, executable=executable, provider="unpacked")


def test_without_the_option_it_is_somebody_elses(node: Node, first: Archive, second: Archive) -> None:
    unpack_by_hand(node, first)
    outcome = node.install(second)
    assert {skipped.reason for skipped in outcome.skipped if skipped.path.startswith(node.layout.commands)} >= {
        "a file of somebody else is there"
    }
    assert node.served() == program("nerdctl 2.2.0")


def test_it_becomes_a_generation_and_the_new_one_serves(node: Node, first: Archive, second: Archive) -> None:
    unpack_by_hand(node, first)
    node.owner = served_by_hand(node)
    foreseen = node.install(second, take_over=True, check=True)
    assert node.served() == program("nerdctl 2.2.0")
    outcome = node.install(second, take_over=True)
    by_hand = outcome.plan.action_lines()[0].rpartition(" → ")[2].rstrip(")")
    names = ", ".join(sorted([*COMMANDS, *PLUGINS, *(f"buildkit-cni-{plugin}" for plugin in PLUGINS)]))
    assert foreseen.plan.action_lines()[0] == outcome.plan.action_lines()[0]
    assert outcome.plan.action_lines()[0] == f"take over {node.prefix} (unpacked by hand: {names} → {by_hand})"
    assert outcome.plan.action_lines()[-1] == f"switch {node.layout.current} ({by_hand} → {second.generation})"
    assert outcome.owner is not None
    assert outcome.owner.kind == OURS
    assert node.store.names() == [second.generation, by_hand]
    assert by_hand.startswith("2.2.0-")
    for command in COMMANDS:
        assert node.served(command) == program(f"{command} 2.2.1")
        assert os.path.islink(f"{node.layout.commands}/{command}")
    assert not node.install(second, take_over=True).plan.changed
    assert not node.install(second).plan.changed


def test_the_way_back_leads_to_it(node: Node, first: Archive, second: Archive) -> None:
    unpack_by_hand(node, first)
    node.install(second, take_over=True)
    node.manager().ensure_rolled_back()
    assert node.served() == program("nerdctl 2.2.0")
    bridge = pathlib.Path(node.layout.commands) / "buildkit-cni-bridge"
    assert bridge.read_bytes() == program("bridge 2.2.0")


def test_its_list_is_true(node: Node, first: Archive, second: Archive) -> None:
    unpack_by_hand(node, first)
    (node.prefix / "bin/buildctl").unlink()
    readme = node.prefix / "share/doc/nerdctl-full/README.md"
    readme.write_text(readme.read_text() + "A note.\n")
    node.install(second, take_over=True)
    folder = pathlib.Path(node.layout.generation(node.store.names()[1]))
    listed = read_sums(str(folder))
    assert "bin/buildctl" not in listed
    assert "share/doc/nerdctl-full/README.md" not in listed
    assert {path: hashlib.sha256((folder / path).read_bytes()).hexdigest() for path in listed} == listed
    assert not [path for path in folder.rglob("*") if path.stat().st_mode & 0o022]


def test_what_was_changed_stays_and_is_named(node: Node, first: Archive, second: Archive) -> None:
    unpack_by_hand(node, first)
    (node.prefix / "bin/runc").write_bytes(program("patched"))
    before = node.snapshot()
    for check in (True, False):
        with pytest.raises(Refused, match=f"some of its programs were changed since: {node.prefix}/bin/runc"):
            node.install(second, take_over=True, check=check)
    assert node.snapshot() == before


def test_without_a_version_it_is_refused(node: Node, first: Archive, second: Archive) -> None:
    unpack_by_hand(node, first)
    (node.prefix / "share/doc/nerdctl-full/README.md").unlink()
    with pytest.raises(Refused, match="nothing tells its version"):
        node.install(second, take_over=True)


def test_programs_of_others_stay(node: Node, first: Archive, second: Archive) -> None:
    unpack_by_hand(node, first)
    other = node.prefix / "bin/other"
    other.write_bytes(b"precious")
    node.install(second, take_over=True)
    assert other.read_bytes() == b"precious"
    assert (node.prefix / "libexec/cni/LICENSE").read_bytes() == b"Apache License"


def test_where_nothing_was_unpacked_there_is_nothing_to_take_over(node: Node, second: Archive) -> None:
    assert find_unpacked(node.layout) is None
    outcome = node.install(second, take_over=True)
    assert outcome.plan.action_lines()[0] == f"stage {second.generation}"
    assert find_unpacked(node.layout) is None


def test_a_service_that_runs_from_a_file_that_gave_way_needs_a_restart(
    node: Node, first: Archive, second: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    unpack_by_hand(node, first)
    # What a process runs stays what it was, whatever stands at that path now.
    running = {pid: digest_of(f"{name} 2.2.0") for pid, name in ((7, "containerd"), (8, "buildkitd"))}
    monkeypatch.setattr(ProcessTable, "program_digest", lambda _table, pid: running[pid])
    node.start(7, f"{node.layout.commands}/containerd (deleted)")
    node.start(8, f"{node.layout.commands}/buildkitd")
    assert node.install(second, take_over=True).restarts_needed == ("buildkit", "containerd")
    running[7] = digest_of("containerd 2.2.1")
    assert node.install(second).restarts_needed == ("buildkit",)


def test_killed_anywhere_each_command_is_the_old_or_the_new_one(
    tmp_path: pathlib.Path, first: Archive, second: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)

    def prepare(number: int) -> Node:
        root = tmp_path / f"node-{number}"
        root.mkdir()
        node = Node(root)
        unpack_by_hand(node, first)
        return node

    def install(node: Node) -> t.Any:
        return node.install(second, take_over=True)

    for node in every_kill_point(prepare, install):
        served = {node.served(command) for command in COMMANDS}
        assert served in (
            {program(f"{command} 2.2.0") for command in COMMANDS},
            {program(f"{command} 2.2.1") for command in COMMANDS},
        )
        install(node)
        assert {node.served(command) for command in COMMANDS} == {program(f"{command} 2.2.1") for command in COMMANDS}
        assert not install(node).plan.changed
        assert len(node.store.names()) == 2
