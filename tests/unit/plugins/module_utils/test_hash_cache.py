# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cache of files' digests trusts nothing that could have changed unseen."""

from __future__ import annotations

import json
import os
import pathlib
import stat
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _hash_cache
from ansible_collections.nephoran.container_build.plugins.module_utils._hash_cache import (
    FILE_NAME,
    RACY_WINDOW_NS,
    PersistentHashCache,
)

DIGEST = "ab" * 32


@pytest.fixture
def file(tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "state"


def long_after(status: os.stat_result) -> int:
    return status.st_ctime_ns + RACY_WINDOW_NS


def remember(folder: pathlib.Path, *files: pathlib.Path) -> None:
    with PersistentHashCache.open(str(folder)) as cache:
        for file in files:
            cache.put(file.stat(), DIGEST, long_after(file.stat()))


def recall(folder: pathlib.Path, file: pathlib.Path) -> str | None:
    with PersistentHashCache.open(str(folder)) as cache:
        return cache.get(file.stat())


def test_a_digest_outlives_the_run(folder: pathlib.Path, file: pathlib.Path) -> None:
    remember(folder, file)
    assert recall(folder, file) == DIGEST


def test_a_file_that_changed_just_before_it_was_read_is_not_kept(folder: pathlib.Path, file: pathlib.Path) -> None:
    with PersistentHashCache.open(str(folder)) as cache:
        cache.put(file.stat(), DIGEST, long_after(file.stat()) - 1)
        assert cache.get(file.stat()) is None
    assert not folder.exists()


def test_a_file_from_the_future_is_not_kept(folder: pathlib.Path, file: pathlib.Path) -> None:
    """The clock was set back."""
    with PersistentHashCache.open(str(folder)) as cache:
        cache.put(file.stat(), DIGEST, file.stat().st_ctime_ns - 10**12)
    assert not folder.exists()


def test_the_same_size_and_a_restored_time_deceive_nobody(folder: pathlib.Path, file: pathlib.Path) -> None:
    remember(folder, file)
    before = file.stat()
    file.write_bytes(b"CONTENT")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_mtime_ns == before.st_mtime_ns
    assert file.stat().st_size == before.st_size
    assert recall(folder, file) is None


def test_another_file_under_the_name_is_unknown(folder: pathlib.Path, file: pathlib.Path) -> None:
    remember(folder, file)
    other = file.with_name("other")
    other.write_bytes(b"content")
    other.replace(file)
    assert recall(folder, file) is None


def test_only_the_owner_can_read_it(folder: pathlib.Path, file: pathlib.Path) -> None:
    remember(folder, file)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / FILE_NAME).stat().st_mode) == 0o600
    assert os.listdir(folder) == [FILE_NAME]


def test_nothing_is_written_if_nothing_was_learnt(folder: pathlib.Path, file: pathlib.Path) -> None:
    remember(folder, file)
    written = (folder / FILE_NAME).stat().st_ino
    assert recall(folder, file) == DIGEST
    assert (folder / FILE_NAME).stat().st_ino == written


def test_read_only_reads_and_writes_nothing(folder: pathlib.Path, file: pathlib.Path) -> None:
    with PersistentHashCache.open(str(folder), read_only=True) as cache:
        cache.put(file.stat(), DIGEST, long_after(file.stat()))
        assert cache.get(file.stat()) == DIGEST
    assert not folder.exists()


@pytest.mark.parametrize("spoil", ["mode", "link", "cut", "format", "list", "rows"])
def test_what_cannot_be_trusted_is_as_good_as_none(folder: pathlib.Path, file: pathlib.Path, spoil: str) -> None:
    remember(folder, file)
    path = folder / FILE_NAME
    document = json.loads(path.read_text())
    if spoil == "mode":
        path.chmod(0o660)
    elif spoil == "link":
        path.rename(folder / "elsewhere")
        path.symlink_to("elsewhere")
    elif spoil == "cut":
        os.truncate(path, 40)
    else:
        changed: dict[str, t.Any] = {
            "format": {**document, "format": 0},
            "list": [document],
            "rows": {
                **document,
                "entries": [*[row[:5] for row in document["entries"]], 3, [], [1, 2, 3, 4, 5, 6], None],
            },
        }
        path.write_text(json.dumps(changed[spoil]))
    assert recall(folder, file) is None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: pathlib.Path, file: pathlib.Path) -> None:
    remember(file / "state", file)
    assert recall(file / "state", file) is None
    assert os.listdir(tmp_path) == ["file"]


def test_what_was_not_used_longest_goes_first(
    folder: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [tmp_path / f"file{number}" for number in range(4)]
    for path in files:
        path.write_bytes(b"content")
    remember(folder, *files[:3])
    monkeypatch.setattr(_hash_cache, "ENTRIES_MAX", 3)
    with PersistentHashCache.open(str(folder)) as cache:
        assert cache.get(files[0].stat()) == DIGEST
        cache.put(files[3].stat(), DIGEST, long_after(files[3].stat()))
    assert [recall(folder, path) for path in files] == [DIGEST, None, DIGEST, DIGEST]
