# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""git as it is called, and what is made of what it says."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._git import Git
from ansible_collections.nephoran.container_build.plugins.module_utils._git_context import GitContext
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from hypothesis import example, given
from hypothesis import strategies as st

URL = "https://git.example.com/app.git"
COMMIT, OTHER = "1" * 40, "2" * 40
MAIN = GitContext(URL, "main")
DONE = Answer()


class Repository:
    """A repository whose main branch is at COMMIT, and how its server answers."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.runner = FakeRunner()
        self.folder = folder / "files"
        self.gives_commits = self.gives_refs = self.has_commit = True
        self.submodules = False
        self.runner.on("git", "ls-remote", stdout=f"{COMMIT}\trefs/heads/main\n{OTHER}\trefs/heads/x/main\n")
        self.runner.on("git", "init", do=self._init)
        self.runner.on("git", "fetch", do=self._fetch)
        self.runner.on("git", "cat-file", do=lambda _call: Answer(rc=0 if self.has_commit else 1))
        self.runner.on("git", "checkout", do=self._check_out)
        self.runner.on("git", "submodule")
        self.runner.on("git", "log", stdout="1767225600\n")

    def _init(self, call: Call) -> Answer:
        (self.folder / ".git" / "hooks").mkdir(parents=True)
        return DONE

    def _fetch(self, call: Call) -> Answer:
        if call.argv[-1] == COMMIT:
            refused = Answer(rc=128, stderr=f"error: Server does not allow request for unadvertised object {COMMIT}")
            return DONE if self.gives_commits else refused
        return DONE if self.gives_refs or "--depth=1" not in call.argv else Answer(rc=128, stderr="fatal: shallow")

    def _check_out(self, call: Call) -> Answer:
        (self.folder / "bin").mkdir()
        for name, mode in (("bin/run", 0o700), ("Dockerfile", 0o600)):
            (self.folder / name).write_text("x")
            (self.folder / name).chmod(mode)
        (self.folder / "link").symlink_to("/etc/passwd")
        if self.submodules:
            (self.folder / ".gitmodules").write_text("x")
        return DONE

    def check_out(self, context: GitContext = MAIN) -> list[list[str]]:
        """Check COMMIT out, and return the words of each call but those that are the same in all."""
        Git(self.runner, timeout=7).check_out(context, COMMIT, str(self.folder))
        for call in self.runner.calls:
            assert call.timeout == 7
            assert (call.environ or {})["GIT_TERMINAL_PROMPT"] == "0"
        return [[*call.argv[call.argv.index("core.hooksPath=/dev/null") + 1 :]] for call in self.runner.calls]


@pytest.fixture
def repository(tmp_path: pathlib.Path) -> Repository:
    return Repository(tmp_path)


def test_a_branch_is_asked_for(repository: Repository) -> None:
    assert Git(repository.runner).resolve(MAIN) == COMMIT
    assert repository.runner.argv == [
        *("git", "-c", "core.hooksPath=/dev/null", "ls-remote", "--quiet", "--", URL, "main", "main^{}")
    ]


def test_a_commit_is_not_asked_for(repository: Repository) -> None:
    assert Git(repository.runner).resolve(GitContext(URL, OTHER)) == OTHER
    assert repository.runner.calls == []


def test_a_commit_is_checked_out(repository: Repository) -> None:
    folder = str(repository.folder)
    assert repository.check_out() == [
        ["init", "--quiet", "--template=", folder],
        ["fetch", "--quiet", "--no-tags", "--depth=1", "--", URL, COMMIT],
        ["checkout", "--quiet", "--detach", COMMIT],
        ["log", "-1", "--format=%ct", COMMIT],
    ]
    assert all(call.argv[1:3] == ("-C", folder) for call in repository.runner.calls[1:])
    assert sorted(os.listdir(folder)) == ["Dockerfile", "bin", "link"]


def test_equal_commits_look_alike(repository: Repository) -> None:
    repository.check_out()
    looks = {path.name: path.lstat() for path in repository.folder.rglob("*")}
    assert {status.st_mtime for status in looks.values()} == {1767225600}
    modes = {name: status.st_mode & 0o777 for name, status in looks.items() if name != "link"}
    assert modes == {"bin": 0o755, "run": 0o755, "Dockerfile": 0o644}


def test_submodules_come_along(repository: Repository) -> None:
    repository.submodules = True
    assert ["submodule", "update", "--quiet", "--init", "--recursive", "--depth=1"] in repository.check_out()


def test_a_server_that_gives_only_what_its_refs_name(repository: Repository) -> None:
    repository.gives_commits = False
    words = repository.check_out()
    assert [each[-1] for each in words if each[0] == "fetch"] == [COMMIT, "refs/heads/main"]


@pytest.mark.parametrize("context", [MAIN, GitContext(URL, COMMIT)])
def test_a_server_that_gives_nothing_but_everything(repository: Repository, context: GitContext) -> None:
    repository.gives_commits = repository.gives_refs = False
    words = repository.check_out(context)
    assert [each[-2:] for each in words if each[0] == "fetch"][-1] == [
        "+refs/heads/*:refs/all/heads/*",
        "+refs/tags/*:refs/all/tags/*",
    ]


def test_a_commit_that_is_nowhere(repository: Repository) -> None:
    repository.gives_commits = repository.has_commit = False
    with pytest.raises(NotFound, match="no such branch, tag or commit") as caught:
        repository.check_out(GitContext(URL, COMMIT))
    assert caught.value.subject == f"{COMMIT} in {URL}"


def test_a_branch_that_is_not_there(repository: Repository) -> None:
    with pytest.raises(NotFound, match=f"absent in {URL}.*follows the #"):
        Git(repository.runner).resolve(GitContext(URL, "absent"))


@pytest.mark.parametrize(
    ("stderr", "kind"),
    [
        ("fatal: unable to access 'https://x/': Could not resolve host: x", Unavailable),
        ("fatal: unable to connect to 192.0.2.1:\n192.0.2.1[0: 192.0.2.1]: errno=Connection refused", Unavailable),
        ("fatal: could not read Username for 'https://x': terminal prompts disabled", Unavailable),
        ("remote: Repository not found.\nfatal: repository 'https://x/' not found", Unavailable),
        ("git@x: Permission denied (publickey).\nfatal: Could not read from remote repository.", Unavailable),
        ("fatal: the sky is falling", ToolFailed),
    ],
)
def test_what_git_says_is_told(runner: t.Any, stderr: str, kind: type[ContainerBuildError]) -> None:
    runner.on("git", "ls-remote", rc=128, stderr=stderr)
    with pytest.raises(kind) as caught:
        Git(runner).resolve(MAIN)
    assert caught.value.subject == f"path: {URL}"
    assert caught.value.tail == stderr


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


def test_no_git_on_the_node() -> None:
    with pytest.raises(Unavailable, match=r"not installed on this node.*git"):
        Git(FakeRunner(absent=("git",))).resolve(MAIN)


BEGINNINGS = ("", "git@example.com:", "git://example.com/", "https://example.com/a.git#", "ssh://example.com/a#x:")


@given(beginning=st.sampled_from(BEGINNINGS), text=st.text("-aug.:#@/*^~ \0\n\udcff{}$()`;", max_size=9))
@example(beginning="git@example.com:", text="--upload-pack=touch")
@example(beginning="https://example.com/a.git#", text="--upload-pack=touch")
@example(beginning="", text="ext::sh -c touch")
def test_no_text_becomes_an_option_or_a_command(beginning: str, text: str) -> None:
    runner = FakeRunner()
    runner.on("git", "ls-remote")
    try:
        context = GitContext.parse(beginning + text)
        Git(runner).resolve(context)
    except InvalidInput:
        assert runner.calls == []
    except NotFound:
        (call,) = runner.calls
        end = call.argv.index("--")
        assert call.argv[: end + 1] == ("git", "-c", "core.hooksPath=/dev/null", "ls-remote", "--quiet", "--")
        assert len(call.argv) == end + 4
        assert not any(word.startswith("-") or "\0" in word for word in call.argv[end + 1 :])
        assert not call.argv[end + 1].startswith("ext::")
