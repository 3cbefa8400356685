# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things lie, and how a thing comes to lie there whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from lab import console

CACHE_VARIABLE = "NEPHORAN_LAB_CACHE"
PATIENCE_SECONDS = 1.0


def project_root() -> Path:
    """The checkout that this package lies in."""
    return Path(__file__).resolve().parents[2]


def cache_root() -> Path:
    """The folder of all that outlives a run: ``$NEPHORAN_LAB_CACHE``, else ``nephoran-lab`` in the user's cache."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().resolve()
    user_cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user_cache) / "nephoran-lab"


def cache_directory(*names: str) -> Path:
    """A folder of the cache, made if it is not there."""
    directory = cache_root().joinpath(*names)
    directory.mkdir(parents=True, exist_ok=True)
    return directory


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock ``name`` of this cache, so that two runs of the lab never make the same thing at the same time."""
    path = cache_directory("locks") / f"{name}.lock"
    with open(path, "w", encoding="utf-8") as lock:
        if not _locks_soon(lock):
            console.say(f"Waiting for another run of the lab that holds {path}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _locks_soon(lock: TextIO) -> bool:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(PATIENCE_SECONDS / 20)
        else:
            return True


@contextlib.contextmanager
def staged(final: Path) -> Iterator[Path]:
    """Give a path to make a file or folder at; what is there when the block ends becomes ``final`` in one step.

    The folder around the path is the block's own: what else it puts there is removed at the end.

    If the block fails, ``final`` stays as it was. What an earlier, killed run left behind is removed first, so call
    this while holding a lock (see :func:`locked`) that covers ``final``.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    for leftover in final.parent.glob(f".staged-{final.name}-*"):
        remove(leftover)
    workspace = Path(tempfile.mkdtemp(prefix=f".staged-{final.name}-", dir=final.parent))
    try:
        made = workspace / final.name
        yield made
        if made.is_dir() and final.exists():
            # A folder cannot be renamed over one that holds something.
            os.rename(final, workspace / "replaced")
        os.rename(made, final)
    finally:
        remove(workspace)


def remove(path: Path) -> None:
    """Remove a file or a folder with all it holds; that it is gone already is no error."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
