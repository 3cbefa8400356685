# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person sees while the lab works: one moving line a step on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

# Standard output belongs to results (a path, an address), so that they can be used in a shell.
_console = Console(stderr=True, highlight=False, soft_wrap=True)

QUIET_SECONDS = 15


class _Display:
    """The moving lines of all steps that run, shown while there are any."""

    def __init__(self) -> None:
        self._lines = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            TimeElapsedColumn(),
            TextColumn("[dim]{task.fields[detail]}"),
            console=_console,
            transient=True,
        )
        self._lock = threading.Lock()

    def add(self, title: str) -> TaskID:
        with self._lock:
            if not self._lines.task_ids:
                self._lines.start()
            return self._lines.add_task(escape(title), total=None, detail="")

    def update(self, line: TaskID, detail: str) -> None:
        self._lines.update(line, detail=escape(detail))

    def remove(self, line: TaskID) -> None:
        with self._lock:
            self._lines.remove_task(line)
            if not self._lines.task_ids:
                self._lines.stop()


_display = _Display()


class Step:
    """One piece of work in progress. Any thread may report on it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._line = _display.add(title) if _console.is_terminal else None
        self._printed_at = time.monotonic()
        if self._line is None:
            say(f"… {title}")

    def report(self, detail: str) -> None:
        """Show what the step is at: at once on a terminal, else at most every :data:`QUIET_SECONDS` seconds."""
        if self._line is not None:
            room = _console.width - len(self._title) - len("⠋  0:00:00  ")
            _display.update(self._line, detail[: max(room, 0)])
        elif time.monotonic() - self._printed_at >= QUIET_SECONDS:
            self._printed_at = time.monotonic()
            say(f"  {self._title}: {detail}")

    def close(self) -> None:
        """Take the moving line away."""
        if self._line is not None:
            _display.remove(self._line)


@contextlib.contextmanager
def step(title: str) -> Iterator[Step]:
    """Show that ``title`` is being worked on, then how it ended and how long it took."""
    began = time.monotonic()
    shown = Step(title)
    mark = "[red]✗[/]"
    try:
        yield shown
        mark = "[green]✓[/]"
    finally:
        shown.close()
        _console.print(f"{mark} {escape(title)} ({time.monotonic() - began:.1f} s)")


def say(text: str) -> None:
    """Print one line for the person who watches."""
    _console.print(escape(text))


def fail(text: str) -> None:
    """Print why the lab gives up."""
    _console.print(f"[red]{escape(text)}[/]")
