# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at an installation of the archive and at the node around it, and decides what has to happen."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._coexistence import withheld_commands
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    OURS,
    ContainerdOwner,
    OwnerFinder,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import SERVICES, read_sums
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import GenerationStore, Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._generation_users import (
    needed_generations,
    processes_by_generation,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._links import (
    LinkPlan,
    find_links,
    link_folders,
    plan_links,
    wanted_links,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_plan import (
    Desired,
    Installation,
    plan_absent,
    plan_present,
    surplus,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import (
    USER_MANAGER,
    Process,
    ProcessTable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._systemd import Systemd
from ansible_collections.nephoran.container_build.plugins.module_utils._unpacked import find_unpacked

FindOwner = t.Callable[[str], ContainerdOwner]


@dataclasses.dataclass(frozen=True)
class Decision:
    """What was found, and what follows from it.

    Attributes:
        actual: the installation as it is.
        owner: whose containerd the node runs.
        running: the processes of each generation.
        links: what happens to links; ``None`` while the desired generation is not there.
        removable: the surplus generations that go.
        kept: why the other surplus generations stay.
        plan: the steps and the difference.
    """

    actual: Installation
    owner: ContainerdOwner
    running: t.Mapping[str, t.Sequence[Process]]
    links: LinkPlan | None
    removable: tuple[str, ...]
    kept: t.Mapping[str, str]
    plan: Plan


class Survey:
    """Looks and decides; changes nothing.

    Args:
        layout: where the installation is.
        cni_bin_dirs: the folders that CNI plugins are linked into, beside the installation's own.
        address: containerd's socket.
        runner: starts processes.
        processes: the node's processes.
        find_owner: tells whose containerd serves a socket; default: what the node says.
        take_over: whether an archive that was unpacked by hand is to become a generation.
    """

    def __init__(
        self,
        layout: Layout,
        cni_bin_dirs: t.Sequence[str],
        address: str,
        runner: Runner,
        processes: ProcessTable,
        find_owner: FindOwner | None = None,
        *,
        take_over: bool = False,
    ) -> None:
        self.folders = link_folders(layout, cni_bin_dirs)
        self._layout = layout
        self._cni_bin_dirs = cni_bin_dirs
        self._address = address
        self._runner = runner
        self._processes = processes
        self._store = GenerationStore(layout)
        self._take_over = take_over
        self._find_owner = find_owner or OwnerFinder(layout, runner, processes, Systemd(runner)).find

    def installation(self) -> Installation:
        """Return the installation as it is.

        Raises:
            InvalidInput: something stands in its place that it did not lay down.
            Refused: an archive that was unpacked by hand cannot be taken over.
        """
        self._store.refuse_planted()
        return Installation(
            current=self._store.current(),
            generations=tuple(self._store.names()),
            links=find_links(self._layout, self.folders),
            leftovers=tuple(self._store.leftovers(self.folders)),
            exists=os.path.lexists(self._layout.base),
            unpacked=find_unpacked(self._layout) if self._take_over else None,
        )

    def decide(self, desired: Desired) -> Decision:
        """Decide what makes the desired generation serve."""
        actual = self.installation()
        owner = _owner_to_be(self._find_owner(self._address), actual)
        running = self.running()
        links = self.links(desired, actual, owner) if desired.generation in actual.generations else None
        candidates = surplus(desired, actual.generations_to_be)
        kept = needed_generations(candidates, self._layout, running, owner, self._runner)
        removable = tuple(name for name in candidates if name not in kept)
        plan = plan_present(desired, actual, self._layout, links, self.folders, removable)
        return Decision(actual, owner, running, links, removable, kept, plan)

    def links(self, desired: Desired, actual: Installation, owner: ContainerdOwner) -> LinkPlan:
        """Decide about the links to the desired generation, which is there."""
        commands = self._store.commands_of(desired.generation)
        plugins = self._store.plugins_of(desired.generation)
        wanted = wanted_links(self._layout, commands, plugins, self._cni_bin_dirs)
        return plan_links(wanted, actual.links_to_be, withheld_commands(commands, owner, self._layout))

    def with_links(self, desired: Desired, decision: Decision, links: LinkPlan) -> Decision:
        """Return *decision*, made before the desired generation was there, with what happened to links."""
        plan = plan_present(desired, decision.actual, self._layout, links, self.folders, decision.removable)
        return dataclasses.replace(decision, links=links, plan=plan)

    def decide_absent(self, actual: Installation) -> Plan:
        """Decide what removes the installation *actual*."""
        return plan_absent(actual, self._layout, self.folders)

    def running(self) -> dict[str, list[Process]]:
        """Return the processes of each generation."""
        return processes_by_generation(self._layout, self._processes)

    def restarts_needed(self, desired: Desired, running: t.Mapping[str, t.Sequence[Process]]) -> tuple[str, ...]:
        """Return the node's services that run another program than the one in the desired generation.

        Programs are compared by the checksums that their archives list, so that a release which left one as it was
        restarts nothing; a generation that is not there is taken for different. What users run as services of their own
        is theirs to restart.
        """
        installed = self._sums(desired.generation)
        needed: set[str] = set()
        for name, processes in running.items():
            if name == desired.generation:
                continue
            sums = self._sums(name)
            for program, service in SERVICES.items():
                if program not in installed or installed[program] != sums.get(program):
                    program_name = os.path.basename(program)
                    runs_it = (each for each in processes if os.path.basename(each.executable) == program_name)
                    needed.update(self._service(process, service) for process in runs_it)
        needed.update(self._run_from_files_that_gave_way(installed))
        return tuple(sorted(name for name in needed if not name.startswith(USER_MANAGER)))

    def _service(self, process: Process, service: str) -> str:
        """Return the name of the service that *process* belongs to; *service*, if to none."""
        unit = self._processes.unit(process.pid)
        return service if unit is None else unit.removesuffix(".service")

    def _run_from_files_that_gave_way(self, installed: t.Mapping[str, str]) -> t.Iterator[str]:
        """Yield the services whose program was a file where a link of ours is now, unless its content is the same."""
        programs = {os.path.join(self._layout.prefix, program): program for program in SERVICES}
        for process in self._processes.running():
            program = programs.get(process.executable)
            if program is None or not self._links_to_us(process.executable):
                continue
            if self._processes.program_digest(process.pid) != installed.get(program):
                yield self._service(process, SERVICES[program])

    def _links_to_us(self, path: str) -> bool:
        return os.path.islink(path) and self._layout.owns_target(os.readlink(path))

    def _sums(self, name: str) -> dict[str, str]:
        folder = self._layout.generation(name)
        return read_sums(folder) if os.path.isdir(folder) else {}


def _owner_to_be(owner: ContainerdOwner, actual: Installation) -> ContainerdOwner:
    """Return whose containerd it is once what was unpacked by hand was taken over."""
    if actual.unpacked is None or owner.kind != FOREIGN or owner.executable not in actual.unpacked.giving_way:
        return owner
    return dataclasses.replace(owner, kind=OURS, provider=None)
