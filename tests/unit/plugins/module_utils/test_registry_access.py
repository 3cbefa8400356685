# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of registries, and the files that hand them to the tools."""

from __future__ import annotations

import base64
import json
import pathlib
import stat
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import (
    REGISTRY_ARGUMENTS,
    RegistryAccess,
    registry_access,
)

DEFAULTS = {name: option.get("default") for name, option in REGISTRY_ARGUMENTS.items()}
Access = t.Callable[..., RegistryAccess]


@pytest.fixture
def access(tmp_path: pathlib.Path) -> Access:
    def make(domain: str = "registry.example.com", **options: t.Any) -> RegistryAccess:
        return registry_access({**DEFAULTS, **options}, domain, str(tmp_path))

    return make


def test_nothing_is_written_without_need(access: Access, tmp_path: pathlib.Path) -> None:
    assert access() == RegistryAccess(str(tmp_path))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("domain", "key"),
    [
        ("registry.example.com", "registry.example.com"),
        ("10.0.0.5:5000", "10.0.0.5:5000"),
        ("docker.io", "https://index.docker.io/v1/"),
    ],
)
def test_credentials_are_written_for_the_registry_alone(access: Access, domain: str, key: str) -> None:
    environ = access(domain, username="builder", password="pass:wörd").environ
    folder = pathlib.Path(environ["DOCKER_CONFIG"])
    file = folder / "config.json"
    assert environ["REGISTRY_AUTH_FILE"] == str(file)
    assert json.loads(file.read_text()) == {
        "auths": {key: {"auth": base64.b64encode("builder:pass:wörd".encode()).decode()}}
    }
    assert (stat.S_IMODE(folder.stat().st_mode), stat.S_IMODE(file.stat().st_mode)) == (0o700, 0o600)
    assert "wörd" not in repr(environ)


def test_a_file_with_credentials_is_used_where_it_is(access: Access, tmp_path: pathlib.Path) -> None:
    given = tmp_path / "given.json"
    given.write_text('{"auths": {}, "credHelpers": {"a": "b"}}')
    environ = access(auth_file=str(given)).environ
    link = pathlib.Path(environ["DOCKER_CONFIG"], "config.json")
    assert link.resolve() == given
    assert environ["REGISTRY_AUTH_FILE"] == str(link)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"auth_file": "/nowhere/config.json"}, r"cannot be read \(No such file or directory\): auth_file: /nowhere"),
        ({"username": "", "password": "x"}, "Not a user name"),
        ({"username": "a:b", "password": "x"}, "Not a user name"),
        ({"retries": -1}, "Not a number of retries"),
    ],
)
def test_what_cannot_be_used(access: Access, options: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        access(**options)


@pytest.mark.parametrize("text", ["", "s3cret", "[]", '"s3cret"'])
def test_a_file_that_is_none_is_not_quoted(access: Access, tmp_path: pathlib.Path, text: str) -> None:
    given = tmp_path / "given.json"
    given.write_text(text)
    with pytest.raises(InvalidInput, match="not what Docker's clients write") as caught:
        access(auth_file=str(given))
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_what_is_asked_for_is_passed_on(access: Access) -> None:
    made = access(insecure=True, retries=0)
    assert (made.insecure, made.retries, made.docker_config) == (True, 0, None)
