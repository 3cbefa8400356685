# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sets of files: the plan says what moves, and a record says whose files they are."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import FileState, ManagedFile
from ansible_collections.nephoran.container_build.plugins.module_utils._owned_files import (
    Record,
    plan_files,
    read_record,
    with_marked,
    write_record,
)

A = ManagedFile("/a", "text\n")


@pytest.mark.parametrize(
    ("found", "record", "actions"),
    [
        ({}, Record(), ["write /a (new)"]),
        ({"/a": FileState("other\n", 0o644)}, Record(("/a",)), ["write /a (content)"]),
        ({"/a": FileState("text\n", 0o600)}, Record(("/a",)), ["write /a (mode or owner)"]),
        ({"/a": FileState("text\n", 0o644)}, Record(), ["adopt /a (it is as it should be)"]),
        ({"/a": FileState("text\n", 0o644)}, Record(("/a",)), []),
        (
            {"/a": FileState("text\n", 0o644), "/b": FileState("", 0o644)},
            Record(("/a", "/b")),
            ["remove /b (not asked for any longer)"],
        ),
        ({"/a": FileState("text\n", 0o644)}, Record(("/a", "/b")), ["forget /b (it is gone already)"]),
    ],
)
def test_the_plan_says_what_moves(found: dict[str, FileState | None], record: Record, actions: list[str]) -> None:
    assert plan_files([A], found, record).plan.action_lines() == actions


def test_what_is_kept_stays_though_it_is_not_wanted() -> None:
    record = Record(("/a", "/b"))
    found: dict[str, FileState | None] = {"/b": FileState("", 0o644)}
    assert plan_files([], found, record, keep={"/a", "/b"}).plan.action_lines() == []


def test_a_diff_hides_what_is_or_was_secret() -> None:
    found: dict[str, FileState | None] = {"/a": FileState("hunter2", 0o600), "/b": FileState("hunter2", 0o600)}
    plan = plan_files([A], found, Record(("/a", "/b")))
    assert len(plan.diffs) == 2
    assert "hunter2" not in repr(plan.diffs)


def test_a_record_is_read_as_it_was_written(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "state" / "set.json"
    assert read_record(str(path)) == Record()
    write_record(str(path), Record(("/a", "/b"), ("key",)))
    assert read_record(str(path)) == Record(("/a", "/b"), ("key",))
    assert (path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777) == (0o700, 0o600)
    write_record(str(path), Record())
    assert not path.exists()


def test_records_are_merged_without_losing_any() -> None:
    merged = Record(("/b",), ("y",)).merged(Record(("/a", "/b"), ("x",)))
    assert merged == Record(("/a", "/b"), ("x", "y"))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"files": []}', '{"files": null, "credentials": []}'])
def test_what_is_no_record_is_said(tmp_path: pathlib.Path, text: str) -> None:
    (tmp_path / "set.json").write_text(text, encoding="utf-8")
    with pytest.raises(IntegrityError, match="move it away"):
        read_record(str(tmp_path / "set.json"))


def test_a_file_that_begins_with_the_marker_counts_as_recorded(tmp_path: pathlib.Path) -> None:
    names = ("ours", "theirs", "link", "folder", "none")
    ours, theirs, link, folder, none = (str(tmp_path / name) for name in names)
    pathlib.Path(ours).write_text("# ours\nchanged since\n", encoding="utf-8")
    pathlib.Path(theirs).write_text("# theirs\n# ours\n", encoding="utf-8")
    pathlib.Path(link).symlink_to(ours)
    pathlib.Path(folder).mkdir()
    paths = [ours, theirs, link, folder, none]
    assert with_marked(Record(("/a",), ("key",)), paths, "# ours\n") == Record(("/a", ours), ("key",))
    assert with_marked(Record(("/a",)), paths, None) == Record(("/a",))
    assert with_marked(Record(("/a",)), paths, "") == Record(("/a",))
