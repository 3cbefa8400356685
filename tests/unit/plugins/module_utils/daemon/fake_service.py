# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service whose process runs with whatever its files said when it was started."""

from __future__ import annotations

import dataclasses
import itertools
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed
from ansible_collections.nephoran.container_build.plugins.module_utils._service_control import (
    ServiceControl,
    ServiceState,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner


class Killed(BaseException):
    """What a test raises where a run is killed: nothing in the code under test may catch it."""


class FakeService(ServiceControl):
    """Does what systemd would do, to files below a test's own folder.

    Attributes:
        calls: what was asked for, in order.
        runs_with: what the unit and the configuration said when the process was started.
        refuses: tells whether the process cannot start with a configuration.
        killed_at: the call at which the run is killed.
        others: processes that the service's control group holds besides the main one.
    """

    def __init__(self, unit_path: str, config_path: str) -> None:
        super().__init__(FakeRunner(), "example.service", 10)
        self._unit_path = unit_path
        self._config_path = config_path
        self._pids = itertools.count(100)
        self._loaded_unit = ""
        self.now = ServiceState()
        self.calls: list[str] = []
        self.runs_with: tuple[str, str] | None = None
        self.refuses: t.Callable[[str], bool] = lambda _config: False
        self.killed_at = ""
        self.others: list[tuple[int, str]] = []

    def state(self) -> ServiceState:
        exists = os.path.exists(self._unit_path)
        if self.now.fragment_path in ("", self._unit_path) and self.now.load_state != "masked":
            self.now = dataclasses.replace(
                self.now,
                load_state="loaded" if exists else "not-found",
                fragment_path=self._unit_path if exists else "",
                needs_reload=bool(self._loaded_unit) and exists and self._loaded_unit != _read(self._unit_path),
            )
        return self.now

    def reload_units(self) -> None:
        self._called("reload")
        self._loaded_unit = _read(self._unit_path)

    def enable(self) -> None:
        self._called("enable")
        self._loaded_unit = _read(self._unit_path)
        self.now = dataclasses.replace(self.now, unit_file_state="enabled")

    def disable(self) -> None:
        self._called("disable")
        self.now = dataclasses.replace(self.now, unit_file_state="disabled")

    def start(self) -> None:
        self._called("start")
        self._run("started")

    def restart(self) -> None:
        self._called("restart")
        self._run("restarted")

    def stop(self) -> None:
        self._called("stop")
        self.runs_with = None
        self.now = dataclasses.replace(self.now, active_state="inactive", main_pid=None)

    def log(self, since: float, lines: int = 20) -> str:
        return "what the daemon said last\n"

    def other_processes(self, state: ServiceState) -> list[tuple[int, str]]:
        return self.others

    def _called(self, what: str) -> None:
        self.calls.append(what)
        if what == self.killed_at:
            self.killed_at = ""
            raise Killed

    def _run(self, done: str) -> None:
        config = _read(self._config_path)
        if self.refuses(config):
            self.runs_with = None
            self.now = dataclasses.replace(self.now, active_state="failed", main_pid=None)
            raise ToolFailed(f"The service could not be {done}: systemctl exited with 1", subject="example.service")
        self.runs_with = (self._loaded_unit or _read(self._unit_path), config)
        self._loaded_unit = self.runs_with[0]
        self.now = dataclasses.replace(self.now, active_state="active", main_pid=next(self._pids))


def _read(path: str) -> str:
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as file:
        return file.read()
