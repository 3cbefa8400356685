# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Credentials: ours are added and taken away, everything else in the file is somebody else's."""

from __future__ import annotations

import json

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._docker_credentials import merge_credentials
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, InvalidInput

PATH = "/root/.docker/config.json"
THEIRS = {"auths": {"theirs": {"auth": "dGhlaXJz", "email": "x"}}, "detachKeys": "ctrl-e"}


def test_a_file_is_made() -> None:
    text = merge_credentials(None, {"r:5000": "YTpi"}, [], PATH)
    assert text is not None
    assert json.loads(text) == {"auths": {"r:5000": {"auth": "YTpi"}}}
    assert text.endswith("\n")


def test_what_is_there_stays() -> None:
    text = merge_credentials(json.dumps(THEIRS), {"ours": "YTpi"}, [], PATH)
    assert text is not None
    assert json.loads(text) == {**THEIRS, "auths": {**THEIRS["auths"], "ours": {"auth": "YTpi"}}}  # type: ignore[dict-item]
    assert json.loads(merge_credentials(text, {}, ["ours"], PATH) or "") == THEIRS


def test_a_file_that_says_it_already_is_returned_as_it_is() -> None:
    text = '{"auths":{"ours":{"auth":"YTpi","email":"kept"}}}'
    assert merge_credentials(text, {"ours": "YTpi"}, ["gone"], PATH) is text


def test_another_password_replaces_the_whole_entry() -> None:
    text = merge_credentials('{"auths":{"ours":{"auth":"YTpi","identitytoken":"old"}}}', {"ours": "YTpj"}, [], PATH)
    assert json.loads(text or "") == {"auths": {"ours": {"auth": "YTpj"}}}


def test_a_file_in_which_nothing_else_was_goes() -> None:
    assert merge_credentials('{"auths":{"ours":{"auth":"YTpi"}}}', {}, ["ours"], PATH) is None


@pytest.mark.parametrize("text", [None, "", "\n"])
def test_nothing_wanted_makes_no_file(text: str | None) -> None:
    assert merge_credentials(text, {}, ["gone"], PATH) == text


@pytest.mark.parametrize("text", ["{", "[]", '"x"', '{"auths": []}', '{"auths": {"a": "s3cret"'])
def test_a_file_of_another_kind_is_left_and_not_quoted(text: str) -> None:
    with pytest.raises(IntegrityError, match="left as it is") as caught:
        merge_credentials(text, {"ours": "YTpi"}, [], PATH)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "helper"),
    [
        ('{"credsStore": "pass"}', "docker-credential-pass"),
        ('{"credHelpers": {"ours": "ecr-login"}}', "docker-credential-ecr-login"),
    ],
)
def test_a_helper_that_would_hide_them_is_said(text: str, helper: str) -> None:
    with pytest.raises(InvalidInput, match=helper):
        merge_credentials(text, {"ours": "YTpi"}, [], PATH)


def test_a_helper_for_others_is_no_matter() -> None:
    text = '{"credHelpers": {"theirs": "ecr-login"}}'
    assert merge_credentials(text, {"ours": "YTpi"}, [], PATH) is not None
    assert merge_credentials('{"credsStore": "pass"}', {}, [], PATH) == '{"credsStore": "pass"}'
