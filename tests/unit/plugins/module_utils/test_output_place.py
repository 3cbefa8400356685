# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files and folders that appear whole or not at all."""

from __future__ import annotations

import errno
import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _output_place
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._output_place import (
    put_file_in_place,
    put_folder_in_place,
    staged,
)


def folder(path: pathlib.Path, **files: str) -> pathlib.Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_text(content)
    return path


def content(path: pathlib.Path) -> dict[str, str]:
    return {entry.name: entry.read_text() for entry in path.iterdir()}


def test_what_a_killed_task_left_is_removed_before_and_after(tmp_path: pathlib.Path) -> None:
    with staged(str(tmp_path / "out")) as path:
        assert os.path.dirname(path) == str(tmp_path)
    folder(pathlib.Path(path), half="written")
    with staged(str(tmp_path / "out")) as again:
        assert again == path
        assert not os.path.exists(path)
        pathlib.Path(path).write_text("half")
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_nothing_beside_the_place(tmp_path: pathlib.Path) -> None:
    def fill_the_disk() -> None:
        with staged(str(tmp_path / "out")) as path:
            folder(pathlib.Path(path), half="written")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)

    with pytest.raises(Unavailable, match=r"No space left.*writing an output"):
        fill_the_disk()
    assert list(tmp_path.iterdir()) == []


def test_a_new_file_has_the_mode_of_any_new_file(tmp_path: pathlib.Path) -> None:
    (tmp_path / "made").write_text("new")
    (tmp_path / "made").chmod(0o600)
    old = os.umask(0o027)
    try:
        put_file_in_place(str(tmp_path / "made"), str(tmp_path / "out"))
    finally:
        os.umask(old)
    assert (tmp_path / "out").read_text() == "new"
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


def test_a_replaced_file_keeps_its_mode(tmp_path: pathlib.Path) -> None:
    for name in ("made", "out"):
        (tmp_path / name).write_text(name)
    (tmp_path / "out").chmod(0o600)
    put_file_in_place(str(tmp_path / "made"), str(tmp_path / "out"))
    assert content(tmp_path) == {"out": "made"}
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_where_none_or_an_empty_one_is(tmp_path: pathlib.Path, there: bool) -> None:
    if there:
        (tmp_path / "out").mkdir()
    put_folder_in_place(str(folder(tmp_path / "made", a="1")), str(tmp_path / "out"))
    assert content(tmp_path / "out") == {"a": "1"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_a_folder_takes_the_place_of_another_in_one_step(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the kernel's swap touches the name: with renames, there would be a moment without a folder."""
    made, out = folder(tmp_path / "made", a="new"), folder(tmp_path / "out", a="old", b="gone")
    monkeypatch.setattr(_output_place.os, "rename", None)
    put_folder_in_place(str(made), str(out))
    assert content(out) == {"a": "new"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS])
def test_where_names_cannot_be_swapped(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def exchange(one: str, other: str) -> None:
        raise OSError(number, os.strerror(number), one)

    monkeypatch.setattr(_output_place, "_exchange", exchange)
    made, out = folder(tmp_path / "made", a="new"), folder(tmp_path / "out", a="old", b="gone")
    put_folder_in_place(str(made), str(out))
    assert content(out) == {"a": "new"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_another_error_of_the_swap_is_told(tmp_path: pathlib.Path) -> None:
    out = folder(tmp_path / "out", a="old")
    with pytest.raises(FileNotFoundError):
        _output_place._exchange(str(tmp_path / "absent"), str(out))
    assert content(out) == {"a": "old"}
