# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Daemons: restarted when what runs is not what the files say, never otherwise, and never left with what fails."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import shutil
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._daemon import Daemon
from ansible_collections.nephoran.container_build.plugins.module_utils._daemon_plan import (
    DaemonPlan,
    DaemonSpec,
    plan_absent,
    plan_present,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import ManagedFile
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.daemon.fake_service import (
    FakeService,
    Killed,
)

UNIT = "# made here\n[Service]\nExecStart=/opt/exampled\n"
CONFIG = "# made here\n[server]\nport = 1\n"


class Node:
    """A node with a daemon: its files, its service, and a module that runs on it."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.unit = root / "system" / "example.service"
        self.config = root / "etc" / "example.toml"
        self.program = root / "bin" / "exampled"
        self.helper = root / "lib" / "helper"
        self.helper_text = "#!/bin/sh\n"
        self.programs: tuple[str, ...] = ()
        self.program.parent.mkdir()
        self.install("v1")
        self.runner = FakeRunner()
        self.runner.on(str(self.program), "--check")
        self.service = FakeService(str(self.unit), str(self.config))

    def install(self, content: str) -> None:
        """Put another program in the place of the one that is there, as an upgrade does."""
        new = self.program.with_suffix(".new")
        new.write_text(content, encoding="utf-8")
        new.chmod(0o755)
        new.replace(self.program)

    def spec(self, unit: str = UNIT, config: str = CONFIG) -> DaemonSpec:
        return DaemonSpec(
            name="example.service",
            unit=ManagedFile(str(self.unit), unit),
            config=ManagedFile(str(self.config), config),
            executable=str(self.program),
            validate=(str(self.program), "--check", "%s"),
            companions=(ManagedFile(str(self.helper), self.helper_text, 0o755),),
            programs=self.programs,
        )

    def daemon(self, unit: str = UNIT, config: str = CONFIG) -> Daemon:
        (self.root / "tmp").mkdir(exist_ok=True)
        return Daemon(
            self.runner,
            self.spec(unit, config),
            self.service,
            temporary_folder=str(self.root / "tmp"),
            notes_folder=str(self.root / "notes"),
            procfs=str(self.root / "proc"),
        )

    def converge(self, unit: str = UNIT, config: str = CONFIG, *, check_mode: bool = False) -> DaemonPlan:
        """Do what the module does, and return its plan."""
        self.service.calls.clear()
        daemon = self.daemon(unit, config)
        state = daemon.state()
        daemon.require_usable(state, check_mode=check_mode)
        plan = plan_present(self.spec(unit, config), state)
        if plan.plan.changed and not check_mode:
            daemon.apply(state, plan)
            self.runs_program()
        return plan

    def starts_another(self, pid: int, path: pathlib.Path, content: str) -> None:
        """Let the daemon have a process *pid* that runs the program *path*, which had *content* when it was started."""
        self.service.others.append((pid, path.name))
        running = self.root / "proc" / str(pid)
        running.mkdir(parents=True)
        path.with_suffix(".running").write_text(content, encoding="utf-8")
        # The kernel follows the link even where its text leads nowhere; a file system needs one that does.
        (running / path.name).symlink_to(path.with_suffix(".running"))
        (running / "exe").symlink_to(running / path.name)

    def runs_program(self) -> None:
        """Make the process's link show the program that is installed now, as if it had been started from it."""
        shutil.rmtree(self.root / "proc", ignore_errors=True)
        if self.service.now.main_pid is not None:
            running = self.root / "proc" / str(self.service.now.main_pid)
            running.mkdir(parents=True)
            # A hard link outlives the name, as a running program does.
            os.link(self.program, running / "program")
            (running / "exe").symlink_to(running / "program")

    def remove(self, *, force: bool = False) -> list[str]:
        self.service.calls.clear()
        daemon = self.daemon()
        state = daemon.state()
        plan = plan_absent(self.spec(), state)
        if plan.changed:
            if not force:
                daemon.require_no_other_processes(state)
            daemon.remove(state, plan)
        return plan.action_lines()


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


@pytest.fixture
def running(node: Node) -> Node:
    node.converge()
    return node


def verbs(plan: DaemonPlan) -> list[str]:
    return [action.verb for action in plan.plan.actions]


def test_a_new_daemon_is_laid_down_enabled_and_started(node: Node) -> None:
    plan = node.converge()
    assert verbs(plan) == ["write", "write", "write", "enable", "start"]
    assert plan.reasons == ()
    # systemctl enable has systemd read its unit files again, which takes longer than all the rest of it.
    assert node.service.calls == ["enable", "start"]
    assert node.service.runs_with == (UNIT, CONFIG)


def test_a_second_run_does_nothing(running: Node) -> None:
    plan = running.converge()
    assert not plan.plan.changed
    assert plan.diffs == ()
    assert running.service.calls == []


def test_check_mode_predicts_and_touches_nothing(node: Node) -> None:
    predicted = node.converge(check_mode=True)
    assert not node.unit.exists()
    assert not (node.root / "notes").exists()
    assert predicted.plan.action_lines() == node.converge().plan.action_lines()


@pytest.mark.parametrize(
    ("unit", "config", "reason"),
    [
        (UNIT, CONFIG.replace("1", "2"), "configuration changed in 2 lines"),
        (UNIT, CONFIG + "name = 'x'\n", "configuration changed in 1 line"),
        (UNIT.replace("exampled", "exampled --fast"), CONFIG, "unit changed in 2 lines"),
        (UNIT, "[server]\nport = 1\nport2 = 1\n", "configuration changed in 1 line"),
    ],
)
def test_another_meaning_restarts_and_says_why(running: Node, unit: str, config: str, reason: str) -> None:
    plan = running.converge(unit, config)
    assert plan.reasons == (reason,)
    assert verbs(plan) == ["write", "restart"]
    assert running.service.runs_with == (unit, config)
    assert not running.converge(unit, config).plan.changed


@pytest.mark.parametrize(
    "edit",
    [
        lambda node: node.config.write_text("# mine\n\n  [server]   # what it is\nport = 1\n", encoding="utf-8"),
        lambda node: node.config.chmod(0o600),
        lambda node: node.unit.write_text(f"; mine\n\n{UNIT}# mine too\n", encoding="utf-8"),
    ],
)
def test_comments_and_modes_are_put_right_without_a_restart(running: Node, edit: t.Callable[[Node], None]) -> None:
    edit(running)
    plan = running.converge()
    assert "restart" not in verbs(plan)
    assert plan.plan.changed
    assert plan.reasons == ()
    assert running.config.read_text(encoding="utf-8") == CONFIG
    assert running.unit.read_text(encoding="utf-8") == UNIT
    assert "restart" not in running.service.calls


def test_a_file_that_is_read_when_needed_restarts_nothing(running: Node) -> None:
    running.helper_text += "exit 1\n"
    plan = running.converge()
    assert plan.plan.action_lines() == [f"write {running.helper} (nothing that restarts)"]
    assert (running.helper.read_text(encoding="utf-8"), running.helper.stat().st_mode & 0o777) == (
        running.helper_text,
        0o755,
    )
    assert running.service.calls == []


def test_a_number_sign_inside_a_units_line_is_no_comment(running: Node) -> None:
    running.unit.write_text(UNIT.replace("exampled", "exampled # --fast"), encoding="utf-8")
    assert running.converge().reasons == ("unit changed in 2 lines",)


def test_another_order_of_lines_may_mean_something_else(running: Node) -> None:
    running.converge(config="[a]\nx = 1\n[b]\ny = 1\n")
    assert running.converge(config="[b]\nx = 1\n[a]\ny = 1\n").reasons == ("configuration changed in its order",)


def test_another_program_restarts(running: Node) -> None:
    running.install("v2")
    plan = running.converge()
    assert plan.reasons[0].startswith("program ")
    assert plan.reasons[0].endswith(f" → {running.program}")
    assert running.service.calls == ["restart"]


def test_the_same_program_under_another_name_does_not(running: Node) -> None:
    running.install("v1")
    assert not running.converge().plan.changed


def test_a_service_that_is_down_is_started(running: Node) -> None:
    running.service.stop()
    plan = running.converge()
    assert verbs(plan) == ["start"]


def test_drop_ins_that_changed_make_systemd_read_its_files_again(running: Node) -> None:
    running.service._loaded_unit = "an older text"
    plan = running.converge()
    assert verbs(plan) == ["reload"]
    assert running.service.calls == ["reload"]


@pytest.mark.parametrize("step", ["reload", "restart"])
def test_a_run_that_is_killed_leaves_the_restart_to_the_next(running: Node, step: str) -> None:
    unit, config = UNIT + "Nice=5\n", CONFIG.replace("1", "2")
    running.service.killed_at = step
    with pytest.raises(Killed):
        running.converge(unit, config)
    plan = running.converge(unit, config)
    assert plan.reasons == ("configuration changed in 2 lines", "unit changed in 1 line")
    assert running.service.runs_with == (unit, config)
    assert not running.converge(unit, config).plan.changed


@pytest.mark.parametrize("step", ["enable", "start"])
def test_a_first_run_that_is_killed_is_completed_by_the_next(node: Node, step: str) -> None:
    node.service.killed_at = step
    with pytest.raises(Killed):
        node.converge()
    node.converge()
    assert node.service.runs_with == (UNIT, CONFIG)
    assert node.service.now.is_enabled
    assert not node.converge().plan.changed


def test_what_does_not_come_up_is_taken_back(running: Node) -> None:
    running.service.refuses = lambda config: "port = 2" in config
    helper_text, running.helper_text = running.helper_text, "#!/bin/false\n"
    with pytest.raises(ToolFailed) as caught:
        running.converge(UNIT + "Nice=5\n", CONFIG.replace("1", "2"))
    assert "what was before runs again" in str(caught.value)
    assert "what the daemon said last" in str(caught.value)
    assert running.service.runs_with == (UNIT, CONFIG)
    assert running.config.read_text(encoding="utf-8") == CONFIG
    assert running.helper.read_text(encoding="utf-8") == helper_text
    running.helper_text = helper_text
    running.runs_program()
    assert not running.converge().plan.changed


def test_what_does_not_come_up_the_first_time_leaves_nothing(node: Node) -> None:
    node.service.refuses = lambda _config: True
    with pytest.raises(ToolFailed, match="the service is stopped"):
        node.converge()
    assert not node.unit.exists()
    assert not node.config.exists()
    assert not node.service.now.is_enabled
    assert node.service.calls[-3:] == ["stop", "disable", "reload"]


def test_a_service_that_cannot_be_started_as_it_was_says_so(running: Node) -> None:
    running.service.stop()
    running.service.refuses = lambda _config: True
    with pytest.raises(ToolFailed, match=r"journalctl -u example\.service"):
        running.converge()
    assert running.config.exists()


def test_when_the_old_state_does_not_come_up_either_both_errors_are_told(running: Node) -> None:
    running.service.refuses = lambda _config: True
    with pytest.raises(ToolFailed, match="could not be put back"):
        running.converge(config=CONFIG.replace("1", "2"))
    assert running.config.read_text(encoding="utf-8") == CONFIG


def test_a_configuration_that_the_program_refuses_changes_nothing(running: Node) -> None:
    running.runner.on(str(running.program), "--check", rc=1, stderr="line 3: no such port\n")
    with pytest.raises(InvalidInput, match=r"nothing was changed.*\n.*\nline 3: no such port"):
        running.converge(config=CONFIG.replace("1", "x"))
    assert running.config.read_text(encoding="utf-8") == CONFIG
    assert running.service.calls == []


def test_the_new_configuration_is_what_is_checked(node: Node) -> None:
    seen: list[str] = []

    def check(call: Call) -> Answer:
        seen.append(pathlib.Path(call.argv[-1]).read_text(encoding="utf-8"))
        return Answer(stderr="unknown key 'x'\n\n")

    node.runner.on(str(node.program), "--check", do=check)
    daemon = node.daemon()
    assert daemon.require_usable(daemon.state(), check_mode=False) == ("unknown key 'x'",)
    assert seen == [CONFIG]


def test_a_program_that_is_not_installed_is_an_error_but_in_check_mode(node: Node) -> None:
    node.program.unlink()
    with pytest.raises(NotFound, match="not installed"):
        node.converge()
    assert node.converge(check_mode=True).plan.changed
    assert node.runner.calls == []


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"load_state": "masked"}, "systemctl unmask"),
        ({"load_state": "loaded", "fragment_path": "/usr/lib/systemd/system/example.service"}, "neither shadowed"),
    ],
)
def test_a_unit_that_is_not_ours_is_left_alone(node: Node, state: dict[str, str], message: str) -> None:
    node.service.now = dataclasses.replace(node.service.now, **state)  # type: ignore[arg-type]
    with pytest.raises(Unavailable, match=message):
        node.converge()
    assert not node.unit.exists()


def test_a_link_in_a_files_place_is_refused(node: Node, tmp_path: pathlib.Path) -> None:
    node.config.parent.mkdir()
    node.config.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidInput, match="a link"):
        node.converge()


def test_removal_stops_and_takes_all_files(running: Node) -> None:
    assert [line.split()[0] for line in running.remove()] == ["stop", "disable", "remove", "remove", "remove"]
    assert running.service.calls == ["stop", "disable", "reload"]
    assert not running.unit.parent.exists()
    assert not running.config.parent.exists()
    assert not running.helper.parent.exists()
    assert running.remove() == []


def test_removal_makes_systemd_forget_a_failure(running: Node) -> None:
    running.service.now = dataclasses.replace(running.service.now, active_state="failed")
    running.remove()
    assert running.service.calls[0] == "stop"


def test_removal_leaves_what_else_is_in_the_folders(running: Node) -> None:
    (running.config.parent / "mine").touch()
    running.remove()
    assert (running.config.parent / "mine").exists()


def test_removal_is_refused_while_others_depend_on_the_daemon(running: Node) -> None:
    running.service.others = [(4711, "exampled-shim")]
    with pytest.raises(Unavailable, match=r"exampled-shim \(4711\)"):
        running.remove()
    assert running.service.calls == []
    assert running.unit.exists()
    running.remove(force=True)
    assert not running.unit.exists()


@pytest.fixture
def wrapped(node: Node) -> Node:
    """A daemon of two programs: the one that the unit starts, and one that this one starts."""
    payload = node.root / "bin" / "payloadd"
    payload.write_text("payload v1", encoding="utf-8")
    node.programs = (str(payload),)
    node.converge()
    node.starts_another(200, payload, "payload v1")
    return node


def test_a_program_that_the_first_one_starts_is_the_daemon_too(wrapped: Node) -> None:
    assert wrapped.converge().reasons == ()
    pathlib.Path(wrapped.programs[0]).write_text("payload v2", encoding="utf-8")
    (reason,) = wrapped.converge(check_mode=True).reasons
    assert reason.startswith("program ")
    assert reason.endswith(f" → {wrapped.programs[0]}")
    wrapped.install("v2")
    assert len(wrapped.converge(check_mode=True).reasons) == 2


def test_a_program_of_the_daemons_own_does_not_keep_it_from_being_removed(wrapped: Node) -> None:
    wrapped.starts_another(201, wrapped.root / "bin" / "compiler", "")
    with pytest.raises(Unavailable, match=r"without it: compiler \(201\):"):
        wrapped.remove()
    wrapped.service.others.pop()
    assert wrapped.remove()[0] == "stop example.service"


def test_removal_leaves_a_unit_of_somebody_elses_and_its_configuration(running: Node) -> None:
    running.service.now = dataclasses.replace(
        running.service.now, fragment_path="/etc/systemd/system/example.service", active_state="active"
    )
    assert running.remove() == [f"remove {running.unit}"]
    assert running.service.calls == ["reload"]
    assert running.config.exists()


def test_two_runs_do_not_change_a_daemon_at_once(node: Node) -> None:
    second = node.daemon().exclusive(0)
    with node.daemon().exclusive(0), pytest.raises(ContainerBuildError, match="changing this service"), second:
        pytest.fail("both hold the lock")
