# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files: read as they are, swapped whole, and shown unless they are secret."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import (
    FileState,
    ManagedFile,
    file_begins_with,
    parse_mode,
    read_file,
    remove_empty_folder,
    remove_file,
    text_diff,
    write_file,
)


def test_what_is_written_is_read_again(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    text = "é\r\n\ttext\n\udcff"
    write_file(str(path), text, 0o640)
    assert read_file(str(path)) == FileState(text, 0o640)
    assert path.read_bytes() == "é\r\n\ttext\n".encode() + b"\xff"


def test_a_file_has_its_mode_whatever_the_umask_is(tmp_path: pathlib.Path) -> None:
    before = os.umask(0o077)
    try:
        write_file(str(tmp_path / "open"), "", 0o644)
        write_file(str(tmp_path / "secret"), "", 0o600)
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("open", "secret")] == [0o644, 0o600]


def test_a_swap_leaves_open_files_and_no_temporary_ones(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_text("old", encoding="utf-8")
    with path.open(encoding="utf-8") as reader:
        write_file(str(path), "new", 0o644)
        assert reader.read() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    assert path.read_text(encoding="utf-8") == "new"


def test_a_swap_that_fails_leaves_what_was(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").mkdir()
    with pytest.raises(Unavailable, match="while writing a file"):
        write_file(str(tmp_path / "file"), "new", 0o644)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_no_file_is_nothing(tmp_path: pathlib.Path) -> None:
    assert read_file(str(tmp_path / "absent")) is None
    (tmp_path / "file").touch()
    assert read_file(str(tmp_path / "file" / "below")) is None
    remove_file(str(tmp_path / "absent"))
    remove_empty_folder(str(tmp_path / "absent"))


@pytest.mark.parametrize("what", ["a link", "a folder", "a special file"])
def test_what_is_no_file_is_refused(tmp_path: pathlib.Path, what: str) -> None:
    path = tmp_path / "thing"
    if what == "a link":
        (tmp_path / "target").touch()
        path.symlink_to(tmp_path / "target")
    elif what == "a folder":
        path.mkdir()
    else:
        os.mkfifo(path)
    with pytest.raises(InvalidInput, match=what):
        read_file(str(path))


def test_only_a_file_begins_with_a_text(tmp_path: pathlib.Path) -> None:
    file, link, folder = tmp_path / "file", tmp_path / "link", tmp_path / "folder"
    file.write_text("# ours\nrest\n")
    link.symlink_to(file)
    folder.mkdir()
    begun = {
        (path.name, text)
        for path in (file, link, folder, tmp_path / "nothing")
        for text in ("# ours\n", "# our", "ours", "")
        if file_begins_with(str(path), text)
    }
    assert begun == {("file", "# ours\n"), ("file", "# our"), ("file", "")}


def test_only_empty_folders_go(tmp_path: pathlib.Path) -> None:
    full, empty = tmp_path / "full", tmp_path / "empty"
    (full / "inner").mkdir(parents=True)
    empty.mkdir()
    for folder in (full, empty):
        remove_empty_folder(str(folder))
    assert [entry.name for entry in tmp_path.iterdir()] == ["full"]


@pytest.mark.parametrize(
    ("state", "met"),
    [
        (FileState("text", 0o644), True),
        (FileState("other", 0o644), False),
        (FileState("text", 0o600), False),
        (FileState("text", 0o644, owned=False), False),
        (None, False),
    ],
)
def test_a_file_is_met_by_its_text_mode_and_owner(state: FileState | None, met: bool) -> None:
    assert ManagedFile("/file", "text").is_met_by(state) == met


def test_a_diff_shows_what_is_public() -> None:
    diff = text_diff("/file", FileState("old\udcff", 0o644), ManagedFile("/file", "new"), secret=False)
    assert (diff["before"], diff["after"]) == ("old\ufffd", "new")
    assert text_diff("/file", None, None, secret=False)["before"] == ""


def test_a_diff_of_a_secret_shows_that_it_moves() -> None:
    diff = text_diff("/file", FileState("hunter2", 0o600), ManagedFile("/file", "hunter3"), secret=True)
    assert "hunter" not in str(diff)
    assert diff["before"] != diff["after"]


@pytest.mark.parametrize(("text", "mode"), [("0644", 0o644), ("600", 0o600)])
def test_a_mode_is_octal(text: str, mode: int) -> None:
    assert parse_mode(text) == mode


@pytest.mark.parametrize("text", ["", "644x", "0888", "4755", "0o644", "u+x", "-644"])
def test_what_is_no_mode_of_a_configuration(text: str) -> None:
    with pytest.raises(InvalidInput, match="octal digits"):
        parse_mode(text)
