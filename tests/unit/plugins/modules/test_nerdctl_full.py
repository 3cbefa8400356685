# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module nerdctl_full: the archive and nerdctl's configuration in one step."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import Outcome
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.modules import nerdctl_full

GENERATION = "2.2.1-cf4720a290f0"
MARKER = "# Written by a role."
TEXT = f'{MARKER}\nsnapshotter = "native"\n'


class Node:
    """A node whose archive is as it should be unless told otherwise, and the module over it."""

    def __init__(self, root: pathlib.Path, run_module: t.Callable[..., t.Any]) -> None:
        self.file = root / "etc" / "nerdctl" / "nerdctl.toml"
        self.archive_plan = Plan()
        self.archive_runs = 0
        self._root = root
        self._run_module = run_module

    def install(self, _module: object) -> Outcome:
        self.archive_runs += 1
        return Outcome(self.archive_plan, generation=GENERATION, previous_generation="2.2.0-000000000000")

    def run(self, content: str | None = TEXT, *, check: bool = False, **options: t.Any) -> dict[str, t.Any]:
        config = {"path": str(self.file), "marker": MARKER, **({"content": content} if content is not None else {})}
        given = {"prefix": str(self._root), "config": config, **options}
        given = {key: value for key, value in given.items() if value is not None}
        result: dict[str, t.Any] = self._run_module(nerdctl_full.main, given, check=check).result
        return result


@pytest.fixture
def node(tmp_path: pathlib.Path, run_module: t.Callable[..., t.Any], monkeypatch: pytest.MonkeyPatch) -> Node:
    node = Node(tmp_path, run_module)
    monkeypatch.setattr(nerdctl_full, "RECORD_FOLDER", str(tmp_path / "state"))
    monkeypatch.setattr(nerdctl_full, "_run", node.install)
    return node


def test_the_configuration_alone_is_a_change_and_check_mode_says_so(node: Node) -> None:
    foreseen, done, again = node.run(check=True), node.run(), node.run()
    assert [result["changed"] for result in (foreseen, done, again)] == [True, True, False]
    assert foreseen["actions"] == done["actions"] == [f"write {node.file} (new)"]
    assert foreseen["diff"] == done["diff"]
    assert [part["after_header"] for part in done["diff"]][1:] == [str(node.file)]
    assert again["actions"] == []
    assert node.file.read_text(encoding="utf-8") == TEXT


def test_it_comes_after_the_archive(node: Node) -> None:
    node.archive_plan = Plan((Action("stage", GENERATION),))
    result = node.run()
    assert result["actions"] == [f"stage {GENERATION}", f"write {node.file} (new)"]
    assert (result["changed"], result["generation"]) == (True, GENERATION)


def test_without_content_what_an_earlier_run_wrote_goes(node: Node) -> None:
    node.run()
    assert node.run(None)["actions"] == [f"remove {node.file} (not asked for any longer)"]
    assert not node.file.exists()
    assert node.run(None)["changed"] is False


def test_without_the_option_it_stays_as_it_is(node: Node) -> None:
    node.run()
    result = node.run(config=None)
    assert (result["changed"], isinstance(result["diff"], dict)) == (False, True)
    assert node.file.read_text(encoding="utf-8") == TEXT


def test_what_is_in_its_way_is_said_before_anything_is_done(node: Node) -> None:
    node.file.mkdir(parents=True)
    result = node.run()
    assert result["failed"] is True
    assert result["msg"].startswith("There is a folder where a file belongs")
    assert node.archive_runs == 0


def test_if_it_cannot_be_written_what_was_done_before_is_told(node: Node) -> None:
    """A playbook decides by that whether there is a generation to go back to."""
    node.archive_plan = Plan((Action("stage", GENERATION),))
    node.file.parent.parent.write_text("no folder")
    result = node.run()
    assert (result["failed"], result["changed"], result["actions"]) == (True, True, [f"stage {GENERATION}"])
    assert (result["generation"], result["previous_generation"]) == (GENERATION, "2.2.0-000000000000")
