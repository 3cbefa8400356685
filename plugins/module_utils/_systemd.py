# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd, asked through ``systemctl show``: properties, never a table."""

from __future__ import annotations

import dataclasses
import glob
import os
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner, checked

# sd_booted(3): systemd is the system's manager if, and only if, this folder exists.
_BOOTED_MARK = "/run/systemd/system"
_PROPERTIES = ("Id", "LoadState", "ActiveState", "SubState", "MainPID", "NRestarts", "FragmentPath", "ExecStart")
# Where an administrator or a package lays units down: systemd.unit(5).
_UNIT_FOLDERS = (
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)
_EXEC_PATH = re.compile(r"\{ path=(?P<path>.*?) ; argv\[\]=")


@dataclasses.dataclass(frozen=True)
class Unit:
    """A unit that systemd knows.

    Attributes:
        name: with its suffix, such as ``containerd.service``.
        load_state: ``loaded``, ``masked``, ``error`` …
        active_state: ``active``, ``inactive``, ``failed``, ``activating`` …
        sub_state: ``running``, ``dead``, ``auto-restart`` …
        main_pid: the service's main process; ``None`` while it has none.
        restarts: how often systemd restarted it by itself since it was started.
        fragment_path: the unit's file.
        executable: the program that it starts; ``None`` if it starts none.
    """

    name: str
    load_state: str
    active_state: str
    sub_state: str
    main_pid: int | None
    restarts: int
    fragment_path: str
    executable: str | None

    def as_result(self) -> dict[str, t.Any]:
        """Return the unit as a module returns it."""
        return dataclasses.asdict(self)


class Systemd:
    """``systemctl`` of the system's manager."""

    def __init__(
        self, runner: Runner, booted_mark: str = _BOOTED_MARK, unit_folders: t.Sequence[str] = _UNIT_FOLDERS
    ) -> None:
        self._runner = runner
        self._booted_mark = booted_mark
        self._unit_folders = unit_folders

    def instances(self, prefix: str) -> list[str]:
        """Return the services with a unit file of their own whose names are *prefix*, ``@`` and more."""
        pattern = f"{glob.escape(prefix)}@?*.service"
        found = (glob.glob(os.path.join(glob.escape(folder), pattern)) for folder in self._unit_folders)
        return sorted({os.path.basename(path) for paths in found for path in paths})

    def units(self, *names: str) -> dict[str, Unit]:
        """Return those of the units *names* that exist; none of them where systemd does not manage the system.

        Raises:
            ToolFailed: systemctl could not answer.
        """
        if not os.path.isdir(self._booted_mark):
            return {}
        argv = ["systemctl", "show", f"--property={','.join(_PROPERTIES)}", "--", *names]
        completed = checked(self._runner.run(argv), "The units could not be looked up", subject=", ".join(names))
        return {name: unit for name, unit in zip(names, parse_units(completed.text)) if unit is not None}


def parse_units(text: str) -> list[Unit | None]:
    """Return the units that ``systemctl show`` printed, in order; ``None`` for one that does not exist."""
    return [_unit(dict(_property(line) for line in block.splitlines())) for block in text.strip().split("\n\n")]


def _property(line: str) -> tuple[str, str]:
    name, _equals, value = line.partition("=")
    return name, value


def _unit(properties: t.Mapping[str, str]) -> Unit | None:
    if properties.get("LoadState", "not-found") == "not-found":
        return None
    executable = _EXEC_PATH.search(properties.get("ExecStart", ""))
    return Unit(
        name=properties.get("Id", ""),
        load_state=properties["LoadState"],
        active_state=properties.get("ActiveState", ""),
        sub_state=properties.get("SubState", ""),
        main_pid=int(properties.get("MainPID", "0")) or None,
        restarts=int(properties.get("NRestarts", "0")),
        fragment_path=properties.get("FragmentPath", ""),
        executable=executable["path"] if executable else None,
    )
