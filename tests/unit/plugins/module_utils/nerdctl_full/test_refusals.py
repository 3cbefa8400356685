# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An install that cannot be done says why, and leaves the node as it was."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _durable
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._file_lock import locked
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import ArchiveNeeded

from .conftest import Archive, MakeArchive, Node, member, program


@pytest.mark.parametrize("check", [False, True])
def test_without_an_archive_it_says_that_one_is_needed(node: Node, first: Archive, check: bool) -> None:
    with pytest.raises(ArchiveNeeded) as caught:
        node.install(first, src=None, check=check)
    assert caught.value.as_result()["error"]["kind"] == "archive_needed"
    assert node.snapshot() == {}


@pytest.mark.parametrize("check", [False, True])
def test_a_missing_archive_is_named(node: Node, first: Archive, check: bool) -> None:
    with pytest.raises(NotFound, match="does not exist on this node"):
        node.install(first, src="/none/archive", check=check)


@pytest.mark.parametrize("wish", ["version", "checksum"])
def test_nothing_is_guessed(node: Node, first: Archive, wish: str) -> None:
    given: dict[str, t.Any] = {"version": first.version, "checksum": first.checksum, wish: None}
    with pytest.raises(InvalidInput, match=f"No {wish} was given"):
        node.manager(src=str(first.path), **given).ensure_present()


def test_at_least_one_generation_is_kept(node: Node, first: Archive) -> None:
    with pytest.raises(InvalidInput, match="keep: 0"):
        node.install(first, keep=0)


@pytest.mark.parametrize("check", [False, True])
def test_a_wrong_checksum_leaves_the_node_as_it_was(node: Node, first: Archive, second: Archive, check: bool) -> None:
    node.install(first)
    before = node.snapshot()
    with pytest.raises(IntegrityError, match="checksum is wrong"):
        node.install(second, checksum=f"sha256:{'0' * 64}", check=check)
    assert node.snapshot() == before


BAD: dict[str, dict[str, t.Any]] = {
    "architecture": {"architecture": "arm64" if program("")[18] == 62 else "amd64"},
    "sum": {"sums": {"bin/nerdctl": "0" * 64}},
    "version": {"stated_version": "9.9.9"},
    "escape": {"extra": (member("../../../../../evil", b"evil"),)},
    "device": {"extra": (member("bin/null", type=b"3", devmajor=1, devminor=3),)},
}


@pytest.mark.parametrize("parts", BAD.values(), ids=BAD.keys())
def test_a_bad_archive_leaves_the_node_as_it_was(
    node: Node, first: Archive, make_archive: MakeArchive, tmp_path: pathlib.Path, parts: dict[str, t.Any]
) -> None:
    node.install(first)
    before = node.snapshot()
    bad = make_archive(version="2.3.0", **parts)
    outside = sorted(tmp_path.iterdir())
    with pytest.raises(IntegrityError):
        node.install(bad)
    assert node.snapshot() == before
    assert sorted(tmp_path.iterdir()) == outside
    assert not node.install(first).plan.changed


def test_a_first_install_that_fails_leaves_no_generation(node: Node, make_archive: MakeArchive) -> None:
    with pytest.raises(IntegrityError):
        node.install(make_archive(sums={"bin/nerdctl": "0" * 64}))
    assert node.store.names() == []
    assert not os.path.lexists(node.layout.commands)


def test_two_runs_at_once_wait_for_each_other(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    before = node.snapshot()
    with locked(node.layout.lock, 0), pytest.raises(Unavailable, match=f"held by process {os.getpid()}"):
        node.install(second)
    assert node.snapshot() == before
    assert node.install(second, timeout=1).plan.changed


def test_a_link_planted_in_the_lock_s_place_is_not_followed(node: Node, first: Archive, tmp_path: pathlib.Path) -> None:
    base = pathlib.Path(node.layout.base)
    base.mkdir(parents=True)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (base / ".lock").symlink_to(victim)
    with pytest.raises(InvalidInput, match="it is not followed"):
        node.install(first)
    assert victim.read_text() == "precious"


def test_a_planted_folder_is_refused_before_anything_is_written(
    node: Node, first: Archive, tmp_path: pathlib.Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    base = pathlib.Path(node.layout.base)
    base.parent.mkdir(parents=True)
    base.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="it is not followed"):
        node.install(first)
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("check", [False, True])
def test_without_privileges_it_says_so(
    node: Node, first: Archive, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    monkeypatch.setattr(os, "access", lambda _path, _mode: False)
    with pytest.raises(Unavailable, match=r"may not write there.*become: true"):
        node.install(first, check=check)
    assert node.snapshot() == {}


@pytest.mark.parametrize(("flag", "words"), [(os.ST_RDONLY, "read-only"), (os.ST_NOEXEC, "noexec")])
@pytest.mark.parametrize("check", [False, True])
def test_a_file_system_that_forbids_it_is_named(
    node: Node, first: Archive, monkeypatch: pytest.MonkeyPatch, check: bool, flag: int, words: str
) -> None:
    class Status(t.NamedTuple):
        f_flag: int

    monkeypatch.setattr(os, "statvfs", lambda _path: Status(flag))
    with pytest.raises(Unavailable, match=f"mounted {words}"):
        node.install(first, check=check)
    assert node.snapshot() == {}


def test_a_full_disk_is_said_beforehand_and_nothing_stays(
    node: Node, first: Archive, second: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.install(first)
    before = node.snapshot()
    monkeypatch.setattr(_durable, "free_bytes", lambda _folder: 0)
    with pytest.raises(Unavailable, match="too little room"):
        node.install(second)
    assert node.snapshot() == before


def test_a_disk_that_fills_up_is_named_and_nothing_stays(
    node: Node, first: Archive, second: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    node.install(first)
    before = node.snapshot()

    def full(_descriptor: int, _content: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        with pytest.raises(Unavailable, match="No space left on device while installing the archive"):
            node.install(second)
    assert node.snapshot() == before
