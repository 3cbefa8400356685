# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon should be, what it is, and what lies between.

A restart is due when the process runs with something else than the files say: another meaning of the configuration or
the unit, or another program.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import (
    FileState,
    ManagedFile,
    text_diff,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._service_control import ServiceState
from ansible_collections.nephoran.container_build.plugins.module_utils._toml import without_comments

Start = t.Literal["", "start", "restart"]


@dataclasses.dataclass(frozen=True)
class DaemonSpec:
    """A daemon as it should be.

    Attributes:
        name: the unit, with its suffix.
        unit: its unit file.
        config: its configuration in TOML.
        executable: the program that the unit starts.
        validate: the command that checks a configuration; ``%s`` in it is the file to check.
        companions: other files that the daemon needs, and reads when it needs them.
        programs: programs that ``executable`` starts and that are the daemon as much as itself.
    """

    name: str
    unit: ManagedFile
    config: ManagedFile
    executable: str
    validate: tuple[str, ...] = ()
    companions: tuple[ManagedFile, ...] = ()
    programs: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[ManagedFile, ...]:
        """All its files, in the order in which they are written."""
        return (*self.companions, self.config, self.unit)


@dataclasses.dataclass(frozen=True)
class DaemonState:
    """A daemon as it is.

    Attributes:
        service: what systemd knows of it.
        files: those of its files that exist, by path.
        replaced_programs: the programs that the processes run and the unit would not start now, each with the one
            that it would start instead.
        noted: why a restart was due when an earlier run ended before its time; empty if none did.
    """

    service: ServiceState
    files: t.Mapping[str, FileState] = dataclasses.field(default_factory=dict)
    replaced_programs: tuple[tuple[str, str], ...] = ()
    noted: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DaemonPlan:
    """What brings a daemon from one to the other.

    Attributes:
        plan: the same as actions and states.
        files: those that are to be written.
        reload: whether systemd has to read its unit files.
        enable: whether it is to start at boot from now on.
        start: whether the process is to be started or restarted.
        reasons: why it is to be restarted.
        diffs: what Ansible shows with ``--diff``.
    """

    plan: Plan
    files: tuple[ManagedFile, ...] = ()
    reload: bool = False
    enable: bool = False
    start: Start = ""
    reasons: tuple[str, ...] = ()
    diffs: tuple[dict[str, t.Any], ...] = ()


def plan_present(spec: DaemonSpec, state: DaemonState) -> DaemonPlan:
    """Return what makes *state* what *spec* says."""
    service = state.service
    files = [file for file in spec.files if not file.is_met_by(state.files.get(file.path))]
    changes = {file.path: _change(spec, file, state.files.get(file.path)) for file in files}
    reasons = [*state.noted, *(change for change in changes.values() if change)]
    reasons.extend(f"program {running} → {installed}" for running, installed in state.replaced_programs)
    actions = [Action("write", path, change or "nothing that restarts") for path, change in changes.items()]
    if service.needs_reload and spec.unit not in files:
        actions.append(Action("reload", "systemd", f"files of {spec.name} changed since it read them"))
    if not service.is_enabled:
        actions.append(Action("enable", spec.name))
    start, due = _start(service, reasons)
    if start:
        actions.append(Action(start, spec.name, "; ".join(due) or f"it is {service.active_state}"))
    plan = Plan(
        tuple(actions),
        before={"active": service.is_up, "enabled": service.is_enabled, "restart_due": list(due)},
        after={"active": True, "enabled": True, "restart_due": []},
    )
    diffs = [text_diff(file.path, state.files.get(file.path), file, secret=file.secret) for file in files]
    if start or not service.is_enabled:
        diffs.append(plan.diff(spec.name))
    return DaemonPlan(
        plan=plan,
        files=tuple(files),
        reload=spec.unit in files or service.needs_reload,
        enable=not service.is_enabled,
        start=start,
        reasons=due,
        diffs=tuple(diffs),
    )


def _start(service: ServiceState, reasons: t.Sequence[str]) -> tuple[Start, tuple[str, ...]]:
    """Return what has to happen to the process, and why it is restarted if it is."""
    if not service.is_up:
        return "start", ()
    return ("restart", tuple(reasons)) if reasons else ("", ())


def plan_absent(spec: DaemonSpec, state: DaemonState) -> Plan:
    """Return what removes the daemon; a unit of the same name that is somebody else's stays as it is."""
    actions: list[Action] = []
    ours = state.service.fragment_path in ("", spec.unit.path)
    # One that failed is stopped too: systemd forgets its failure then.
    if ours and state.service.active_state != "inactive":
        actions.append(Action("stop", spec.name))
    if ours and state.service.is_enabled:
        actions.append(Action("disable", spec.name))
    ours_to_remove = reversed(spec.files) if ours else [spec.unit]
    actions.extend(Action("remove", file.path) for file in ours_to_remove if file.path in state.files)
    return Plan(
        tuple(actions),
        before={"active": state.service.is_up, "enabled": state.service.is_enabled},
        after={"active": False, "enabled": False} if ours else {},
    )


def _change(spec: DaemonSpec, wanted: ManagedFile, found: FileState | None) -> str:
    """Return how *found* means something else than *wanted*; empty if it does not, or if that restarts nothing."""
    if wanted in spec.companions:
        return ""
    what, meaning = ("unit", _unit_meaning) if wanted == spec.unit else ("configuration", without_comments)
    if found is None:
        return f"{what} is new"
    before = meaning(found.text).splitlines()
    after = meaning(wanted.text).splitlines()
    if before == after:
        return ""
    moved = len(set(before) ^ set(after))
    return f"{what} changed in {moved} line{'' if moved == 1 else 's'}" if moved else f"{what} changed in its order"


def _unit_meaning(text: str) -> str:
    """Return the unit file *text* without comments and blank lines, after systemd.syntax(7)."""
    lines = [line.strip() for line in text.splitlines()]
    return "".join(f"{line}\n" for line in lines if line and not line.startswith(("#", ";")))
