# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Beside a containerd that is not ours, no command is linked that would stand in front of another."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._coexistence import withheld_commands
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    NONE,
    OURS,
    ContainerdOwner,
)

from .conftest import Node

COMMANDS = ["containerd", "containerd-shim-runc-v2", "containerd-shim-x", "ctr", "nephoran-none", "runc"]


@pytest.fixture
def foreign(tmp_path: pathlib.Path) -> ContainerdOwner:
    folder = tmp_path / "foreign/bin"
    folder.mkdir(parents=True)
    (folder / "containerd").touch()
    return ContainerdOwner(FOREIGN, executable=str(folder / "containerd"), search_path=(str(tmp_path / "elsewhere"),))


@pytest.mark.parametrize("kind", [NONE, OURS])
def test_nothing_is_withheld_from_our_own_node(node: Node, kind: str) -> None:
    assert withheld_commands(COMMANDS, ContainerdOwner(kind), node.layout) == {}


def test_the_runtime_itself_is_never_linked(node: Node, foreign: ContainerdOwner) -> None:
    withheld = withheld_commands(COMMANDS, foreign, node.layout)
    for command in ("containerd", "containerd-shim-runc-v2", "containerd-shim-x", "runc"):
        assert "which is not ours" in withheld[f"{node.layout.commands}/{command}"]
    assert f"{node.layout.commands}/nephoran-none" not in withheld


@pytest.mark.parametrize("folder", ["foreign/bin", "elsewhere"])
def test_what_another_has_is_not_shadowed(
    node: Node, foreign: ContainerdOwner, tmp_path: pathlib.Path, folder: str
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / folder / "nephoran-none").symlink_to("even-a-broken-link")
    withheld = withheld_commands(COMMANDS, foreign, node.layout)
    assert f"would shadow {tmp_path / folder / 'nephoran-none'}" in withheld[f"{node.layout.commands}/nephoran-none"]


def test_our_own_folder_shadows_nothing(node: Node, foreign: ContainerdOwner, tmp_path: pathlib.Path) -> None:
    commands = pathlib.Path(node.layout.commands)
    commands.mkdir(parents=True)
    (commands / "nephoran-none").touch()
    (tmp_path / "elsewhere").symlink_to(commands)
    assert f"{commands}/nephoran-none" not in withheld_commands(COMMANDS, foreign, node.layout)


def test_what_the_system_has_is_not_shadowed(node: Node, foreign: ContainerdOwner) -> None:
    assert f"{node.layout.commands}/env" in withheld_commands(["env"], foreign, node.layout)
