# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemctl, as it is called and as it answers."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _service_control
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._service_control import (
    ServiceControl,
    ServiceState,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

# What systemd 252 printed of a service that runs, and of one that there is not.
RUNNING = """\
MainPID=888
NRestarts=2
Result=success
ControlGroup=/system.slice/containerd.service
LoadState=loaded
ActiveState=active
SubState=running
FragmentPath=/usr/local/lib/systemd/system/containerd.service
UnitFileState=enabled
NeedDaemonReload=yes
"""
UNKNOWN = """\
MainPID=0
NRestarts=0
Result=success
ControlGroup=
LoadState=not-found
ActiveState=inactive
SubState=dead
FragmentPath=
UnitFileState=
NeedDaemonReload=no
"""


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def control(runner: FakeRunner, tmp_path: pathlib.Path) -> ServiceControl:
    return ServiceControl(runner, "containerd.service", 30, booted_mark=str(tmp_path), procfs=str(tmp_path / "proc"))


def test_a_running_service(runner: FakeRunner, control: ServiceControl) -> None:
    runner.on("systemctl", "show", stdout=RUNNING)
    state = control.state()
    assert state == ServiceState(
        load_state="loaded",
        active_state="active",
        sub_state="running",
        main_pid=888,
        restarts=2,
        unit_file_state="enabled",
        fragment_path="/usr/local/lib/systemd/system/containerd.service",
        needs_reload=True,
        control_group="/system.slice/containerd.service",
    )
    assert state.is_up
    assert state.is_enabled


def test_no_service(runner: FakeRunner, control: ServiceControl) -> None:
    runner.on("systemctl", "show", stdout=UNKNOWN)
    state = control.state()
    assert state == ServiceState()
    assert not state.is_up
    assert not state.is_enabled


@pytest.mark.parametrize(("active", "up"), [("active", True), ("reloading", True), ("activating", False)])
def test_a_service_is_up_when_it_serves(active: str, up: bool) -> None:
    assert ServiceState(active_state=active).is_up == up


def test_a_node_without_systemd_is_told_so(runner: FakeRunner, tmp_path: pathlib.Path) -> None:
    control = ServiceControl(runner, "containerd.service", 30, booted_mark=str(tmp_path / "absent"))
    with pytest.raises(Unavailable, match="systemd does not run"):
        control.state()
    assert runner.calls == []


@pytest.mark.parametrize("verb", ["enable", "disable", "start", "restart"])
def test_what_cannot_be_done_is_an_error_with_the_tools_words(
    runner: FakeRunner, control: ServiceControl, verb: str
) -> None:
    runner.on("systemctl", verb, rc=1, stderr="Job failed. See journalctl.\n")
    with pytest.raises(ToolFailed, match=rf"(?s)could not be {verb}.*Job failed"):
        getattr(control, verb)()
    assert runner.calls[-1].argv == ("systemctl", verb, "--", "containerd.service")
    assert runner.calls[-1].timeout == 30


def test_stopping_forgets_a_failure(runner: FakeRunner, control: ServiceControl) -> None:
    runner.on("systemctl", "stop")
    runner.on("systemctl", "reset-failed", rc=1)
    control.stop()
    assert [call.argv[1] for call in runner.calls] == ["stop", "reset-failed"]


def test_the_log_is_that_of_the_service_since_then(runner: FakeRunner, control: ServiceControl) -> None:
    runner.on("journalctl", stdout="it ended\n")
    assert control.log(1700000000.25) == "it ended\n"
    assert {"--unit=containerd.service", "--since=@1700000000.250"} <= set(runner.calls[-1].argv)


def test_other_processes_are_those_of_the_control_group_in_any_hierarchy(
    control: ServiceControl, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        _service_control, "_CGROUP_ROOTS", tuple(str(tmp_path / root) for root in ("unified", "systemd", "absent"))
    )
    for root, pids in (("unified", "888\n900\n"), ("systemd", "888\n900\n901\n902\n")):
        group = tmp_path / root / "system.slice" / "containerd.service"
        group.mkdir(parents=True)
        (group / "cgroup.procs").write_text(pids, encoding="ascii")
    for pid, name in ((888, "containerd"), (900, "containerd-shim"), (901, "runc")):
        folder = tmp_path / "proc" / str(pid)
        folder.mkdir(parents=True)
        (folder / "comm").write_text(f"{name}\n", encoding="ascii")
    state = ServiceState(main_pid=888, control_group="/system.slice/containerd.service")
    assert control.other_processes(state) == [(900, "containerd-shim"), (901, "runc")]
    assert control.other_processes(ServiceState()) == []
