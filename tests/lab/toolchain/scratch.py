# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders that nothing outlives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from lab import paths


@contextlib.contextmanager
def scratch(name: str) -> Iterator[Path]:
    """Give an empty folder of the cache and remove it in the end.

    What an earlier, killed run left of it is removed first, so call this while holding a lock that covers it.
    """
    directory = paths.cache_directory("toolchain") / "scratch" / name
    paths.remove(directory)
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        paths.remove(directory)
