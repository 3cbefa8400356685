# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a node again and again what is new of a build while the module runs; that it asks says that it still waits."""

from __future__ import annotations

import contextvars
import shlex
import threading
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    EVENTS_FILE,
    LEASE_FILE,
    StepEvent,
    parse_events,
    progress_folder,
)

# Nobody misses the steps of a build that ends sooner, and a module that has nothing to build is never asked.
FIRST_WAIT = 1.0
# Each question is a process on the node, and a line of sudo's in its log: the rarer, the longer a step takes. The
# longest is a fraction of the time after which the node takes the controller for gone.
LONGEST_WAIT = 5.0
SLOWER = 1.5
# However slow a connection is, asking takes a small part of the time.
PAUSE_PER_QUESTION = 5.0
# However long an answer took: a node that is busy is slow, and must hear of this side before its patience ends.
LONGEST_PAUSE = 30.0


class StepWatch:
    """Asks in a thread of its own, from entering to leaving.

    Args:
        ask: runs a shell's command on the node as the module's user; returns its output, empty if it failed.
        progress_id: the id of the build, as the module was given it.
        show: is given what is new.
    """

    def __init__(
        self, ask: t.Callable[[str], str], progress_id: str, show: t.Callable[[list[StepEvent]], None]
    ) -> None:
        self._ask = ask
        self._folder = progress_folder(progress_id)
        self._show = show
        self._told = 0
        self._ended = threading.Event()
        # ansible-core keeps the task that is at work in a context variable.
        run = contextvars.copy_context().run
        self._thread = threading.Thread(target=run, args=(self._watch,), name="step watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_exception: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        wait = FIRST_WAIT
        while not self._ended.wait(wait):
            asked = time.monotonic()
            events = parse_events(self._ask(self._question()))
            took = time.monotonic() - asked
            self._told += len(events)
            if events:
                self._show(events)
            wait = FIRST_WAIT if events else min(wait * SLOWER, LONGEST_WAIT)
            wait = min(max(wait, took * PAUSE_PER_QUESTION), LONGEST_PAUSE)

    def _question(self) -> str:
        # The lease first: it says that this side waits, whatever there is to read. -c never makes a file.
        lease, events = (shlex.quote(f"{self._folder}/{name}") for name in (LEASE_FILE, EVENTS_FILE))
        return f"touch -c {lease} && tail -n +{self._told + 1} {events}"
