# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module rootless_account, from its options to its results, on a node that is a folder."""

from __future__ import annotations

import grp
import pathlib
import pwd
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _rootless_account
from ansible_collections.nephoran.container_build.plugins.module_utils._rootless_account import RootlessAccount
from ansible_collections.nephoran.container_build.plugins.modules import rootless_account
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner

Run = t.Callable[..., t.Any]
OPTIONS = {"name": "builder", "home": "/var/lib/builder", "programs": ["slirp4netns"], "tun": True}


class Node:
    """A node whose useradd and usermod do what they are told."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.users = {"root": (0, 0), "operator": (1000, 1000)}
        self.groups: dict[str, tuple[int, list[str]]] = {"root": (0, []), "operator": (1000, []), "sudo": (27, [])}
        self.runner = FakeRunner()
        self.runner.on("useradd", do=self._useradd)
        self.runner.on("usermod", do=self._usermod)
        self.write("proc/self/ns/user")
        self.write("proc/sys/user/max_user_namespaces", "96365\n")
        self.write("dev/net/tun").chmod(0o666)
        for path in ("etc/subuid", "etc/subgid"):
            self.write(path, "operator:100000:65536\n")

    def write(self, path: str, content: str = "") -> pathlib.Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content, encoding="utf-8")
        return file

    def getpwall(self) -> list[pwd.struct_passwd]:
        return [pwd.struct_passwd((name, "x", *ids, "", "/", "/bin/sh")) for name, ids in self.users.items()]

    def getpwnam(self, wanted: str) -> pwd.struct_passwd:
        for user in self.getpwall():
            if user.pw_name == wanted:
                return user
        raise KeyError(wanted)

    def getgrall(self) -> list[grp.struct_group]:
        return [grp.struct_group((name, "x", gid, members)) for name, (gid, members) in self.groups.items()]

    def getgrgid(self, wanted: int) -> grp.struct_group:
        return next(group for group in self.getgrall() if group.gr_gid == wanted)

    def _useradd(self, call: Call) -> Answer:
        name = call.argv[-1]
        gid = self.groups[call.value_of("--gid")][0] if "--gid" in call.argv else 998
        self.groups.setdefault(name, (gid, []))
        self.users[name] = (999, gid)
        return Answer()

    def _usermod(self, call: Call) -> Answer:
        for option, path in (("--add-subuids", "etc/subuid"), ("--add-subgids", "etc/subgid")):
            for each in call.values_of(option):
                first, last = map(int, each.split("-"))
                with open(self.root / path, "a", encoding="utf-8") as file:
                    file.write(f"{call.argv[-1]}:{first}:{last - first + 1}\n")
        return Answer()


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> Node:
    node = Node(tmp_path)
    monkeypatch.setattr(rootless_account, "ModuleRunner", lambda _module: node.runner)
    monkeypatch.setattr(
        rootless_account, "RootlessAccount", lambda runner, spec: RootlessAccount(runner, spec, str(tmp_path))
    )
    for module in ("pwd", "grp"):
        monkeypatch.setattr(_rootless_account, module, node)
    return node


@pytest.fixture
def run(node: Node, run_module: Run) -> Run:
    def run(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(rootless_account.main, {**OPTIONS, **options}, check=check, diff=True)

    return run


def test_an_account_is_made_once_with_ids_that_nobody_has(node: Node, run: Run) -> None:
    checked = run(check=True).result
    assert node.runner.calls == []
    result = run().result
    assert result["changed"]
    assert (
        result["actions"]
        == checked["actions"]
        == [
            "make account builder",
            "give builder the subordinate user ids 165536-231071",
            "give builder the subordinate group ids 165536-231071",
        ]
    )
    assert (result["group"], checked["group"]) == ("builder", "builder")
    assert result["subuids"] == result["subgids"] == checked["subuids"] == ["165536-231071"]
    assert result["diff"][0]["after"] == {"exists": True, "subuids": ["165536-231071"], "subgids": ["165536-231071"]}
    again = run().result
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert again["subuids"] == ["165536-231071"]
    assert len(node.runner.calls) == 2


def test_a_group_of_the_name_becomes_the_accounts(node: Node, run: Run) -> None:
    node.groups["builder"] = (700, [])
    run()
    assert node.runner.calls[0].value_of("--gid") == "builder"
    assert "--user-group" not in node.runner.calls[0].argv


def test_an_account_that_is_there_keeps_its_ids_and_gets_what_it_lacks(node: Node, run: Run) -> None:
    node.users["builder"] = (999, 27)
    # By its number, and more than is needed.
    (node.root / "etc/subuid").write_text("999:500000:70000\n", encoding="utf-8")
    result = run(forbidden_groups=[]).result
    assert result["actions"] == ["give builder the subordinate group ids 165536-231071"]
    assert (result["group"], result["subuids"]) == ("sudo", ["500000-569999"])


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("proc/sys/user/max_user_namespaces", "0\n", "user.max_user_namespaces = 28633. To do: write that to a file"),
        ("proc/sys/kernel/unprivileged_userns_clone", "0\n", "kernel.unprivileged_userns_clone = 1"),
        ("proc/self/ns/user", None, "The kernel has no user namespaces"),
        ("dev/net/tun", None, "modprobe tun"),
    ],
)
def test_what_the_kernel_forbids_is_said_before_anything_is_done(
    node: Node, run: Run, path: str, content: str | None, words: str
) -> None:
    if content is None:
        (node.root / path).unlink()
    else:
        node.write(path, content)
    for check in (True, False):
        failed = run(check=check)
        assert failed.failed
        assert words in failed.result["msg"]
    assert node.runner.calls == []


def test_a_device_that_only_root_may_use_is_none(node: Node, run: Run) -> None:
    (node.root / "dev/net/tun").chmod(0o600)
    assert "as udev makes it" in run().result["msg"]
    assert not run(tun=False).failed


def test_missing_programs_are_named_all_at_once_but_not_in_check_mode(node: Node, run: Run) -> None:
    node.runner._absent = ("newuidmap", "slirp4netns")
    failed = run()
    assert failed.failed
    assert "the node does not have: newuidmap, slirp4netns. To do: install" in failed.result["msg"]
    assert not run(check=True).failed
    folder = node.write("opt/bin/slirp4netns").parent
    (folder / "slirp4netns").chmod(0o755)
    assert "does not have: newuidmap. To do" in run(search_path=[str(folder)]).result["msg"]


def test_apparmors_restriction_is_told_and_needs_its_parser(node: Node, run: Run) -> None:
    assert run().result["apparmor_restricted"] is False
    node.write("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n")
    assert run().result["apparmor_restricted"] is True
    node.runner._absent = ("apparmor_parser",)
    assert "does not have: apparmor_parser" in run().result["msg"]


@pytest.mark.parametrize("as_primary", [True, False])
def test_an_account_that_could_become_root_is_refused(node: Node, run: Run, as_primary: bool) -> None:
    node.groups["builders"] = (600, [] if as_primary else ["builder"])
    node.users["builder"] = (999, 600 if as_primary else 1000)
    failed = run(forbidden_groups=["sudo", "builders"])
    assert "members can become root" in failed.result["msg"]
    assert "builder: builders" in failed.result["msg"]
    assert not run(forbidden_groups=["sudo"]).failed


def test_root_is_refused(run: Run) -> None:
    assert "The account is root itself: root" in run(name="root").result["msg"]


@pytest.mark.parametrize("line", ["builder:0:65536\n", "builder:900:65536\n"])
def test_ids_of_others_are_refused(node: Node, run: Run, line: str) -> None:
    node.users["builder"] = (70_000, 70_000)
    node.groups["builder"] = (70_000, [])
    (node.root / "etc/subuid").write_text(line, encoding="utf-8")
    failed = run()
    assert "is somebody else's own: builder: " in failed.result["msg"]
    assert node.runner.calls == []
