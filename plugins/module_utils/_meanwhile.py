# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls that wait for something, several at the same time.

They run in threads, so they must not depend on one another. Most of what the image modules take is the start of other
programs, which goes on while this one waits.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import typing as t

AT_ONCE_MAX = 4
"""Calls that run at the same time; containerd and the disk serve no more of them in less time."""

Item = t.TypeVar("Item")
Result = t.TypeVar("Result")


@contextlib.contextmanager
def meanwhile(call: t.Callable[[], Result]) -> t.Iterator[concurrent.futures.Future[Result]]:
    """Run *call* while the block runs; it has ended when the block has.

    What it raised is raised where its ``result()`` is asked for, and is lost if nobody asks.
    """
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        yield pool.submit(call)


def for_each_at_once(items: t.Sequence[Item], call: t.Callable[[Item], Result]) -> list[Result]:
    """Return what *call* returns for each of *items*, in their order.

    Raises:
        Exception: what the first of the calls that failed raised; all others have ended, and some may not have begun.
    """
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE_MAX) as pool:
        pending = [pool.submit(call, item) for item in items]
        try:
            return [each.result() for each in pending]
        finally:
            for each in pending:
                each.cancel()
