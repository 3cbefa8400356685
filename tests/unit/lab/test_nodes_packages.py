# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from lab.nodes import packages


@pytest.fixture
def first(cache: Path) -> Path:
    """The folder of a node, into which apt has downloaded a package and half of another."""
    directory = packages.prepare("first", "debian13")
    assert directory.is_relative_to(cache)
    (directory / "buildah_1_amd64.deb").write_text("buildah")
    (directory / "partial").mkdir()
    (directory / "partial" / "netavark_1_amd64.deb").write_text("half")
    return directory


def test_next_node_has_what_a_removed_one_downloaded(first: Path) -> None:
    packages.collect("first", "debian13")
    assert not first.exists()
    second = packages.prepare("second", "debian13")
    assert {path.name: path.read_text() for path in second.iterdir()} == {"buildah_1_amd64.deb": "buildah"}


@pytest.mark.usefixtures("first")
def test_next_node_has_what_a_running_one_downloaded() -> None:
    assert [path.name for path in packages.prepare("second", "debian13").iterdir()] == ["buildah_1_amd64.deb"]


@pytest.mark.usefixtures("first")
def test_other_kinds_have_packages_of_their_own() -> None:
    assert list(packages.prepare("second", "debian12").iterdir()) == []


def test_what_one_node_cleans_up_others_keep(first: Path) -> None:
    second = packages.prepare("second", "debian13")
    (first / "buildah_1_amd64.deb").unlink()
    assert (second / "buildah_1_amd64.deb").read_text() == "buildah"


def test_collecting_from_a_node_that_is_not_there_is_no_error() -> None:
    packages.collect("nobody", "debian13")
