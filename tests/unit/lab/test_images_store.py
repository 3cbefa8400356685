# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from lab.images import store


def _make(directory: Path) -> None:
    directory.mkdir()
    (directory / "index.json").write_text("{}")


def test_image_is_made_once(cache: Path) -> None:
    first = store.ensure("base", "a" * 64, _make)

    def must_not_run(directory: Path) -> None:
        pytest.fail(f"{directory} was made again")

    assert store.ensure("base", "a" * 64, must_not_run) == first
    assert first.directory == cache / "images" / f"base-{'a' * 12}"


def test_new_recipe_replaces_the_old_image_and_no_other(cache: Path) -> None:
    store.ensure("base", "a" * 64, _make)
    store.ensure("base-slim", "b" * 64, _make)
    store.ensure("base", "c" * 64, _make)
    assert {path.name for path in (cache / "images").iterdir()} == {f"base-slim-{'b' * 12}", f"base-{'c' * 12}"}


def test_interrupted_making_leaves_nothing(cache: Path) -> None:
    def interrupted(directory: Path) -> None:
        _make(directory)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.ensure("base", "a" * 64, interrupted)
    assert list((cache / "images").iterdir()) == []
