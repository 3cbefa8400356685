# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes, and who listens on a socket, as the kernel tells."""

from __future__ import annotations

import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import (
    Process,
    ProcessTable,
    socket_peer,
)


def process_folder(root: pathlib.Path, pid: int, executable: str, sees: str = "/") -> pathlib.Path:
    folder = root / str(pid)
    folder.mkdir()
    (folder / "exe").symlink_to(executable)
    (folder / "root").symlink_to(sees)
    return folder


def test_this_process_is_found() -> None:
    own = Process(os.getpid(), os.path.realpath(sys.executable))
    assert own in list(ProcessTable().running())
    assert ProcessTable().search_path(os.getpid())


def test_processes_of_containers_and_of_the_kernel_are_left_out(tmp_path: pathlib.Path) -> None:
    process_folder(tmp_path, 10, "/usr/local/bin/containerd")
    process_folder(tmp_path, 11, "/usr/local/bin/containerd (deleted)")
    process_folder(tmp_path, 12, "/usr/local/bin/containerd", sees=str(tmp_path))
    (tmp_path / "13").mkdir()
    (tmp_path / "self").symlink_to("10")
    found = sorted(ProcessTable(str(tmp_path)).running(), key=lambda process: process.pid)
    assert found == [Process(10, "/usr/local/bin/containerd"), Process(11, "/usr/local/bin/containerd")]


def test_the_search_path_is_the_process_s_own(tmp_path: pathlib.Path) -> None:
    folder = process_folder(tmp_path, 10, "/x")
    (folder / "environ").write_bytes(b"HOME=/root\0MYPATH=/no\0PATH=/usr/local/sbin:/opt/a b/bin::/bin\0")
    assert ProcessTable(str(tmp_path)).search_path(10) == ["/usr/local/sbin", "/opt/a b/bin", "/bin"]
    assert ProcessTable(str(tmp_path)).search_path(99) == []


def test_the_command_line_is_told_word_by_word(tmp_path: pathlib.Path) -> None:
    folder = process_folder(tmp_path, 10, "/x")
    (folder / "cmdline").write_bytes(b"/x\0--flag=a b\0\0last\0")
    assert ProcessTable(str(tmp_path)).arguments(10) == ["/x", "--flag=a b", "", "last"]
    assert ProcessTable(str(tmp_path)).arguments(99) == []


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/containerd.service\n", "containerd.service"),
        ("1:name=systemd:/system.slice/k3s.service\n0::/\n", "k3s.service"),
        ("0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-1.scope\n", None),
        ("0::/system.slice/docker.service/sub/leaf\n", "docker.service"),
        ("0::/user.slice/user-0.slice/session-1.scope\n", None),
        ("0::/user.slice/user-1000.slice/user@1000.service/app.slice/containerd.service\n", "user@1000.service"),
    ],
)
def test_the_service_of_a_process(tmp_path: pathlib.Path, cgroup: str, unit: str | None) -> None:
    (process_folder(tmp_path, 10, "/x") / "cgroup").write_text(cgroup)
    assert ProcessTable(str(tmp_path)).unit(10) == unit


@pytest.fixture
def listening(tmp_path: pathlib.Path) -> t.Iterator[str]:
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        yield path


def test_the_listener_of_a_socket_is_found(listening: str) -> None:
    assert socket_peer(listening) == os.getpid()


def test_nobody_listens_on_a_socket_that_was_left(tmp_path: pathlib.Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "left"))
    assert socket_peer(str(tmp_path / "left")) is None
    assert socket_peer(str(tmp_path / "none")) is None
    assert socket_peer(str(tmp_path / "none/below")) is None


def test_what_is_no_socket_listens_to_nobody(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    assert socket_peer(str(tmp_path / "file")) is None


def test_what_a_process_has_of_its_own() -> None:
    own, table = os.getpid(), ProcessTable()
    assert table.folder(own) == os.getcwd()
    began = table.began(own)
    assert began is not None
    assert 0 < began <= time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")
    nobody = 2**22 + 1
    assert (table.folder(nobody), table.began(nobody)) == (None, None)


def test_who_has_a_file_open_is_found_when_it_is_removed_too(tmp_path: pathlib.Path) -> None:
    # Other processes of the machine may be hidden from the one that runs the tests.
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / str(os.getpid())).symlink_to("/proc/self")
    path, table = tmp_path / "lock", ProcessTable(str(tmp_path / "proc"))
    assert table.holders(str(path)) == []
    with open(path, "w", encoding="ascii"):
        assert table.holders(str(path)) == [os.getpid()]
        path.unlink()
        assert table.holders(str(path)) == [os.getpid()]
    assert table.holders(str(path)) == []


def test_a_process_is_killed_and_none_that_has_its_number_since() -> None:
    table = ProcessTable()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        began = table.began(process.pid)
        assert began is not None
        assert not table.kill(process.pid, began + 1)
        assert process.poll() is None
        assert table.kill(process.pid, began)
        assert process.wait(timeout=20) == -signal.SIGKILL
    assert not table.kill(process.pid, began)


def test_who_started_whom_is_told_whatever_they_call_themselves(tmp_path: pathlib.Path) -> None:
    for pid, name, parent in ((10, "builder", 1), (11, "a) S 12 (b", 10), (12, "step", 11), (13, "other", 1)):
        process_folder(tmp_path, pid, "/x")
        (tmp_path / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 7 8\n")
    (tmp_path / "14").mkdir()
    (tmp_path / "self").symlink_to("10")
    children = ProcessTable(str(tmp_path)).children()
    assert {pid: sorted(found) for pid, found in children.items()} == {1: [10, 13], 10: [11], 11: [12]}


def test_a_pid_namespace_is_told_by_what_its_processes_share() -> None:
    table = ProcessTable()
    assert table.pid_namespace(os.getpid()) == os.readlink("/proc/self/ns/pid")
    assert table.pid_namespace(2**30) is None
