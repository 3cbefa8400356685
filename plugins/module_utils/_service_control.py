# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One service of systemd, and what can be done to it."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner, checked

_PROPERTIES = (
    "LoadState",
    "ActiveState",
    "SubState",
    "Result",
    "MainPID",
    "NRestarts",
    "UnitFileState",
    "FragmentPath",
    "NeedDaemonReload",
    "ControlGroup",
)
# sd_booted(3).
_BOOTED_MARK = "/run/systemd/system"
# Where a control group lies: the unified hierarchy, and systemd's own in the hybrid and the legacy layout.
_CGROUP_ROOTS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")


@dataclasses.dataclass(frozen=True)
class ServiceState:
    """A service as systemd sees it.

    Attributes:
        load_state: ``loaded``, ``not-found``, ``masked``, ``bad-setting`` …
        active_state: ``active``, ``inactive``, ``failed``, ``activating`` …
        sub_state: ``running``, ``dead``, ``auto-restart`` …
        main_pid: the main process; ``None`` while there is none.
        restarts: how often systemd restarted it by itself.
        unit_file_state: ``enabled``, ``disabled``, ``static`` …, empty without a unit file.
        fragment_path: the unit file that counts; empty if there is none.
        needs_reload: whether unit files or drop-ins changed since systemd read them.
        control_group: the path of its control group; empty while it has none.
    """

    load_state: str = "not-found"
    active_state: str = "inactive"
    sub_state: str = "dead"
    main_pid: int | None = None
    restarts: int = 0
    unit_file_state: str = ""
    fragment_path: str = ""
    needs_reload: bool = False
    control_group: str = ""

    @property
    def is_up(self) -> bool:
        """Whether it serves."""
        return self.active_state in ("active", "reloading")

    @property
    def is_enabled(self) -> bool:
        """Whether it starts at boot."""
        return self.unit_file_state == "enabled"


class ServiceControl:
    """``systemctl`` for one service.

    Args:
        runner: starts the processes.
        name: the unit, with its suffix.
        timeout: seconds that starting or stopping may take.
    """

    def __init__(
        self, runner: Runner, name: str, timeout: int, *, booted_mark: str = _BOOTED_MARK, procfs: str = "/proc"
    ) -> None:
        self._runner = runner
        self._name = name
        self._timeout = timeout
        self._booted_mark = booted_mark
        self._procfs = procfs

    def state(self) -> ServiceState:
        """Return the service's state.

        Raises:
            Unavailable: systemd does not manage this system.
            ToolFailed: systemctl could not answer.
        """
        if not os.path.isdir(self._booted_mark):
            raise Unavailable(
                "systemd does not run on this node, so that it can manage no service",
                subject=self._name,
                expected=f"a system that was booted with systemd ({self._booted_mark} exists)",
                remedy="use a node with systemd; in a container, start /sbin/init as its first process",
            )
        argv = ["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", self._name]
        completed = checked(self._runner.run(argv), "The service could not be looked up", subject=self._name)
        properties = dict(line.split("=", 1) for line in completed.text.splitlines() if "=" in line)
        return ServiceState(
            load_state=properties.get("LoadState", "not-found"),
            active_state=properties.get("ActiveState", "inactive"),
            sub_state=properties.get("SubState", "dead"),
            main_pid=int(properties.get("MainPID", "0")) or None,
            restarts=int(properties.get("NRestarts", "0")),
            unit_file_state=properties.get("UnitFileState", ""),
            fragment_path=properties.get("FragmentPath", ""),
            needs_reload=properties.get("NeedDaemonReload") == "yes",
            control_group=properties.get("ControlGroup", ""),
        )

    def reload_units(self) -> None:
        """Make systemd read its unit files again; no process notices."""
        checked(self._runner.run(["systemctl", "daemon-reload"]), "systemd could not read its unit files again")

    def enable(self) -> None:
        """Start the service at every boot; like ``reload_units``, this makes systemd read its unit files again."""
        # With --no-reload, systemd would from then on tell of every unit of the node that it has to be read again.
        self._systemctl("enable", "enabled")

    def disable(self) -> None:
        """Start the service at boot no longer."""
        self._systemctl("disable", "disabled")

    def start(self) -> None:
        """Start the service and wait until it says that it is ready."""
        self._systemctl("start", "started")

    def restart(self) -> None:
        """Restart the service and wait until it says that it is ready."""
        self._systemctl("restart", "restarted")

    def stop(self) -> None:
        """Stop the service and forget that it failed, if it did."""
        self._systemctl("stop", "stopped")
        # Without a failed state to forget, this fails, and that is as good.
        self._runner.run(["systemctl", "reset-failed", "--", self._name])

    def log(self, since: float, lines: int = 20) -> str:
        """Return the last *lines* of the service's journal since the Unix time *since*; nothing without a journal."""
        argv = ["journalctl", f"--unit={self._name}", "--no-pager", "--quiet", "--output=cat"]
        return self._runner.run([*argv, f"--since=@{since:.3f}", f"--lines={lines}"]).text

    def other_processes(self, state: ServiceState) -> list[tuple[int, str]]:
        """Return the service's processes besides the main one: their ids and names."""
        if not state.control_group:
            return []
        pids: set[int] = set()
        for root in _CGROUP_ROOTS:
            pids.update(_numbers(f"{root}{state.control_group}/cgroup.procs"))
        pids.discard(state.main_pid or 0)
        return [(pid, name) for pid in sorted(pids) for name in [self._process_name(pid)] if name]

    def _process_name(self, pid: int) -> str:
        try:
            with open(f"{self._procfs}/{pid}/comm", encoding="utf-8", errors="replace") as file:
                return file.read().strip()
        except OSError:
            # It has ended meanwhile.
            return ""

    def _systemctl(self, verb: str, done: str) -> None:
        completed = self._runner.run(["systemctl", verb, "--", self._name], timeout=self._timeout)
        if completed.rc != 0:
            raise ToolFailed(
                f"The service could not be {done}: systemctl exited with {completed.rc}",
                subject=self._name,
                tail=completed.stderr or completed.text,
            )


def _numbers(path: str) -> t.Iterator[int]:
    try:
        with open(path, encoding="ascii") as file:
            yield from (int(line) for line in file)
    except OSError:
        # Of the places a control group may lie in, most do not exist.
        return
