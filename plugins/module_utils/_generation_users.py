# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who still needs a generation: processes that were started from it, and containers whose hooks or loggers name it.

nerdctl writes the real path of its own program into the hooks and the logger of every container that it creates, and
containerd keeps them for the next start: a container can need a generation that no process runs from.
"""

from __future__ import annotations

import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import NONE, ContainerdOwner
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import Process, ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner, checked

_CTR_TIMEOUT_SECONDS = 60
_SHIM_PREFIX = "containerd-shim"


def processes_by_generation(layout: Layout, processes: ProcessTable) -> dict[str, list[Process]]:
    """Return the processes that were started from each generation, by its name."""
    found: dict[str, list[Process]] = {}
    for process in processes.running():
        name = layout.generation_of(process.executable)
        if name is not None:
            found.setdefault(name, []).append(process)
    return found


def is_shim(process: Process) -> bool:
    """Tell whether *process* keeps containers running."""
    return os.path.basename(process.executable).startswith(_SHIM_PREFIX)


def needed_generations(
    names: t.Sequence[str],
    layout: Layout,
    running: t.Mapping[str, t.Sequence[Process]],
    owner: ContainerdOwner,
    runner: Runner,
) -> dict[str, str]:
    """Return why each of the generations *names* that must stay must stay.

    Args:
        names: the generations that are to be removed.
        layout: the installation.
        running: the processes of each generation.
        owner: the containerd whose containers are asked.
        runner: starts ``ctr``.
    """
    reasons: dict[str, str] = {}
    for name in names:
        if running.get(name):
            first = running[name][0]
            reasons[name] = f"process {first.pid} runs from it ({os.path.basename(first.executable)})"
    rest = [name for name in names if name not in reasons]
    if rest and owner.kind != NONE:
        reasons.update(_named_by_containers(rest, layout, owner, runner))
    return reasons


def _named_by_containers(names: list[str], layout: Layout, owner: ContainerdOwner, runner: Runner) -> dict[str, str]:
    if owner.address is None:
        return dict.fromkeys(
            names, f"{owner} does not run, so that its containers cannot be asked whether they need it"
        )
    ctr = [os.path.join(layout.generation(names[0]), "bin/ctr"), "--address", owner.address]
    reasons: dict[str, str] = {}
    try:
        for container, record in _records(ctr, runner):
            for name in names:
                if f"{os.path.realpath(layout.generation(name))}/".encode() in record:
                    reasons.setdefault(name, f"the container {container} names it")
    except ContainerBuildError as error:
        return dict.fromkeys(names, f"containers cannot be asked whether they need it: {error.message}")
    return reasons


def _records(ctr: list[str], runner: Runner) -> t.Iterator[tuple[str, bytes]]:
    """Yield each container, as ``namespace/id``, with the JSON document that containerd keeps of it."""
    for namespace in _lines([*ctr, "namespaces", "ls", "-q"], runner):
        for container in _lines([*ctr, "--namespace", namespace, "containers", "ls", "-q"], runner):
            argv = [*ctr, "--namespace", namespace, "containers", "info", container]
            completed = runner.run(argv, timeout=_CTR_TIMEOUT_SECONDS)
            if completed.rc != 0 and "not found" in completed.stderr:
                continue  # removed meanwhile
            yield f"{namespace}/{container}", checked(completed, "A container could not be looked up").stdout


def _lines(argv: list[str], runner: Runner) -> list[str]:
    completed = runner.run(argv, timeout=_CTR_TIMEOUT_SECONDS)
    return checked(completed, "Containers could not be listed").text.split()
