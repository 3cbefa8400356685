# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from lab import paths


def test_cache_is_where_the_variable_says(cache: Path) -> None:
    assert paths.cache_root() == cache
    assert paths.cache_directory("a", "b") == cache / "a" / "b"
    assert (cache / "a" / "b").is_dir()


def test_cache_is_in_the_users_cache_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NEPHORAN_LAB_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert paths.cache_root() == tmp_path / ".cache" / "nephoran-lab"


def test_staged_file_replaces_the_old_one(tmp_path: Path) -> None:
    final = tmp_path / "thing"
    final.write_text("old")
    with paths.staged(final) as made:
        made.write_text("new")
        assert final.read_text() == "old"
    assert final.read_text() == "new"
    assert list(tmp_path.glob(".staged-*")) == []


def test_staged_folder_replaces_a_full_one(tmp_path: Path) -> None:
    final = tmp_path / "thing"
    final.mkdir()
    (final / "old").touch()
    with paths.staged(final) as made:
        made.mkdir()
        (made / "new").touch()
    assert [entry.name for entry in final.iterdir()] == ["new"]
    assert list(tmp_path.glob(".staged-*")) == []


def test_failure_leaves_what_was_there(tmp_path: Path) -> None:
    final = tmp_path / "thing"
    final.write_text("old")

    def interrupted() -> None:
        with paths.staged(final) as made:
            made.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert final.read_text() == "old"
    assert list(tmp_path.glob(".staged-*")) == []


def test_leftover_of_a_killed_run_is_removed(tmp_path: Path) -> None:
    leftover = tmp_path / ".staged-thing-abcdef"
    leftover.mkdir()
    (leftover / "thing").write_text("half")
    with paths.staged(tmp_path / "thing") as made:
        assert not leftover.exists()
        made.touch()
