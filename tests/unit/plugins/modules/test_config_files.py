# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module config_files, from its options to files and its record."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import config_files

MARKER = "# Written by a role.\n"
TEXT = f"{MARKER}a = 1\n"


class Node:
    """A folder that files are written to, and the module that does so."""

    def __init__(self, root: pathlib.Path, run_module: t.Callable[..., t.Any]) -> None:
        self.file = root / "etc" / "tool" / "tool.toml"
        self.record = root / "state" / "tool.json"
        self._run_module = run_module

    def lies_there(self, text: str) -> None:
        self.file.parent.mkdir(parents=True)
        self.file.write_text(text, encoding="utf-8")
        self.file.chmod(0o644)

    def run(self, content: str | None = TEXT, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        entry = {"path": str(self.file), **({"content": content} if content is not None else {})}
        given = {"name": "tool", "files": [entry], "marker": MARKER, **options}
        result: dict[str, t.Any] = self._run_module(config_files.main, given, check=check).result
        return result

    @property
    def recorded(self) -> list[str]:
        return list(json.loads(self.record.read_text(encoding="utf-8"))["files"]) if self.record.exists() else []


@pytest.fixture
def node(tmp_path: pathlib.Path, run_module: t.Callable[..., t.Any], monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr(config_files, "RECORD_FOLDER", str(tmp_path / "state"))
    return Node(tmp_path, run_module)


def test_a_file_comes_and_goes_with_its_folder(node: Node) -> None:
    assert node.run(check=True)["actions"] == [f"write {node.file} (new)"]
    assert (node.run()["changed"], node.run()["changed"]) == (True, False)
    assert (node.file.read_text(encoding="utf-8"), node.recorded) == (TEXT, [str(node.file)])
    assert node.run(None)["actions"] == [f"remove {node.file} (not asked for any longer)"]
    assert not node.file.parent.exists()
    assert not node.record.exists()
    assert node.run(None)["changed"] is False


def test_what_is_beside_the_file_keeps_the_folder(node: Node) -> None:
    node.run()
    (node.file.parent / "net.d").mkdir()
    assert node.run(None)["changed"] is True
    assert [path.name for path in node.file.parent.iterdir()] == ["net.d"]


@pytest.mark.parametrize("check", [True, False])
def test_a_file_that_is_as_it_should_be_is_taken_over_by_its_marker(node: Node, check: bool) -> None:
    node.lies_there(TEXT)
    result = node.run(check=check)
    assert (result["changed"], result["actions"], result["diff"]) == (False, [], [])
    assert node.recorded == ([] if check else [str(node.file)])


def test_without_a_marker_a_file_that_is_taken_over_is_told_of(node: Node) -> None:
    node.lies_there(TEXT)
    assert node.run(marker=None)["actions"] == [f"adopt {node.file} (it is as it should be)"]


def test_what_an_earlier_run_wrote_goes_though_no_record_names_it(node: Node) -> None:
    node.lies_there(f"{MARKER}a = 2\n")
    assert node.run(None, check=True)["changed"] is True
    assert node.file.exists()
    assert node.run(None)["actions"] == [f"remove {node.file} (not asked for any longer)"]
    assert not node.file.exists()


def test_what_somebody_else_wrote_stays(node: Node) -> None:
    node.lies_there("a = 2\n")
    assert node.run(None)["changed"] is False
    assert node.file.exists()


def test_what_is_kept_stays(node: Node) -> None:
    node.lies_there(TEXT)
    assert node.run(None, keep=[str(node.file)])["changed"] is False
    assert node.recorded == [str(node.file)]
