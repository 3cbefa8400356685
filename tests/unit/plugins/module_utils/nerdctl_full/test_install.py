# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an install lays down beside what is there already, again, and in check mode."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _nerdctl_full
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    OURS,
    ContainerdOwner,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._download import Downloader
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed, Unavailable

from .conftest import COMMANDS, PLUGINS, Archive, Node, program

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def test_the_first_install(node: Node, first: Archive) -> None:
    outcome = node.install(first)
    assert outcome.plan.changed
    assert (outcome.generation, outcome.previous_generation) == (first.generation, None)
    for command in COMMANDS:
        assert node.served(command) == program(f"{command} 2.2.0")
    for plugin in PLUGINS:
        assert node.served(f"buildkit-cni-{plugin}") == program(f"{plugin} 2.2.0")
        assert (node.cni_bin_dir / plugin).read_bytes() == program(f"{plugin} 2.2.0")
        assert (pathlib.Path(node.layout.plugins) / plugin).read_bytes() == program(f"{plugin} 2.2.0")
    assert not (node.cni_bin_dir / "LICENSE").exists()
    assert outcome.skipped == ()
    assert outcome.restarts_needed == ()


def test_nobody_but_the_owner_can_write_and_everybody_can_run(node: Node, first: Archive) -> None:
    before = os.umask(0o077)
    try:
        node.install(first)
    finally:
        os.umask(before)
    for path in pathlib.Path(node.layout.base).rglob("*"):
        mode = path.stat().st_mode
        assert not mode & 0o022, path
        if path.is_dir() or path.parent.name == "bin":
            assert mode & 0o777 == 0o755, path


def test_the_second_run_changes_and_writes_nothing(node: Node, first: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    links = node.install(first).links
    before = node.snapshot()
    for function in ("mkdir", "rename", "replace", "symlink", "unlink", "rmdir", "fsync", "chmod", "utime", "write"):
        monkeypatch.delattr(os, function)
    outcome = node.install(first)
    assert not outcome.plan.changed
    assert outcome.links == links
    assert node.snapshot() == before


def test_the_archive_is_not_needed_again(node: Node, first: Archive) -> None:
    node.install(first)
    first.path.unlink()
    assert not node.install(first).plan.changed
    assert not node.install(first, src=None).plan.changed


@pytest.mark.parametrize("installed", [False, True])
def test_check_mode_says_what_the_run_does_and_does_nothing(
    node: Node, first: Archive, second: Archive, installed: bool
) -> None:
    if installed:
        node.install(first)
    before = node.snapshot()
    predicted = node.install(second, check=True)
    assert node.snapshot() == before
    done = node.install(second)
    steps = [(action.verb, action.subject) for action in done.plan.actions]
    assert [(action.verb, action.subject) for action in predicted.plan.actions] == steps
    assert predicted.plan.before.items() <= done.plan.before.items()
    assert predicted.plan.after.items() <= done.plan.after.items()
    assert predicted.generation == done.generation


def test_check_mode_of_a_repair_says_what_the_run_does(node: Node, first: Archive) -> None:
    node.install(first)
    (pathlib.Path(node.layout.commands) / "ctr").unlink()
    predicted = node.install(first, check=True)
    done = node.install(first)
    assert predicted.plan == done.plan
    assert done.plan.action_lines() == [f"link {node.layout.commands} (ctr)"]
    assert predicted.links == done.links
    assert not node.install(first).plan.changed


def test_check_mode_with_a_file_of_the_controller_plans_without_it(node: Node, first: Archive) -> None:
    outcome = node.install(first, check=True, src="/only/on/the/controller", src_on_node=False)
    assert outcome.plan.changed


def test_an_archive_is_fetched_where_it_is_unpacked(node: Node, first: Archive) -> None:
    class Response:
        def __init__(self) -> None:
            self.headers: dict[str, str] = {}
            self._content = first.path.read_bytes()

        def read(self, size: int, /) -> bytes:
            piece, self._content = self._content[:size], self._content[size:]
            return piece

        def close(self) -> None:
            pass

    asked: list[str] = []

    def opener(url: str) -> Response:
        asked.append(url)
        return Response()

    wishes: dict[str, t.Any] = {
        "version": first.version,
        "checksum": first.checksum,
        "url": "https://user:hunter2@example.com/archive.tar.gz?token=hunter3",
    }
    predicted = node.manager(check=True, fetch=Downloader(opener).fetch, **wishes).ensure_present()
    assert asked == []
    outcome = node.manager(fetch=Downloader(opener).fetch, **wishes).ensure_present()
    assert asked == [wishes["url"]]
    assert outcome.plan.actions[:2] == predicted.plan.actions[:2]
    assert outcome.plan.action_lines()[0] == "download https://example.com/archive.tar.gz"
    assert node.store.leftovers([]) == []
    assert not node.manager(fetch=Downloader(opener).fetch, **wishes).ensure_present().plan.changed
    assert len(asked) == 1


def test_leftovers_of_a_killed_run_are_removed_and_said(node: Node, first: Archive) -> None:
    node.install(first)
    staging = pathlib.Path(node.layout.base) / ".staging-0123456789abcdef"
    (staging / "tree/bin").mkdir(parents=True)
    half = pathlib.Path(node.layout.commands) / ".ctr.01234567.nerdctl-full-tmp"
    half.symlink_to("/x")
    assert node.install(first, check=True).plan.changed
    outcome = node.install(first)
    assert {action.subject for action in outcome.plan.actions} == {str(staging), str(half)}
    assert not staging.exists()
    assert not os.path.lexists(half)
    assert not node.install(first).plan.changed


def test_what_another_run_did_while_this_one_waited_is_seen(
    node: Node, first: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    manager = node.manager(version=first.version, checksum=first.checksum, src=str(first.path))
    real_locked = manager._locked

    def locked_after_another_run() -> t.Any:
        monkeypatch.setattr(manager, "_locked", real_locked)
        node.install(first)
        first.path.unlink()
        return real_locked()

    monkeypatch.setattr(manager, "_locked", locked_after_another_run)
    outcome = manager.ensure_present()
    assert not outcome.plan.changed
    assert node.served() == program("nerdctl 2.2.0")


def test_what_is_somebody_else_s_stays_and_is_said(node: Node, first: Archive) -> None:
    commands = pathlib.Path(node.layout.commands)
    commands.mkdir(parents=True)
    node.cni_bin_dir.mkdir(parents=True)
    (commands / "nerdctl").write_text("unpacked by hand")
    (commands / "ctr").symlink_to("/opt/ctr")
    (node.cni_bin_dir / "bridge").write_text("of a package")
    outcome = node.install(first)
    assert {skipped.path: skipped.reason for skipped in outcome.skipped} == {
        f"{commands}/nerdctl": "a file of somebody else is there",
        f"{commands}/ctr": "a link to /opt/ctr of somebody else is there",
        f"{node.cni_bin_dir}/bridge": "a file of somebody else is there",
    }
    assert (commands / "nerdctl").read_text() == "unpacked by hand"
    assert os.readlink(commands / "ctr") == "/opt/ctr"
    assert (node.cni_bin_dir / "bridge").read_text() == "of a package"
    assert f"{commands}/nerdctl" not in outcome.links
    assert not node.install(first).plan.changed

    node.remove()
    assert sorted(os.listdir(commands)) == ["ctr", "nerdctl"]
    assert os.listdir(node.cni_bin_dir) == ["bridge"]


FOREIGNER = ContainerdOwner(FOREIGN, running=True, executable="/usr/sbin/containerd", provider="distribution", pid=5)


def test_beside_another_containerd_its_commands_are_withheld(node: Node, first: Archive) -> None:
    node.owner = FOREIGNER
    outcome = node.install(first)
    linked = {os.path.basename(path) for path in outcome.links}
    assert linked.isdisjoint({"containerd", "containerd-shim-runc-v2", "runc"})
    assert not os.path.lexists(pathlib.Path(node.layout.commands) / "runc")
    assert {"containerd", "containerd-shim-runc-v2", "runc"} <= {
        os.path.basename(skipped.path) for skipped in outcome.skipped
    }
    assert not node.install(first).plan.changed
    assert outcome.warnings == ()


def test_commands_follow_when_the_other_containerd_is_gone(node: Node, first: Archive) -> None:
    owner, node.owner = node.owner, FOREIGNER
    node.install(first)
    node.owner = owner
    assert node.install(first).plan.changed
    assert node.served("runc") == program("runc 2.2.0")


def test_links_made_before_another_containerd_came_stay_with_a_warning(node: Node, first: Archive) -> None:
    node.install(first)
    node.owner = FOREIGNER
    outcome = node.install(first)
    assert not outcome.plan.changed
    assert node.served("runc") == program("runc 2.2.0")
    assert any(warning.startswith(f"{node.layout.commands}/runc: ") for warning in outcome.warnings)


def test_a_containerd_of_ours_is_not_foreign(node: Node, first: Archive) -> None:
    node.owner = ContainerdOwner(OURS, running=True, address="/run/containerd/containerd.sock")
    assert node.install(first).skipped == ()


def test_with_selinux_a_generation_is_labelled_before_it_serves(
    node: Node, first: Archive, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_nerdctl_full, "_SELINUX_MARK", str(tmp_path))
    with pytest.raises(Unavailable, match="restorecon"):
        node.install(first)
    assert node.store.current() is None
    words = ("restorecon", "-R", node.layout.generation(first.generation))
    node.runner.answers[words] = (1, "", "Operation not permitted")
    with pytest.raises(ToolFailed, match="could not be labelled"):
        node.install(first)
    assert node.store.current() is None
    node.runner.answers[words] = (0, "", "")
    assert node.install(first).generation == node.store.current()


@AS_ROOT
def test_files_belong_to_root(node: Node, first: Archive) -> None:
    node.install(first)
    assert {path.lstat().st_uid for path in pathlib.Path(node.layout.base).rglob("*")} == {0}
