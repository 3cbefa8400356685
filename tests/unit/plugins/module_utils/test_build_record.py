# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Records of earlier builds."""

from __future__ import annotations

import pathlib
import stat

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable

PLACE, NAME = "namespace k8s.io", "docker.io/library/app:v1"
DOCUMENT = {"digest": "sha256:1", "settings": {"arg Ü": "→ \ud800"}, "contexts": {"": {"a\udcff": "file"}}}


@pytest.fixture
def records(tmp_path: pathlib.Path) -> BuildRecords:
    return BuildRecords(str(tmp_path / "state"))


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_what_was_kept_is_found_again(records: BuildRecords) -> None:
    records.save(PLACE, NAME, DOCUMENT)
    assert records.load(PLACE, NAME) == DOCUMENT
    records.save(PLACE, NAME, {"digest": "sha256:2"})
    assert records.load(PLACE, NAME) == {"digest": "sha256:2"}


def test_places_and_names_have_records_of_their_own(records: BuildRecords) -> None:
    records.save(PLACE, NAME, {"digest": "1"})
    records.save("buildah's store", NAME, {"digest": "2"})
    records.save(PLACE, "docker.io/library/app:v2", {"digest": "3"})
    assert records.load(PLACE, NAME) == {"digest": "1"}
    assert records.load("namespace default", NAME) is None


def test_only_the_owner_reads_them(records: BuildRecords, tmp_path: pathlib.Path) -> None:
    """Values of build args stand in them."""
    records.save(PLACE, NAME, DOCUMENT)
    (path,) = files(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_one_file_a_record_and_nothing_else(records: BuildRecords, tmp_path: pathlib.Path) -> None:
    for _again in range(3):
        records.save(PLACE, NAME, DOCUMENT)
    assert len(files(tmp_path)) == 1


def test_hostile_names_stay_in_the_folder(records: BuildRecords, tmp_path: pathlib.Path) -> None:
    records.save("../../etc", "../" * 50 + "passwd\n\0", DOCUMENT)
    (path,) = files(tmp_path)
    assert path.parent == tmp_path / "state" / "inputs"


def test_a_record_that_never_was(records: BuildRecords) -> None:
    assert records.load(PLACE, NAME) is None


@pytest.mark.parametrize("damage", ["empty", "no json", "a list", "cut off", "no utf-8"])
def test_a_damaged_record_counts_as_none(records: BuildRecords, tmp_path: pathlib.Path, damage: str) -> None:
    records.save(PLACE, NAME, {"digest": "x" * 2000, "numbers": list(range(1000))})
    (path,) = files(tmp_path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    content = {
        "empty": b"",
        "no json": b"{",
        "a list": b"[]",
        "cut off": whole[:middle],
        "no utf-8": b'{"a": "\xff"}',
    }
    path.write_bytes(content[damage])
    assert records.load(PLACE, NAME) is None


def test_a_record_that_cannot_be_kept_leaves_the_old_one_and_no_remains(
    records: BuildRecords, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records.save(PLACE, NAME, {"digest": "old"})

    def full(source: str, destination: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(Unavailable, match="No space left on device while writing a file") as caught:
        records.save(PLACE, NAME, {"digest": "new"})
    assert caught.value.remedy == "free space there"
    assert records.load(PLACE, NAME) == {"digest": "old"}
    assert len(files(tmp_path)) == 1


def test_a_folder_that_cannot_be_made(tmp_path: pathlib.Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(Unavailable):
        BuildRecords(str(tmp_path / "state")).save(PLACE, NAME, DOCUMENT)
