# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from lab import everything
from lab.errors import LabError


@pytest.fixture
def laid_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The nodes whose Python was told to keep compiled files; no node is made."""
    names: list[str] = []
    archive = SimpleNamespace(version="2.2.1", path=Path("archive"), sha256="0" * 64)
    monkeypatch.setattr(everything.toolchain, "ensure", lambda: archive)
    monkeypatch.setattr(everything.registry, "ensure", lambda: "address")
    monkeypatch.setattr(everything.registry, "variables", lambda _url: {})
    monkeypatch.setattr(
        everything.fleet, "up", lambda _folder, fleet, _variables: [SimpleNamespace(name=n) for n in fleet]
    )
    monkeypatch.setattr(everything.compiled_python, "lay_on", lambda node: names.append(node.name))
    return names


def up(*words: str) -> None:
    """Run the command."""
    CliRunner().invoke(everything.up, ["--inventory", "folder", *words], catch_exceptions=False)


def test_python_keeps_compiled_files_where_that_is_asked_for(laid_on: list[str]) -> None:
    up("--compiled-python", "two", "one:debian12", "two:debian13")
    assert laid_on == ["two"]


def test_nodes_are_as_they_come_otherwise(laid_on: list[str]) -> None:
    up("one:debian12")
    assert laid_on == []


def test_a_node_that_is_not_asked_for_is_a_mistake(laid_on: list[str]) -> None:
    with pytest.raises(LabError, match="none of the nodes: three"):
        up("--compiled-python", "three", "one:debian12")
    assert laid_on == []
