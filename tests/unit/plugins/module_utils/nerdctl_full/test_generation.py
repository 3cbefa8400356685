# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names, order and places of generations."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import (
    GenerationStore,
    Layout,
    generation_name,
    is_older,
    version_of,
)

from .conftest import Node

CHECKSUM = Digest("sha256", "cf4720a290f0" + "0" * 52)
# Semantic Versioning 2.0.0, section 11, and what it leaves to be wished for.
ORDER = [
    "1.7.29",
    "2.0.0-alpha",
    "2.0.0-alpha.1",
    "2.0.0-alpha.beta",
    "2.0.0-beta.2",
    "2.0.0-beta.11",
    "2.0.0-rc.1",
    "2.0.0",
    "2.2.1",
    "2.2.10",
    "2.10.0",
    "10.0.0",
]


def test_a_name_holds_version_and_checksum() -> None:
    assert generation_name("2.2.1", CHECKSUM) == "2.2.1-cf4720a290f0"
    assert version_of("2.2.1-cf4720a290f0") == "2.2.1"
    assert version_of(generation_name("2.3.0-rc.1", CHECKSUM)) == "2.3.0-rc.1"


@pytest.mark.parametrize("version", ["", "v2.2.1", "../2.2.1", "2/2", "2.2.1 ", "latest", "2.2.1\n", "2.2.1-"])
def test_what_no_release_is_called_is_no_version(version: str) -> None:
    with pytest.raises(InvalidInput, match="Not a version"):
        generation_name(version, CHECKSUM)


@pytest.mark.parametrize("name", ["2.2.1", "current", "2.2.1-cf47", "../2.2.1-cf4720a290f0", "2.2.1-CF4720A290F0"])
def test_other_names_are_no_generations(name: str) -> None:
    with pytest.raises(InvalidInput, match="Not the name of a generation"):
        version_of(name)


def test_versions_are_ordered_as_semantic_versioning_says() -> None:
    for index, version in enumerate(ORDER):
        assert [is_older(other, version) for other in ORDER] == [True] * index + [False] * (len(ORDER) - index)


@pytest.mark.parametrize(("one", "other"), [("2.2", "2.2.0"), ("2.2.1+build.1", "2.2.1+build.2")])
def test_some_versions_are_equal(one: str, other: str) -> None:
    assert not is_older(one, other)
    assert not is_older(other, one)


def test_a_real_path_tells_its_generation(tmp_path: pathlib.Path) -> None:
    (tmp_path / "real/lib/nerdctl-full/generations").mkdir(parents=True)
    (tmp_path / "prefix").symlink_to("real")
    layout = Layout(str(tmp_path / "prefix"))
    inside = f"{tmp_path}/real/lib/nerdctl-full/generations/2.2.1-cf4720a290f0/bin/containerd"
    assert layout.generation_of(inside) == "2.2.1-cf4720a290f0"
    assert layout.generation_of("/usr/bin/containerd") is None
    assert layout.generation_of(f"{tmp_path}/real/lib/nerdctl-full/generations-of-others/x") is None


@pytest.mark.parametrize(
    ("target", "ours"),
    [
        ("/p/lib/nerdctl-full/current/bin/ctr", True),
        ("/p/lib/nerdctl-full/generations/1-0/bin/ctr", True),
        ("/p/lib/nerdctl-full/../other/bin/ctr", False),
        ("/p/lib/nerdctl-full-of-others/ctr", False),
        ("../lib/nerdctl-full/current/bin/ctr", False),
        ("/usr/bin/ctr", False),
    ],
)
def test_links_are_ours_by_where_they_lead(target: str, ours: bool) -> None:
    assert Layout("/p").owns_target(target) is ours


@pytest.fixture
def store(node: Node) -> GenerationStore:
    for number, name in enumerate(["1.0.0-000000000001", "2.0.0-000000000002", "3.0.0-000000000003"]):
        folder = pathlib.Path(node.layout.generation(name))
        (folder / "bin").mkdir(parents=True)
        os.utime(folder, (number, number))
    return node.store


def test_generations_are_listed_by_when_they_served(store: GenerationStore) -> None:
    assert store.names() == ["3.0.0-000000000003", "2.0.0-000000000002", "1.0.0-000000000001"]
    store.switch("1.0.0-000000000001")
    assert store.names()[0] == store.current() == "1.0.0-000000000001"


def test_what_is_no_generation_is_not_listed(store: GenerationStore) -> None:
    (pathlib.Path(store.layout.generations) / "notes").mkdir()
    (pathlib.Path(store.layout.generations) / "4.0.0-000000000004").symlink_to("/")
    assert len(store.names()) == 3


def test_a_link_to_a_generation_that_is_gone_serves_none(store: GenerationStore) -> None:
    store.switch("1.0.0-000000000001")
    store.remove("1.0.0-000000000001")
    assert store.current() is None


def test_only_what_can_be_started_is_a_command(store: GenerationStore) -> None:
    folder = pathlib.Path(store.layout.generation("1.0.0-000000000001")) / "bin"
    (folder / "tool").touch(mode=0o755)
    (folder / "LICENSE").touch(mode=0o644)
    (folder / "alias").symlink_to("tool")
    (folder / "licence").symlink_to("LICENSE")
    (folder / "broken").symlink_to("none")
    (folder / "folder").mkdir()
    assert store.commands_of("1.0.0-000000000001") == ["alias", "tool"]


@pytest.mark.parametrize("place", ["base", "generations"])
def test_a_planted_link_is_refused(node: Node, tmp_path: pathlib.Path, place: str) -> None:
    planted = pathlib.Path(getattr(node.layout, place))
    planted.parent.mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    planted.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="it is not followed"):
        node.store.refuse_planted()


@pytest.mark.parametrize("place", ["base", "generations"])
def test_a_folder_that_others_can_write_is_refused(node: Node, place: str) -> None:
    folder = pathlib.Path(getattr(node.layout, place))
    folder.mkdir(parents=True)
    folder.chmod(0o775)
    with pytest.raises(InvalidInput, match="can be written by others"):
        node.store.refuse_planted()


def test_a_folder_in_the_link_s_place_is_refused(node: Node) -> None:
    pathlib.Path(node.layout.current).mkdir(parents=True)
    with pytest.raises(InvalidInput, match="no link stands"):
        node.store.refuse_planted()


@pytest.mark.parametrize("target", ["/tmp/evil", "../evil", "generations/../../evil", "generations/evil"])
def test_a_link_that_leads_elsewhere_is_refused(node: Node, target: str) -> None:
    current = pathlib.Path(node.layout.current)
    current.parent.mkdir(parents=True)
    current.symlink_to(target)
    with pytest.raises(InvalidInput, match="leads elsewhere"):
        node.store.current()
