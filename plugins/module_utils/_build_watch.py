# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the controller of a build's steps, and ends a build that nobody waits for any more.

Nobody waits if the module is told to end (a terminal's hang-up is such a word), if the other end of its standard output
is gone, as when an SSH connection or the controller's process ended, or if the controller, having renewed its lease
before, does so no more: the sign that is left where a connection's own process on the node lives on. A build that
cannot end by itself any more, since what it needs is gone, is ended too.
"""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sys
import threading
import time
import types
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    EVENTS_FILE,
    ID_PATTERN,
    LEASE_FILE,
    RUNNING,
    StepEvent,
    StepReader,
    progress_folder,
)

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_end import Ending

# Long: a build that is ended for nothing costs more than one that goes on for some minutes more.
LEASE_SECONDS = 180.0
CHECK_SECONDS = 0.5
_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)
_GONE = "the connection to the controller is gone"

Witness = t.Callable[[], str]


def _all_is_well() -> str:
    return ""


class Notebook:
    """The folder in which a controller finds what is told of a build, and leaves word that it still waits.

    The build matters more than what is told of it: where the folder cannot be made or written, nothing is told.

    Args:
        folder: the folder, which must not exist yet.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._made = False
        self._usable = False
        self._renewed = 0

    def open(self) -> None:
        """Make the folder, for this user alone."""
        try:
            os.mkdir(self._folder, 0o700)
            self._made = True
            for name in (EVENTS_FILE, LEASE_FILE):
                os.close(os.open(os.path.join(self._folder, name), os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
            self._renewed = self._lease_time()
        except OSError:
            return
        self._usable = True

    def write(self, events: t.Sequence[StepEvent]) -> None:
        """Tell *events*."""
        if not self._usable or not events:
            return
        try:
            with open(os.path.join(self._folder, EVENTS_FILE), "a", encoding="ascii") as stream:
                stream.write("".join(event.to_line() for event in events))
        except OSError:
            self._usable = False

    def was_renewed(self) -> bool:
        """Tell whether the controller has left word since this was asked last."""
        try:
            renewed = self._lease_time()
        except OSError:
            return False
        changed, self._renewed = renewed != self._renewed, renewed
        return changed

    def close(self) -> None:
        """Remove the folder; a file of it that another cleaner removed first is no loss."""
        if self._made:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _lease_time(self) -> int:
        return os.stat(os.path.join(self._folder, LEASE_FILE)).st_mtime_ns


class BuildFollower:
    """A ``Follower`` of the runner, for one builder's process.

    Args:
        reader: makes events of what the builder writes.
        mask: takes out of a step's name what must not be seen.
        notebook: where to tell; None: nowhere, and there is no lease.
        output: the descriptor whose other end the controller holds.
        ending: how the builder is ended.
        witness: says why the build cannot end by itself any more; nothing while it can.
    """

    def __init__(
        self,
        reader: StepReader,
        mask: t.Callable[[str], str],
        notebook: Notebook | None,
        output: int,
        ending: Ending,
        witness: Witness = _all_is_well,
    ) -> None:
        self.interrupted = ""
        self.ending = ending
        self._reader = reader
        self._mask = mask
        self._notebook = notebook
        self._output = output
        self._witness = witness
        self._handlers: dict[signal.Signals, t.Any] = {}
        self._end: t.Callable[[], None] | None = None
        self._finished = threading.Event()
        self._guard = threading.Thread(target=self._keep_watch, name="build watch", daemon=True)

    def __enter__(self) -> None:
        for number in _SIGNALS:
            self._handlers[number] = signal.signal(number, self._on_signal)
        if self._notebook is not None:
            self._notebook.open()

    def __exit__(self, *_exception: object) -> None:
        self._finished.set()
        if self._guard.is_alive():
            self._guard.join()
        if self._notebook is not None:
            self._notebook.close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def started(self, end: t.Callable[[], None]) -> None:
        """Watch over the process that *end* asks to end."""
        self._end = end
        if self.interrupted:
            end()
        self._guard.start()

    def heard(self, stream: str, piece: bytes) -> None:
        """Tell the controller what a piece of the builder's output says of its steps."""
        events = self._reader.feed(stream, piece)
        if any(event.state == RUNNING for event in events):
            self.ending.step_began()
        if self._notebook is not None:
            self._notebook.write([StepEvent(self._mask(event.name), event.state, event.seconds) for event in events])

    def _on_signal(self, number: int, _frame: types.FrameType | None) -> None:
        self._interrupt(f"the module got the signal {signal.Signals(number).name}")

    def _interrupt(self, reason: str) -> None:
        self.interrupted = self.interrupted or reason
        if self._end is not None:
            self._end()

    def _keep_watch(self) -> None:
        output = select.poll()
        output.register(self._output, 0)
        leased_until: float | None = None
        while not self._finished.wait(CHECK_SECONDS):
            if any(event & (select.POLLERR | select.POLLHUP) for _descriptor, event in output.poll(0)):
                self._interrupt(_GONE)
                return
            loss = self._witness()
            if loss:
                self._interrupt(loss)
                return
            if self._notebook is not None and self._notebook.was_renewed():
                leased_until = time.monotonic() + LEASE_SECONDS
            if leased_until is not None and time.monotonic() > leased_until:
                self._interrupt(f"{_GONE}: no word from it in {LEASE_SECONDS:.0f} s")
                return


class BuildWatch:
    """Makes the followers of a module's builds.

    Args:
        progress_id: the id under which the controller asks for steps; None: it does not ask.
        witness: as of ``BuildFollower``.

    Raises:
        InvalidInput: *progress_id* is no such id.
    """

    def __init__(self, progress_id: str | None = None, witness: Witness = _all_is_well) -> None:
        if progress_id is not None and not re.fullmatch(ID_PATTERN, progress_id):
            raise InvalidInput(
                "Not an id under which a controller asks for a build's steps",
                subject=f"progress_id: {progress_id[:80]!r}",
                expected="32 hexadecimal digits",
                remedy="leave it out: the collection's action plugin sets it",
            )
        self._folder = None if progress_id is None else progress_folder(progress_id)
        self._witness = witness

    def follow(self, reader: StepReader, mask: t.Callable[[str], str], ending: Ending) -> BuildFollower:
        """Return the follower of one process that *reader* understands, and that ends by *ending*."""
        notebook = None if self._folder is None else Notebook(self._folder)
        output = sys.__stdout__.fileno() if sys.__stdout__ else 1
        return BuildFollower(reader, mask, notebook, output, ending, self._witness)
