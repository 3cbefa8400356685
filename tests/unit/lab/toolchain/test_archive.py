# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import pytest
from lab.toolchain import archive


def make_tree(root: Path) -> None:
    (root / "bin").mkdir(parents=True)
    (root / "share/doc").mkdir(parents=True)
    (root / "bin/tool").write_bytes(b"\x7fELF tool")
    (root / "bin/tool").chmod(0o755)
    (root / "share/doc/README.md").write_text("read me\n")
    (root / "share/doc/README.md").chmod(0o644)
    os.symlink("tool", root / "bin/link")


def packed(root: Path, target: Path) -> bytes:
    archive.pack(root, target, lambda _name: None)
    return target.read_bytes()


def test_same_tree_gives_the_same_bytes_wherever_and_whenever_it_was_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "one")
    before = os.umask(0o077)
    try:
        make_tree(tmp_path / "elsewhere/two")
    finally:
        os.umask(before)
    for path in (tmp_path / "elsewhere/two").rglob("*"):
        os.utime(path, (1, 1), follow_symlinks=False)
    monkeypatch.setattr("time.time", lambda: 12345.0)
    first = packed(tmp_path / "one", tmp_path / "one.tar.gz")
    assert packed(tmp_path / "elsewhere/two", tmp_path / "two.tar.gz") == first


def test_entries_are_whole_ordered_and_owned_by_root(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    packed(tmp_path / "tree", tmp_path / "tree.tar.gz")
    with tarfile.open(tmp_path / "tree.tar.gz") as tar:
        entries = tar.getmembers()
        tool = tar.extractfile("bin/tool")
        assert tool is not None
        assert tool.read() == b"\x7fELF tool"
    assert [entry.name for entry in entries] == [
        "bin",
        "bin/link",
        "bin/tool",
        "share",
        "share/doc",
        "share/doc/README.md",
    ]
    assert {(entry.uid, entry.gid, entry.uname, entry.mtime) for entry in entries} == {(0, 0, "", 1766361600)}
    by_name = {entry.name: entry for entry in entries}
    assert by_name["bin/link"].linkname == "tool"
    assert [oct(by_name[name].mode) for name in ("bin", "bin/tool", "share/doc/README.md")] == [
        "0o755",
        "0o755",
        "0o644",
    ]


def test_tells_what_it_is_at(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    names: list[str] = []
    archive.pack(tmp_path / "tree", tmp_path / "tree.tar.gz", names.append)
    assert "bin/tool" in names


def test_gzip_header_names_neither_file_nor_time(tmp_path: Path) -> None:
    make_tree(tmp_path / "tree")
    header = packed(tmp_path / "tree", tmp_path / "tree.tar.gz")[:8]
    flags, mtime = header[3], header[4:8]
    assert (flags, mtime) == (0, b"\0\0\0\0")
