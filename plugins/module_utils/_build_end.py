# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ends builds before they are done so that the builder leaves nothing behind.

What a signal does to a builder depends on the moment. While a step begins, its container is made but is not yet
anybody's to end, for a tenth of a second or longer on a busy node.
"""

from __future__ import annotations

import contextlib
import threading
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._runner import RunningProcess

TRY_SECONDS = 0.1
# What a client may hear late of a step that has begun.
HEARING_SECONDS = 0.3
# After that long a step's container has been made and started, unless the node is very busy.
BEGINNING_SECONDS = 1.0
# Where one step begins after the other, no moment is better than the next.
PATIENCE_SECONDS = 5.0
# A step without a PID namespace of its own, as with chroot isolation, and a copy are not told from buildah's helpers:
# those have this long to end before they are killed.
HELPERS_SECONDS = 2.0
# What buildah does in its own process, such as writing a layer or fetching a base, has this long to end.
BUILDER_SECONDS = 10.0


class Ending(t.Protocol):
    """How one build is ended."""

    def step_began(self) -> None:
        """Learn that a step of the build has begun."""

    def __call__(self, process: RunningProcess) -> None:
        """Begin to end the build that *process*, the parent of the builder, waits for; asked once more, it goes on."""


class _InThread:
    """Ends a build in a thread of its own: who asks for it may be a signal's handler."""

    def __init__(self) -> None:
        self._asked = 0.0

    def __call__(self, process: RunningProcess) -> None:
        """Begin to end the build."""
        if not self._asked:
            self._asked = time.monotonic()
            threading.Thread(target=self._end, args=(process,), name="end of a build", daemon=True).start()

    def _end(self, process: RunningProcess) -> None:
        raise NotImplementedError


class BetweenSteps(_InThread):
    """Ends a client of BuildKit's, and with it the build, at a moment when no step has just begun.

    A build that is cancelled while containerd makes a step's container leaves the container, its shim, or a process
    that waits to be started: 5 of 120 builds that were ended in the first 0.3 s of a step, with BuildKit 0.26.3 and
    containerd 2.2.1.
    """

    def __init__(self) -> None:
        super().__init__()
        self._began = -BEGINNING_SECONDS

    def step_began(self) -> None:
        """Learn that a step of the build has begun."""
        self._began = time.monotonic()

    def _end(self, process: RunningProcess) -> None:
        time.sleep(HEARING_SECONDS)
        while time.monotonic() < min(self._began + BEGINNING_SECONDS, self._asked + PATIENCE_SECONDS):
            if process.has_ended():
                return
            time.sleep(TRY_SECONDS)
        process.end_group()


class StepsFirst(_InThread):
    """Ends a build of buildah's: first its steps, then what else buildah waits for, then buildah itself.

    buildah has no word for "stop": a signal ends it where it is, with its working container, mounts and network in
    place. The part of it that runs a step listens for signals, but not before the step is started: one that comes
    between the creation of the step's container and then leaves that container, and at times the step, at work for
    nobody (``runUsingRuntime`` in ``run_common.go`` of buildah 1.28.2 and 1.39.3). If what buildah waits for fails, on
    the other hand, buildah ends as after any step that failed, and leaves nothing.

    Args:
        processes: those of this machine.
    """

    def __init__(self, processes: ProcessTable | None = None) -> None:
        super().__init__()
        self._processes = processes or ProcessTable()

    def step_began(self) -> None:
        """Learn that a step of the build has begun; a step is ended whenever it is."""

    def _end(self, process: RunningProcess) -> None:
        own = self._processes.pid_namespace(process.pid)
        while not process.has_ended():
            waited = time.monotonic() - self._asked
            for pid in self._below_builder(process.pid):
                if waited >= HELPERS_SECONDS or self._is_of_step(pid, own):
                    self._kill(pid)
            if waited >= BUILDER_SECONDS:
                process.end_group()
                return
            time.sleep(TRY_SECONDS)

    def _below_builder(self, parent: int) -> list[int]:
        """Return the processes that buildah, whose parent is *parent*, and what it started have started."""
        children = self._processes.children()
        found: list[int] = []
        for builder in children.get(parent, ()):
            words = self._processes.arguments(builder)[1:]
            waiting = list(children.get(builder, ()))
            while waiting:
                pid = waiting.pop()
                waiting += children.get(pid, ())
                # Without privileges buildah does all of its work in a copy of itself, in a user namespace.
                if self._processes.arguments(pid)[1:] != words:
                    found.append(pid)
        return found

    def _is_of_step(self, pid: int, own: str | None) -> bool:
        its = self._processes.pid_namespace(pid)
        return own is not None and its is not None and own != its

    def _kill(self, pid: int) -> None:
        began = self._processes.began(pid)
        if began is not None:
            # What became another user's is ended by the end of its parent.
            with contextlib.suppress(PermissionError):
                self._processes.kill(pid, began)
