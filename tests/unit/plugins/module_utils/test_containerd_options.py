# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How modules reach containerd, and how their errors become results."""

from __future__ import annotations

import os
import pathlib
import socket
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils import _containerd_options
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
    require_socket,
    wanted_platform,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner


@pytest.fixture
def listening(tmp_path: pathlib.Path) -> t.Iterator[str]:
    path = str(tmp_path / "containerd.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        yield path


def module_with(**options: t.Any) -> AnsibleModule:
    testing = pytest.importorskip("ansible.module_utils.testing")
    with testing.patch_module_args(options):
        return AnsibleModule(argument_spec=dict(CONTAINERD_ARGUMENTS))


def test_a_socket_that_may_be_used(listening: str) -> None:
    require_socket(listening)


@pytest.mark.parametrize("path", ["absent.sock", "absent/folder/x.sock"])
def test_no_socket(tmp_path: pathlib.Path, path: str) -> None:
    with pytest.raises(Unavailable, match="containerd's socket does not exist") as caught:
        require_socket(str(tmp_path / path))
    assert caught.value.subject == str(tmp_path / path)
    assert "systemctl start containerd" in (caught.value.remedy or "")
    assert "option address" in (caught.value.remedy or "")


def test_something_else(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file"):
        with pytest.raises(Unavailable, match="Not a socket"):
            require_socket(str(path))


@pytest.mark.parametrize("address", ["/etc/hostname/x.sock", "/x" * 3000, "/a\0b", "", "unix:///run/c.sock", "/\ud800"])
def test_what_can_be_no_socket_is_an_error_in_words(address: str) -> None:
    with pytest.raises((Unavailable, InvalidInput)) as caught:
        require_socket(address)
    assert caught.value.remedy or caught.value.expected
    # The system's own words may follow on lines of their own.
    assert str(caught.value).splitlines()[0].isprintable()


def test_a_socket_that_may_not_be_used(listening: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(Unavailable, match="may not use containerd's socket") as caught:
            require_socket(listening)
    assert "become: true" in (caught.value.remedy or "")


def test_a_socket_in_a_folder_that_may_not_be_entered() -> None:
    def forbidden(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied", path)

    # What is patched here is needed by whoever reports a failure.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "stat", forbidden)
        patch.setattr(os, "access", lambda path, mode: False)
        with pytest.raises(Unavailable, match=r"may not use containerd's socket: /run/x\.sock"):
            require_socket("/run/x.sock")


@pytest.fixture
def checked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sockets that were asked about; all of them are fine."""
    asked: list[str] = []
    monkeypatch.setattr(_containerd_options, "require_socket", asked.append)
    monkeypatch.delenv("CONTAINERD_ADDRESS", raising=False)
    monkeypatch.delenv("CONTAINERD_SNAPSHOTTER", raising=False)
    return asked


def reached(runner: FakeRunner, **options: t.Any) -> tuple[str, str, int | None]:
    """The address, the snapshotter and the time limit of a call."""
    runner.on("containerd")
    store = connect(module_with(**options), runner)
    store.containerd.namespaces()
    return runner.argv[2], store.snapshotter, runner.calls[0].timeout


def test_the_usual_containerd(checked: list[str]) -> None:
    assert reached(FakeRunner()) == ("/run/containerd/containerd.sock", "overlayfs", None)
    assert checked == ["/run/containerd/containerd.sock"]


def test_another_by_options(checked: list[str]) -> None:
    options = {"address": "/run/k3s/containerd.sock", "snapshotter": "native", "timeout": 5}
    assert reached(FakeRunner(), **options) == ("/run/k3s/containerd.sock", "native", 5)
    assert checked == ["/run/k3s/containerd.sock"]


def test_another_by_the_environment(checked: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERD_ADDRESS", "/run/env.sock")
    monkeypatch.setenv("CONTAINERD_SNAPSHOTTER", "zfs")
    assert reached(FakeRunner()) == ("/run/env.sock", "zfs", None)
    assert reached(FakeRunner(), address="/run/option.sock")[0] == "/run/option.sock"


def test_a_limit_that_is_none(checked: list[str]) -> None:
    with pytest.raises(InvalidInput, match="timeout: 0"):
        connect(module_with(timeout=0), FakeRunner())


@pytest.mark.parametrize("snapshotter", ["--help", "-x", "a\0b", "a b", "a\n"])
def test_what_can_be_no_snapshotter_is_refused(checked: list[str], snapshotter: str) -> None:
    with pytest.raises(InvalidInput, match="snapshotter"):
        connect(module_with(snapshotter=snapshotter), FakeRunner())


def test_a_domain_error_is_a_result(run_module: t.Callable[..., t.Any]) -> None:
    def main() -> None:
        with errors_reported(AnsibleModule(argument_spec={})):
            raise NotFound("It is gone", subject="/a", remedy="make it")

    answer = run_module(main, {})
    assert (answer.status, answer.failed) == (1, True)
    assert answer.result["msg"] == "It is gone: /a. To do: make it."
    assert answer.result["error"] == {
        "kind": "not_found",
        "message": "It is gone",
        "subject": "/a",
        "remedy": "make it",
    }


def test_another_error_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError), errors_reported(module_with()):
        raise ZeroDivisionError


def test_the_nodes_platform_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert wanted_platform(None) == wanted_platform("") == Platform.parse("linux/arm64")
    assert wanted_platform("linux/arm/v7") == Platform("linux", "arm", "v7")
    with pytest.raises(InvalidInput):
        wanted_platform("x/y/z/w")
