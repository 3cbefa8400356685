# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files are hashed side by side where there are some, and without threads where there is one."""

from __future__ import annotations

import hashlib
import os
import pathlib
import threading

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._file_hashes import SMALL_SIZE, hash_files


def write(folder: pathlib.Path, sizes: list[int]) -> dict[str, bytes]:
    """Write a file of each size, and return their contents."""
    contents = {f"file-{number}": os.urandom(size) for number, size in enumerate(sizes)}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return contents


def hashes(folder: pathlib.Path, names: list[str]) -> dict[str, str | None]:
    files = [(name, os.lstat(folder / name)) for name in names]
    return dict(hash_files(os.fsencode(folder), files, None))


@pytest.mark.parametrize(
    "sizes",
    [
        *([], [1], [SMALL_SIZE + 1]),
        *([1, SMALL_SIZE + 1, SMALL_SIZE], [SMALL_SIZE + 1] * 2, [SMALL_SIZE * 20, 3, *[SMALL_SIZE * 2] * 20]),
    ],
    ids=len,
)
def test_each_file_has_its_own(tmp_path: pathlib.Path, sizes: list[int]) -> None:
    contents = write(tmp_path, sizes)
    expected = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    before = threading.active_count()
    assert hashes(tmp_path, list(contents)) == expected
    assert threading.active_count() == before


@pytest.mark.parametrize("count", [1, 2])
def test_a_file_that_went_has_none(tmp_path: pathlib.Path, count: int) -> None:
    contents = write(tmp_path, [SMALL_SIZE * 2] * count)
    files = [(name, os.lstat(tmp_path / name)) for name in contents]
    (tmp_path / "file-0").unlink()
    found = dict(hash_files(os.fsencode(tmp_path), files, None))
    assert [name for name, digest in found.items() if digest is None] == ["file-0"]


@pytest.mark.parametrize("count", [1, 3])
def test_a_file_that_cannot_be_read_is_named(tmp_path: pathlib.Path, count: int) -> None:
    contents = write(tmp_path, [SMALL_SIZE * 2] * count)
    files = [(name, os.lstat(tmp_path / name)) for name in contents]
    (tmp_path / "file-0").unlink()
    # Nobody follows a link that has taken a file's place, root neither.
    (tmp_path / "file-0").symlink_to(tmp_path / "file-0")
    with pytest.raises(InvalidInput, match="cannot be read"):
        dict(hash_files(os.fsencode(tmp_path), files, None))
