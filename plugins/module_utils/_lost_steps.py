# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of builds that go on in containerd though the daemon that waited for them is gone.

BuildKit runs a step as a task of containerd. If BuildKit is killed, the task goes on for nobody. If containerd is
killed or restarted, BuildKit learns that the step failed, but waits for its output to end before it says so
(``executor/containerdexecutor/executor.go`` of v0.26.3, ``runProcess``): the build hangs for as long as the step lasts.
"""

from __future__ import annotations

import json
import os
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable, socket_peer
from ansible_collections.nephoran.container_build.plugins.module_utils._snapshot_race import despite_snapshot_race

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
        Builder,
        BuildReport,
        BuildSpec,
        RootRequest,
    )
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import Witness
    from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import Containerd
    from ansible_collections.nephoran.container_build.plugins.module_utils._ctr import Ctr

# What a shim may take to end after its task was deleted; containerd waits for 3 s (``waitShutdown`` of v2.2.1).
SHIM_SECONDS = 5.0
# systemd starts containerd again 5 s after its end, and it loads its containers before it answers.
CONTAINERD_SECONDS = 30.0
_TRY_SECONDS = 0.5
_SHIM_PREFIX = "containerd-shim"
_BUNDLES = "io.containerd.runtime.v2.task"
# What BuildKit lays over each step, and the database beside it.
_OVERLAID = ("/etc/resolv.conf", "/etc/hosts")
_DATABASE = "metadata_v2.db"
_LOCK = "buildkitd.lock"


class Step(t.NamedTuple):
    """A step of a build that is at work, or whose process ended unseen.

    Attributes:
        container: its id in containerd.
        shim: the process of containerd's that runs it.
        began: when that began, as ``ProcessTable.began`` tells it.
        root: the folder of the BuildKit daemon that started it.
    """

    container: str
    shim: int
    began: int
    root: str


class LostSteps:
    """Finds and ends the lost steps of one namespace. What is not provably BuildKit's and lost is left alone.

    Args:
        containerd: its interface.
        ctr: its client.
        address: its socket.
        namespace: where BuildKit's worker keeps its containers.
        processes: those of this machine.
        peer: tells who listens on a socket.
    """

    def __init__(
        self,
        containerd: Containerd,
        ctr: Ctr,
        address: str,
        namespace: str,
        processes: ProcessTable | None = None,
        peer: t.Callable[[str], int | None] = socket_peer,
    ) -> None:
        self._containerd = containerd
        self._ctr = ctr
        self._address = _socket(address)
        self._namespace = namespace
        self._processes = processes or ProcessTable()
        self._peer = peer

    def end(self) -> list[str]:
        """End the lost steps and return their ids.

        Raises:
            ContainerBuildError: containerd did not answer in time, or would not end one.
        """
        steps = self._steps()
        if not steps:
            return []
        self._wait_for_containerd()
        lost = [step for step in steps if self._is_lost(step)]
        for step in lost:
            self._ctr.remove_container(self._namespace, step.container)
        self._end_shims(lost)
        return [step.container for step in lost]

    def _steps(self) -> list[Step]:
        found = []
        for process in self._processes.running():
            if os.path.basename(process.executable).startswith(_SHIM_PREFIX):
                bundle, began = self._processes.folder(process.pid), self._processes.began(process.pid)
                if bundle is None or began is None:
                    continue
                folder, container = os.path.split(bundle)
                root = _buildkit_root(bundle)
                if folder.endswith(f"/{_BUNDLES}/{self._namespace}") and root is not None:
                    found.append(Step(container, process.pid, began, root))
        return found

    def _is_lost(self, step: Step) -> bool:
        """Tell whether *step* is older than the BuildKit or the containerd that should watch over it."""
        try:
            daemons = self._processes.holders(os.path.join(step.root, _LOCK))
            containerd = self._peer(self._address)
        except PermissionError:
            return False
        if not any(self._watches(daemon, step) for daemon in daemons):
            return True
        return bool(containerd) and not self._watches(t.cast("int", containerd), step)

    def _end_shims(self, steps: list[Step]) -> None:
        """End the shims of *steps*, whose tasks and containers are gone, where they do not end by themselves.

        A containerd that could not connect to a shim as it started kills what the shim runs and forgets the shim, which
        then stays for good (``loadShim`` of v2.2.1).
        """
        deadline = time.monotonic() + SHIM_SECONDS
        while any(self._processes.began(step.shim) == step.began for step in steps):
            if time.monotonic() > deadline:
                for step in steps:
                    self._processes.kill(step.shim, step.began)
                return
            time.sleep(_TRY_SECONDS)

    def _watches(self, daemon: int, step: Step) -> bool:
        began = self._processes.began(daemon)
        return began is not None and began <= step.began

    def _wait_for_containerd(self) -> None:
        deadline = time.monotonic() + CONTAINERD_SECONDS
        while not self._answers(last_try=time.monotonic() > deadline):
            time.sleep(_TRY_SECONDS)

    def _answers(self, *, last_try: bool) -> bool:
        try:
            self._containerd.namespaces()
        except (Unavailable, ToolFailed):
            if last_try:
                raise
            return False
        return True


def _socket(address: str) -> str:
    return address.removeprefix("unix://")


def _buildkit_root(bundle: str) -> str | None:
    """Return the folder of the BuildKit daemon that made *bundle*; ``None`` if none did.

    A step has its ``resolv.conf`` and its ``hosts`` from the folder where BuildKit's worker keeps its database, which
    is of no use to anything else (``executor/oci`` and ``worker/containerd`` of v0.26.3).
    """
    try:
        with open(os.path.join(bundle, "config.json"), "rb") as file:
            mounts = json.load(file).get("mounts") or ()
    except (OSError, ValueError):
        # The container ends just now, or is no such container.
        return None
    workers = {os.path.dirname(mount.get("source", "")) for mount in mounts if mount.get("destination") in _OVERLAID}
    if len(workers) != 1:
        return None
    (worker,) = workers
    return os.path.dirname(worker) if os.path.isfile(os.path.join(worker, _DATABASE)) else None


def containerd_witness(
    address: str,
    processes: ProcessTable | None = None,
    peer: t.Callable[[str], int | None] = socket_peer,
) -> Witness:
    """Return what tells that the containerd that serves *address* now is gone.

    Where it cannot be seen who serves, nothing is ever told.
    """
    table = processes or ProcessTable()
    try:
        pid = peer(_socket(address))
    except OSError:
        pid = None
    began = table.began(pid) if pid else None

    def witness() -> str:
        if pid is None or began is None or table.began(pid) == began:
            return ""
        return (
            f"containerd, which ran its steps, ended meanwhile (process {pid}); run the task again, and see "
            "journalctl -u containerd for the reason"
        )

    return witness


class BuilderThatCleansUp:
    """A builder whose failed builds leave no step at work.

    Args:
        builder: does the work.
        lost_steps: of its daemon.
    """

    def __init__(self, builder: Builder, lost_steps: LostSteps) -> None:
        self.name = builder.name
        self.keeps_contexts = builder.keeps_contexts
        self._builder = builder
        self._lost_steps = lost_steps

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and the builder cannot do."""
        self._builder.refuse(spec)

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        """Build *spec*; raise what ended the build, after lost steps were ended."""
        try:
            return despite_snapshot_race(lambda: self._builder.build(spec, log_path, timeout))
        except ContainerBuildError as error:
            self._clean_up(error)
            raise

    def write_root(self, root: RootRequest) -> None:
        """Write the root file system of an image; it has no steps."""
        self._builder.write_root(root)

    def _clean_up(self, error: ContainerBuildError) -> None:
        try:
            ended = self._lost_steps.end()
        except ContainerBuildError as also:
            left = f"see to steps that the build may have left in containerd, which could not be ended ({also})"
            error.remedy = "; ".join(filter(None, (error.remedy, left)))
        else:
            error.details["ended_steps"] = ended
