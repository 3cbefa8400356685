# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon: its unit, its configuration, and a process that runs with both.

What a change means is known when it is written, not later. So that a run that is killed between writing and restarting
does not lose it, the reasons are noted in ``/run`` first and struck off last; a reboot, which restarts everything,
forgets them too.
"""

from __future__ import annotations

import contextlib
import filecmp
import glob
import os
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._daemon_plan import (
    DaemonPlan,
    DaemonSpec,
    DaemonState,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import disk_error
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._file_lock import locked
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import (
    file_begins_with,
    make_folder,
    read_file,
    remove_empty_folder,
    remove_file,
    write_file,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._service_control import (
    ServiceControl,
    ServiceState,
)

NOTES_FOLDER = "/run/nephoran-container-build"
CONFIG_PLACEHOLDER = "%s"


class Daemon:
    """Finds out how a daemon is and makes it what it should be.

    Args:
        runner: starts the processes.
        spec: the daemon as it should be.
        control: its service.
        notes_folder: where reasons to restart are noted.
        temporary_folder: where a configuration lies while it is checked.
        procfs: where processes are looked up.
    """

    def __init__(
        self,
        runner: Runner,
        spec: DaemonSpec,
        control: ServiceControl,
        *,
        temporary_folder: str,
        notes_folder: str = NOTES_FOLDER,
        procfs: str = "/proc",
    ) -> None:
        self._runner = runner
        self._spec = spec
        self._control = control
        self._temporary_folder = temporary_folder
        self._note = os.path.join(notes_folder, f"{spec.name}.restart-due")
        self._lock = os.path.join(notes_folder, f"{spec.name}.lock")
        self._procfs = procfs

    def state(self) -> DaemonState:
        """Return the daemon as it is.

        Raises:
            Unavailable: systemd does not manage this system, or files cannot be read.
            InvalidInput: something that is not a file stands where one belongs.
        """
        service = self._control.state()
        note = read_file(self._note)
        found = {file.path: read_file(file.path) for file in self._spec.files}
        return DaemonState(
            service=service,
            files={path: state for path, state in found.items() if state is not None},
            replaced_programs=tuple(self._replaced_programs(service)) if service.is_up else (),
            noted=tuple(note.text.splitlines()) if note is not None else (),
        )

    def instances(self) -> list[str]:
        """Return the services ``NAME@…`` and ``NAME-…`` whose units lie beside this one's and begin alike, less suffix.

        Raises:
            Unavailable: the folder or a unit cannot be read.
        """
        unit = self._spec.unit
        folder = os.path.dirname(unit.path)
        name, suffix = os.path.splitext(self._spec.name)
        first_line = "".join(unit.text.partition("\n")[:2])
        units = sorted(glob.glob(f"{glob.escape(os.path.join(folder, name))}[@-]*{suffix}"))
        return [os.path.basename(path).removesuffix(suffix) for path in units if file_begins_with(path, first_line)]

    def require_usable(self, state: DaemonState, *, check_mode: bool) -> tuple[str, ...]:
        """Check all that must hold before anything is changed.

        In check mode a program that is not installed yet is no error: what installs it was only a prediction as well.

        Returns:
            What the program remarked about a new configuration that it accepts, such as keys that it does not know.

        Raises:
            NotFound: the program is not installed.
            Unavailable: another unit of this name is in the way.
            InvalidInput: the program refuses the configuration.
        """
        self._require_own_unit(state.service)
        if os.access(self._spec.executable, os.X_OK):
            config = self._spec.config
            return () if config.is_met_by(state.files.get(config.path)) else self._validate()
        if not check_mode:
            raise NotFound(
                "The program that the service runs is not installed",
                subject=self._spec.executable,
                remedy="apply the role nephoran.container_build.nerdctl_full first, or name the prefix it is under",
            )
        return ()

    def apply(self, state: DaemonState, plan: DaemonPlan) -> None:
        """Carry out *plan*, which was made of *state*.

        If the service does not come up with what is new, what was before is put back and started.

        Raises:
            ToolFailed: the service did not come up; the message says what it logged, and what runs now.
            Unavailable: the file system refuses.
        """
        began = time.time()
        if plan.start == "restart":
            write_file(self._note, "".join(f"{reason}\n" for reason in plan.reasons), 0o600)
        try:
            for file in plan.files:
                write_file(file.path, file.text, file.mode)
            self._make_true(plan)
        except ContainerBuildError as error:
            raise self._rolled_back(state, plan, error, began) from error
        remove_file(self._note)

    def remove(self, state: DaemonState, plan: Plan) -> None:
        """Carry out *plan*, which ``plan_absent`` made of *state*.

        Raises:
            ToolFailed: the service could not be stopped or disabled.
            Unavailable: the file system refuses.
        """
        for action in plan.actions:
            if action.verb == "stop":
                self._control.stop()
            elif action.verb == "disable":
                self._control.disable()
            else:
                remove_file(action.subject)
                remove_empty_folder(os.path.dirname(action.subject))
        if self._spec.unit.path in state.files:
            self._control.reload_units()
        remove_file(self._note)

    def require_no_other_processes(self, state: DaemonState) -> None:
        """Check that nothing but the daemon itself lives in its control group.

        Raises:
            Unavailable: something does, such as the shims of running containers.
        """
        own = self._own_programs()
        others = [
            (pid, name)
            for pid, name in self._control.other_processes(state.service)
            if not own or self._program_of(pid) not in own
        ]
        if others:
            shown = ", ".join(f"{name} ({pid})" for pid, name in others[:10])
            raise Unavailable(
                f"Other processes depend on the service and would be left without it: {shown}",
                subject=self._spec.name,
                expected="no running container or build",
                remedy="end them first (nerdctl ps -a in every namespace), or force the removal",
            )

    @contextlib.contextmanager
    def exclusive(self, timeout: float) -> t.Iterator[None]:
        """Keep other runs of the module from changing this daemon for the length of the block.

        Raises:
            Unavailable: another run still changes it after *timeout* seconds, or the user may not take the lock.
        """
        make_folder(os.path.dirname(self._lock), 0o755)
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locked(self._lock, timeout, "Another run is changing this service"))
            except OSError as error:
                raise disk_error(error, "taking a lock", self._lock) from error
            yield

    def _make_true(self, plan: DaemonPlan) -> None:
        if plan.enable:
            # Has systemd read its unit files again, too.
            self._control.enable()
        elif plan.reload:
            self._control.reload_units()
        if plan.enable or plan.reload:
            self._require_own_unit(self._control.state())
        if plan.start == "start":
            self._control.start()
        elif plan.start == "restart":
            self._control.restart()

    def _rolled_back(
        self, state: DaemonState, plan: DaemonPlan, error: ContainerBuildError, began: float
    ) -> ContainerBuildError:
        log = self._control.log(began) if plan.start else ""
        tail = "\n".join(part for part in (error.tail, log) if part)
        if not plan.files and not plan.enable:
            # Nothing that could be taken back: the files were as they should be before.
            return _with_tail(error, tail, f"journalctl -u {self._spec.name} says more")
        try:
            self._put_back(state, plan)
        except ContainerBuildError as second:
            return ToolFailed(
                f"{error.message}; then what was before could not be put back: {second}",
                subject=self._spec.name,
                tail=tail,
            )
        remove_file(self._note)
        runs = (
            "what was before runs again"
            if state.service.is_up
            else "what was before is back, and the service is stopped"
        )
        return _with_tail(error, tail, f"correct what is new; {runs}")

    def _put_back(self, state: DaemonState, plan: DaemonPlan) -> None:
        if plan.start and not state.service.is_up:
            self._control.stop()
        if plan.enable:
            self._control.disable()
        for file in plan.files:
            before = state.files.get(file.path)
            if before is None:
                remove_file(file.path)
            else:
                write_file(file.path, before.text, before.mode)
        if plan.reload:
            self._control.reload_units()
        if plan.start and state.service.is_up:
            self._control.restart()

    def _require_own_unit(self, service: ServiceState) -> None:
        if service.load_state == "masked":
            raise Unavailable(
                "The unit is masked, so that it cannot be started",
                subject=self._spec.name,
                remedy=f"systemctl unmask {self._spec.name}",
            )
        if service.fragment_path not in ("", self._spec.unit.path):
            raise Unavailable(
                "Another unit file of this name is on the node; it is neither shadowed nor changed",
                subject=service.fragment_path,
                expected=f"no unit of this name but {self._spec.unit.path}",
                remedy="remove what installed it, or leave that service to whoever manages it",
            )

    def _validate(self) -> tuple[str, ...]:
        if not self._spec.validate:
            return ()
        path = os.path.join(self._temporary_folder, os.path.basename(self._spec.config.path))
        write_file(path, self._spec.config.text, 0o600)
        argv = [path if word == CONFIG_PLACEHOLDER else word for word in self._spec.validate]
        completed = self._runner.run(argv)
        if completed.rc != 0:
            raise InvalidInput(
                "The program refuses the configuration; nothing was changed",
                subject=self._spec.config.path,
                remedy="correct the values that the configuration is made of",
                tail=completed.stderr or completed.text,
            )
        return tuple(line for line in completed.stderr.splitlines() if line.strip())

    def _own_programs(self) -> dict[str, str]:
        """Return the programs that are the daemon besides its main process, by their names."""
        if not self._spec.programs:
            return {}
        return {os.path.basename(path): path for path in (self._spec.executable, *self._spec.programs)}

    def _program_of(self, pid: int) -> str:
        """Return the name of the program that process *pid* runs; nothing if it ended meanwhile."""
        # Most daemons are one program.
        from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable  # noqa: PLC0415

        return os.path.basename(ProcessTable(self._procfs).executable(pid) or "")

    def _replaced_programs(self, service: ServiceState) -> t.Iterator[tuple[str, str]]:
        """Yield each program that runs with another content than the one in its place, which the unit would start."""
        pids = {service.main_pid: self._spec.executable}
        own = self._own_programs()
        if own:
            others = ((pid, self._program_of(pid)) for pid, _name in self._control.other_processes(service))
            pids.update({pid: own[name] for pid, name in others if name in own})
        found = (self._replaced(pid, program) for pid, program in pids.items())
        yield from dict.fromkeys(each for each in found if each is not None)

    def _replaced(self, pid: int | None, program: str) -> tuple[str, str] | None:
        link = f"{self._procfs}/{pid}/exe"
        try:
            running = os.readlink(link)
            # A program that was removed or replaced can still be read through the process.
            same = os.path.samefile(link, program) or filecmp.cmp(link, program, shallow=False)
        except OSError:
            # The process ended, or nothing is installed; either is found and said elsewhere.
            return None
        return None if same else (running, os.path.realpath(program))


def _with_tail(error: ContainerBuildError, tail: str, remedy: str) -> ContainerBuildError:
    return type(error)(
        error.message,
        subject=error.subject,
        expected=error.expected,
        remedy=error.remedy or remedy,
        tail=tail,
    )
