# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module daemon, from its options to its results."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.modules import daemon
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.daemon.fake_service import FakeService

Run = t.Callable[..., t.Any]


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    """The folder of the unit and of the configuration; the node has a service manager and nothing else."""
    service = FakeService(str(tmp_path / "example.service"), str(tmp_path / "example.toml"))
    monkeypatch.setattr(daemon, "ModuleRunner", lambda _module: FakeRunner())
    monkeypatch.setattr(daemon, "ServiceControl", lambda *_arguments: service)
    return tmp_path


def options(folder: pathlib.Path, **changes: t.Any) -> dict[str, t.Any]:
    return {
        "name": "example",
        "unit": "# made here\n[Service]\nExecStart=/opt/exampled\n",
        "unit_path": str(folder / "example.service"),
        "config": "",
        "config_path": str(folder / "example.toml"),
        "executable": "/opt/exampled",
        **changes,
    }


def owned_by(monkeypatch: pytest.MonkeyPatch, owner: str) -> list[tuple[str, str]]:
    """Let the node's containerd be *owner*'s; return what is asked about it."""
    asked = []

    def find(_runner: object, prefix: str, address: str) -> dict[str, t.Any]:
        asked.append((prefix, address))
        return {"owner": owner}

    monkeypatch.setattr(daemon, "find_owner", find)
    return asked


def test_a_containerd_of_somebody_else_is_left_alone(
    folder: pathlib.Path, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = owned_by(monkeypatch, "foreign")
    monkeypatch.setenv("CONTAINERD_ADDRESS", "/run/k3s/containerd/containerd.sock")
    for state in ("present", "absent"):
        result = run_module(daemon.main, options(folder, state=state, containerd={"prefix": "/opt/tools/"})).result
        assert (result["changed"], result["actions"], result["containerd"]) == (False, [], {"owner": "foreign"})
        assert "service" not in result
    assert asked == [("/opt/tools/", "/run/k3s/containerd/containerd.sock")] * 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("owner", ["none", "ours"])
def test_any_other_becomes_what_it_should_be(
    folder: pathlib.Path, run_module: Run, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    monkeypatch.delenv("CONTAINERD_ADDRESS", raising=False)
    asked = owned_by(monkeypatch, owner)
    result = run_module(daemon.main, options(folder, containerd={}), check=True).result
    assert (result["changed"], result["containerd"]) == (True, {"owner": owner})
    assert asked == [("/usr/local", "/run/containerd/containerd.sock")]


def test_who_serves_containerd_s_socket_says_nothing_about_other_daemons(
    folder: pathlib.Path, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = owned_by(monkeypatch, "foreign")
    result = run_module(daemon.main, options(folder), check=True).result
    assert (result["changed"], "containerd" in result) == (True, False)
    assert asked == []


def test_a_socket_that_nobody_may_ask_is_a_failure(
    folder: pathlib.Path, run_module: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find(_runner: object, _prefix: str, _address: str) -> t.NoReturn:
        raise Unavailable("This user may not use containerd's socket", subject="/run/containerd/containerd.sock")

    monkeypatch.setattr(daemon, "find_owner", find)
    result = run_module(daemon.main, options(folder, containerd={}))
    assert result.failed
    assert result.result["msg"].startswith("This user may not use containerd's socket")


@pytest.mark.parametrize("create", [True, False])
def test_instances_are_told_of_whether_or_not_the_daemon_is_laid_down(
    folder: pathlib.Path, run_module: Run, create: bool
) -> None:
    (folder / "example@a.service").write_text("# made here\n[Service]\n", encoding="utf-8")
    result = run_module(daemon.main, options(folder, create=create), check=True).result
    assert (result["changed"], result["instances"]) == (create, ["example@a"])
