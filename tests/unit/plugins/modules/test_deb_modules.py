# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules deb_install and deb_collect, from their options to their results."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.modules import deb_collect, deb_install
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

Run = t.Callable[..., t.Any]


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> FakeRunner:
    made = FakeRunner()
    monkeypatch.setattr(deb_install, "ModuleRunner", lambda _module: made)
    monkeypatch.setattr(deb_collect, "ModuleRunner", lambda _module: made)
    return made


def test_a_node_that_has_the_packages(runner: FakeRunner, run_module: Run) -> None:
    runner.on("dpkg-query", stdout="installed\tbuildah\t1.39\n")
    result = run_module(deb_install.main, {"name": ["buildah"]}, diff=True).result
    assert (result["changed"], result["added"], result["actions"]) == (False, [], [])


def test_a_node_that_lacks_them_says_so_in_a_way_that_the_action_understands(
    runner: FakeRunner, run_module: Run
) -> None:
    runner.on("dpkg-query", rc=1)
    result = run_module(deb_install.main, {"name": ["buildah"]}).result
    assert (result["failed"], result["error"]["kind"]) == (True, "packages_needed")


def test_a_folder_of_the_controller_is_not_read_on_the_node(runner: FakeRunner, run_module: Run) -> None:
    result = run_module(deb_install.main, {"name": ["buildah"], "src": "/srv/packages"}).result
    assert result["msg"].startswith("A folder of the controller is sent by the task")
    assert runner.calls == []


@pytest.mark.parametrize("name", ["", "-y", "Buildah", "a", "buildah=", "buildah=1 2", "buildah/stable", "*"])
def test_names_that_are_none_do_not_reach_apt(
    runner: FakeRunner, run_module: Run, name: str, tmp_path: pathlib.Path
) -> None:
    assert run_module(deb_install.main, {"name": [name]}).failed
    assert run_module(deb_collect.main, {"name": [name], "dest": str(tmp_path / "packages")}).failed
    assert runner.calls == []


@pytest.mark.parametrize("options", [{"name": [], "dest": "/srv/packages"}, {"name": ["buildah"], "dest": "packages"}])
def test_what_cannot_be_collected(runner: FakeRunner, run_module: Run, options: dict[str, t.Any]) -> None:
    assert run_module(deb_collect.main, options).failed
    assert runner.calls == []


def test_check_mode_collects_nothing(runner: FakeRunner, run_module: Run, tmp_path: pathlib.Path) -> None:
    runner.on("apt-get", "--simulate", stdout="Inst buildah (1.39 Debian:13.1/stable [amd64])\n")
    options = {"name": ["buildah"], "dest": str(tmp_path / "packages")}
    result = run_module(deb_collect.main, options, check=True, diff=True).result
    assert result["actions"] == [f"collect {tmp_path / 'packages'} (1 packages)"]
    assert result["packages"] == result["diff"]["after"] == {"buildah": "1.39"}
    assert not (tmp_path / "packages").exists()
