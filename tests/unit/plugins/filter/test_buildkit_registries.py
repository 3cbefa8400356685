# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter takes what the module takes, types included."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.filter.buildkit_registries import (
    DOCUMENTATION,
    FilterModule,
    buildkit_registries,
)


def test_the_filter_has_the_name_of_its_documentation() -> None:
    assert list(FilterModule().filters()) == [yaml.safe_load(DOCUMENTATION)["name"]]


def test_a_mirror_and_a_registry_without_tls() -> None:
    entries = [
        {"name": "docker.io", "mirrors": [{"url": "https://m.example.org/hub"}]},
        {"name": "r.example.org:5000", "plain_http": "yes", "username": "u", "password": "hunter2"},
    ]
    assert buildkit_registries(entries) == {
        "docker.io": {"mirrors": ["m.example.org/hub"]},
        "r.example.org:5000": {"http": True},
    }


def test_a_text_that_says_no_means_no() -> None:
    assert buildkit_registries([{"name": "r.example.org", "skip_verify": "no"}]) == {}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ("docker.io", "hosts"),
        ([{"mirrors": []}], "name"),
        ([{"name": "docker.io", "mirror": []}], "mirror"),
        ([{"name": "docker.io", "mirrors": [{"url": "m"}]}], "not the URL of a mirror"),
    ],
)
def test_what_is_no_description_is_said(entries: t.Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=rf"buildkit_registries: .*{message}"):
        buildkit_registries(entries)


class Laden(dict[str, t.Any]):
    """As the dictionaries of a template do, it holds on to what nobody may copy."""

    def __deepcopy__(self, _memo: object) -> t.NoReturn:
        raise AssertionError("all variables of the node would be copied with it")


def test_what_a_template_hands_over_is_not_copied_with_all_that_it_holds_on_to() -> None:
    entries = [Laden(name="docker.io", mirrors=[Laden(url="https://m.example.org/hub")])]
    assert buildkit_registries(entries) == {"docker.io": {"mirrors": ["m.example.org/hub"]}}
