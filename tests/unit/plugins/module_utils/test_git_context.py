# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of contexts in git repositories."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._git_context import GitContext

ONE, TWO, THREE = "1" * 40, "2" * 40, "3" * 40
URL = "https://git.example.com/team/app.git"


@pytest.mark.parametrize(
    ("text", "context"),
    [
        (URL, GitContext(URL)),
        (f"{URL}#main", GitContext(URL, "main")),
        (f"{URL}#v1.0:deploy/image/", GitContext(URL, "v1.0", "deploy/image")),
        (f"{URL}#:deploy", GitContext(URL, "", "deploy")),
        (f"{URL}#feature/x", GitContext(URL, "feature/x")),
        (f"{URL}#refs/pull/7/head", GitContext(URL, "refs/pull/7/head")),
        (f"{URL}#{ONE}", GitContext(URL, ONE)),
        ("http://192.0.2.1:8080/app.git", GitContext("http://192.0.2.1:8080/app.git")),
        ("git://192.0.2.1/app#main", GitContext("git://192.0.2.1/app", "main")),
        ("ssh://git@example.com:22/app", GitContext("ssh://git@example.com:22/app")),
        ("git@example.com:team/app#main:x", GitContext("git@example.com:team/app", "main", "x")),
    ],
)
def test_a_context_in_a_repository(text: str, context: GitContext) -> None:
    assert GitContext.is_one(text)
    assert GitContext.parse(text) == context


@pytest.mark.parametrize(
    "text",
    [
        *("/srv/app", "app", "./app.git", "https://example.com/app.tar.gz", "file:///srv/app.git", "/srv/a@b:c"),
        *("ext::sh -c touch% x", "--upload-pack=touch x", "https://example.com/a b.git", "-o@example.com:x", ""),
    ],
)
def test_what_is_none(text: str) -> None:
    assert not GitContext.is_one(text)
    with pytest.raises(InvalidInput, match="Not a build context in a git repository"):
        GitContext.parse(text)


@pytest.mark.parametrize(
    "fragment", ["--upload-pack=x", "a b", "a..b", "a^{commit}", "a:../x", "a:x/../..", "a\tb", "*", "\udcff"]
)
def test_what_must_not_follow_the_hash(fragment: str) -> None:
    with pytest.raises(InvalidInput, match="Not a build context in a git repository"):
        GitContext.parse(f"{URL}#{fragment}")


@pytest.mark.parametrize("userinfo", ["me:s3cret", "s3cret", ":s3cret"])
def test_a_password_is_refused_and_not_told(userinfo: str) -> None:
    with pytest.raises(InvalidInput, match="must hold no password") as caught:
        GitContext.parse(f"https://{userinfo}@git.example.com/app.git")
    assert "s3cret" not in str(caught.value)


REFS = {
    "HEAD": ONE,
    "refs/heads/main": ONE,
    "refs/heads/v1": ONE,
    "refs/tags/v1": TWO,
    "refs/tags/v1^{}": THREE,
    "refs/heads/other/main": TWO,
    "refs/pull/7/head": THREE,
}


@pytest.mark.parametrize(
    ("ref", "chosen"),
    [
        ("", ("HEAD", ONE)),
        ("main", ("refs/heads/main", ONE)),
        ("v1", ("refs/tags/v1", THREE)),
        ("heads/v1", ("refs/heads/v1", ONE)),
        ("refs/heads/v1", ("refs/heads/v1", ONE)),
        ("refs/pull/7/head", ("refs/pull/7/head", THREE)),
        ("absent", ("", "")),
    ],
)
def test_what_a_ref_stands_for(ref: str, chosen: tuple[str, str]) -> None:
    assert GitContext(URL, ref).choose(REFS) == chosen


def test_a_repository_without_a_commit() -> None:
    assert GitContext(URL).choose({}) == ("", "")


def test_a_commit_stands_for_itself() -> None:
    assert GitContext(URL, ONE).commit == ONE
    assert GitContext(URL, ONE[:12]).commit == ""


def test_only_commit_and_folder_decide() -> None:
    assert GitContext(URL, "main", "x").settings(ONE) == GitContext("git://a/b", "v1", "x").settings(ONE)
    assert GitContext(URL).settings(ONE) == {"context": f"commit {ONE}"}
    assert GitContext(URL, folder="x").settings(ONE) == {"context": f"commit {ONE}", "context folder": "x"}
