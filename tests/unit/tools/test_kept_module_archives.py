# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archives that playbooks of the tests share are made once, and never of other sources than today's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from controller.callback import kept_module_archives
from controller.callback.kept_module_archives import UNUSED_SECONDS, fingerprint, share
from playbook_run import CHECKOUT, run_playbook

PLAY = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"nephoran.container_build.image_info": {}}]}]


def archives(kept: Path) -> dict[Path, int]:
    found = kept.glob("ansible_collections.nephoran*image_info-*")
    return {path: path.stat().st_mtime_ns for path in found if path.suffix != ".lock"}


def test_a_second_playbook_finds_the_archive_of_the_first(tmp_path: Path) -> None:
    environ = {"ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "tests" / "controller" / "callback")}
    kept = kept_module_archives.KEPT / fingerprint(CHECKOUT)
    run_playbook(PLAY, tmp_path, environ=environ)
    (first,) = archives(kept).items()
    run_playbook(PLAY, tmp_path, environ=environ)
    assert dict([first]) == archives(kept)
    # The run's own folder is removed at its end, and what is kept is not.
    assert not list((tmp_path / "home" / "tmp").iterdir())


@pytest.mark.parametrize("changed", ["plugins/modules/a.py", "plugins/module_utils/b/c.py", "requirements/core.txt"])
def test_archives_are_those_of_the_same_sources(tmp_path: Path, changed: str) -> None:
    source = tmp_path / changed
    source.parent.mkdir(parents=True)
    source.write_text("1")
    before = fingerprint(tmp_path)
    assert fingerprint(tmp_path) == before
    source.write_text("2")
    assert fingerprint(tmp_path) != before
    source.rename(source.with_name(f"other-{source.name}"))
    source.with_name(f"other-{source.name}").write_text("1")
    assert fingerprint(tmp_path) != before


def test_what_nobody_uses_is_removed(tmp_path: Path) -> None:
    old, recent, mine = (tmp_path / "kept" / name for name in ("old", "recent", "mine"))
    for folder in (old, recent, mine):
        folder.mkdir(parents=True)
    for folder in (old, mine):
        (folder / "archive").touch()
        used = folder.stat().st_mtime - UNUSED_SECONDS - 1
        os.utime(folder, (used, used))
    share(tmp_path / "looked into", mine)
    assert sorted((tmp_path / "kept").iterdir()) == [mine, recent]
    assert [path.name for path in (tmp_path / "looked into").iterdir()] == ["archive"]
