# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed at any change of the disk, a node serves the old generation or the new one, and the next run converges."""

from __future__ import annotations

import functools
import itertools
import os
import pathlib
import typing as t
import warnings

import pytest

from .conftest import Archive, MakeArchive, Node, program

# Every function of `os` by which the installer changes the disk.
CHANGES = (
    "chmod",
    "fchmod",
    "fsync",
    "link",
    "mkdir",
    "open",
    "pwrite",
    "rename",
    "replace",
    "rmdir",
    "symlink",
    "truncate",
    "unlink",
    "utime",
    "write",
)
KILLED = 137
# Fewer would mean that the functions above are not those that the installer calls.
FEWEST_CHANGES = 20


class Killer:
    """Ends this process before its n-th change of the disk."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0

    def wrap(self, name: str) -> t.Callable[..., t.Any]:
        real = getattr(os, name)

        def wrapped(*args: t.Any, **kwargs: t.Any) -> t.Any:
            changes = name != "open" or bool(args[1] & os.O_CREAT)
            if changes:
                self.count += 1
                if self.count == self.number:
                    os._exit(KILLED)
            return real(*args, **kwargs)

        return wrapped


def killed_at(number: int, work: t.Callable[[], object]) -> bool:
    """Do *work* in a process that is killed before its *number*-th change; tell whether it came that far."""
    with warnings.catch_warnings():
        # Python 3.12 warns of forking beside threads; the child starts its own and shares no lock with them.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        status = 1
        try:
            killer = Killer(number)
            for name in CHANGES:
                setattr(os, name, killer.wrap(name))
            work()
            status = 0
        finally:
            os._exit(status)
    _pid, result = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(result)
    assert code in (0, KILLED)
    return code == KILLED


def generations_served(node: Node) -> set[str]:
    """Return the versions of all commands and plugins that can be started."""
    found = set()
    for folder in (pathlib.Path(node.layout.commands), pathlib.Path(node.layout.plugins), node.cni_bin_dir):
        for path in folder.iterdir() if folder.is_dir() else ():
            if path.is_file():
                found.add(path.read_bytes()[len(program("")) :].split()[-1].decode())
    return found


def every_kill_point(
    prepare: t.Callable[[int], Node], work: t.Callable[[Node], object], fewest: int = FEWEST_CHANGES
) -> t.Iterator[Node]:
    """Yield a node for each change of *work*, killed just before it."""
    for number in itertools.count(1):
        node = prepare(number)
        if not killed_at(number, functools.partial(work, node)):
            assert number > fewest
            return
        yield node


@pytest.fixture(autouse=True)
def disk_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for no disk: what a killed process wrote is with the kernel, and only a loss of power could take it."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


@pytest.fixture
def first(make_archive: MakeArchive) -> Archive:
    return make_archive(version="1.0.0", commands=("containerd", "nerdctl", "gone"))


@pytest.fixture
def second(make_archive: MakeArchive) -> Archive:
    return make_archive(version="2.0.0", commands=("containerd", "nerdctl", "come"))


@pytest.fixture
def new_node(tmp_path: pathlib.Path) -> t.Callable[[int], Node]:
    def make(number: int) -> Node:
        root = tmp_path / f"node-{number}"
        root.mkdir()
        return Node(root)

    return make


def relative(node: Node) -> dict[str, str]:
    root = str(node.prefix.parent.parent)
    return {path[len(root) :]: what.replace(root, "") for path, what in node.snapshot().items()}


def test_a_first_install(new_node: t.Callable[[int], Node], first: Archive) -> None:
    undisturbed = new_node(0)
    undisturbed.install(first)
    for node in every_kill_point(new_node, lambda node: node.install(first)):
        assert generations_served(node) in (set(), {"1.0.0"})
        node.install(first)
        assert relative(node) == relative(undisturbed)
        assert not node.install(first).plan.changed


def test_an_upgrade_that_removes_a_generation(
    new_node: t.Callable[[int], Node], first: Archive, second: Archive
) -> None:
    def prepare(number: int) -> Node:
        node = new_node(number)
        node.install(first)
        return node

    undisturbed = prepare(0)
    undisturbed.install(second, keep=1)
    for node in every_kill_point(prepare, lambda node: node.install(second, keep=1)):
        served = generations_served(node)
        assert served in ({"1.0.0"}, {"2.0.0"})
        commands = {path.name for path in pathlib.Path(node.layout.commands).iterdir() if path.is_file()}
        assert {"containerd", "nerdctl", "gone" if served == {"1.0.0"} else "come"} <= commands
        node.install(second, keep=1)
        assert relative(node) == relative(undisturbed)
        assert not node.install(second, keep=1).plan.changed


def test_a_rollback(new_node: t.Callable[[int], Node], first: Archive, second: Archive) -> None:
    def prepare(number: int) -> Node:
        node = new_node(number)
        node.install(first)
        node.install(second)
        return node

    undisturbed = prepare(0)
    undisturbed.manager().ensure_rolled_back()
    for node in every_kill_point(prepare, lambda node: node.manager().ensure_rolled_back(), fewest=10):
        assert generations_served(node) in ({"1.0.0"}, {"2.0.0"})
        node.manager().ensure_rolled_back()
        assert relative(node) == relative(undisturbed)
        assert not node.manager().ensure_rolled_back().plan.changed


def test_a_removal(new_node: t.Callable[[int], Node], first: Archive, second: Archive) -> None:
    def prepare(number: int) -> Node:
        node = new_node(number)
        node.install(first)
        node.install(second)
        return node

    for node in every_kill_point(prepare, lambda node: node.remove()):
        assert generations_served(node) in (set(), {"2.0.0"})
        commands = {path.name for path in pathlib.Path(node.layout.commands).iterdir() if path.is_file()}
        # All of them or none: a node that lost some serves nothing that anybody installed.
        assert not commands or {"containerd", "nerdctl", "come"} <= commands
        node.remove()
        assert not os.path.lexists(node.layout.base)
        assert generations_served(node) == set()
        assert not node.remove().plan.changed


def test_a_removal_that_was_killed_can_be_installed_over(new_node: t.Callable[[int], Node], first: Archive) -> None:
    def prepare(number: int) -> Node:
        node = new_node(number)
        node.install(first)
        return node

    undisturbed = prepare(0)
    for node in every_kill_point(prepare, lambda node: node.remove()):
        node.install(first)
        assert relative(node) == relative(undisturbed)
