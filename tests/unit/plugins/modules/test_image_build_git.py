# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_build with a context in a git repository."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import image_build
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call

URL = "https://git.example.com/app.git"
OLD, NEW = "1" * 40, "2" * 40
Run = t.Callable[..., t.Any]


class FakeGit:
    """A repository with one branch; what a commit holds names the commit."""

    def __init__(self, node: FakeNode) -> None:
        self.commit = OLD
        node.runner.on("git", "ls-remote", do=lambda _call: Answer(f"{self.commit}\trefs/heads/main\n"))
        node.runner.on("git", "init", do=self._init)
        node.runner.on("git", "fetch")
        node.runner.on("git", "checkout", do=self._check_out)
        node.runner.on("git", "log", stdout="1767225600\n")

    def _init(self, call: Call) -> Answer:
        (pathlib.Path(call.argv[-1]) / ".git").mkdir(parents=True)
        return Answer()

    def _check_out(self, call: Call) -> Answer:
        folder = pathlib.Path(call.value_of("-C"))
        (folder / "deploy").mkdir()
        (folder / "out").symlink_to("/")
        for name in ("Dockerfile", "deploy/Other"):
            (folder / name).write_text(f"FROM scratch\n# {call.argv[-1]} {name}\n")
        (folder / "deploy" / "Leads-out").symlink_to("/etc/hostname")
        return Answer()


@pytest.fixture
def git(node: FakeNode) -> FakeGit:
    return FakeGit(node)


@pytest.fixture(params=["nerdctl", "buildctl", "buildah"])
def build(request: pytest.FixtureRequest, run_module: Run, git: FakeGit) -> Run:
    def build(path: str = f"{URL}#main", *, check: bool = False, **options: t.Any) -> t.Any:
        given = {"name": "app:v1", "path": path, "backend": request.param, **options}
        if request.param != "buildah":
            given["buildkit_host"] = BUILDKIT
        return run_module(image_build.main, given, check=check, diff=True)

    return build


def test_a_branch_that_moves(node: FakeNode, git: FakeGit, build: Run) -> None:
    checked = build(check=True).result
    assert node.runner.commands("git", "fetch") == []
    first = build().result
    assert first["changed"]
    assert first["inputs_digest"] == checked["inputs_digest"]
    assert not build().result["changed"]
    assert len(node.runner.commands("git", "fetch")) == 1
    git.commit = NEW
    for check in (True, False):
        result = build(check=check).result
        assert result["changed"]
        assert result["rebuild_reasons"] == [f"context: commit {OLD} → commit {NEW}"]
    assert not build().result["changed"]


def test_the_builder_gets_a_folder(node: FakeNode, build: Run) -> None:
    build()
    assert URL not in " ".join(node.builds[0].argv)


def test_a_folder_and_a_dockerfile_of_the_repository(node: FakeNode, build: Run) -> None:
    first = build().result
    result = build(f"{URL}#main:deploy", dockerfile="Other").result
    assert result["rebuild_reasons"] == [
        "context folder: (none) → deploy",
        "dockerfile: (none) → Other",
    ]
    assert result["digest"] != first["digest"]
    assert len(node.builds) == 2


def test_the_same_commit_of_another_address_is_the_same(build: Run) -> None:
    first = build().result
    assert build(f"git://mirror.example.com/app#{OLD}").result["inputs_digest"] == first["inputs_digest"]


def test_a_dockerfile_as_text(build: Run) -> None:
    assert build(dockerfile_content="FROM scratch\n").result["changed"]
    assert not build(dockerfile_content="FROM scratch\n").result["changed"]
    assert build(dockerfile_content="FROM scratch\n#\n").result["rebuild_reasons"] == ["Dockerfile changed"]


@pytest.mark.parametrize(
    ("path", "options", "said"),
    [
        (f"{URL}#absent", {}, "no such branch, tag or commit"),
        (f"{URL}#main:absent", {}, "no such folder"),
        (f"{URL}#main:out", {}, "no such folder"),
        (f"{URL}#main:deploy", {}, "There is no Dockerfile"),
        (f"{URL}#main:deploy", {"dockerfile": "Leads-out"}, "leads out of its git repository"),
        (f"{URL}#main", {"dockerfile": "/srv/Dockerfile"}, "is in the repository"),
        (f"{URL}#a b", {}, "Not a build context in a git repository"),
    ],
)
def test_what_cannot_be_built(node: FakeNode, build: Run, path: str, options: dict[str, t.Any], said: str) -> None:
    answer = build(path, **options)
    assert answer.failed
    assert said in answer.result["msg"]
    assert node.builds == []
