# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task at a time works on a name in a namespace."""

from __future__ import annotations

import contextlib
import hashlib
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._file_lock import locked

# Emptied at boot, when no task that could hold a lock is left.
LOCK_DIR = "/run/nephoran-container-build"
WAIT_SECONDS = 900


@contextlib.contextmanager
def image_lock(namespace: str, name: str, folder: str = LOCK_DIR, *, wait: float | None = None) -> t.Iterator[None]:
    """Hold the node's lock for the image *name* in *namespace* while the block runs.

    Args:
        namespace: the image's namespace, or whatever keeps two kinds of work on it apart.
        name: its name.
        folder: where the locks' files are.
        wait: seconds to wait for another task that holds it; 15 minutes by default.

    Raises:
        Unavailable: another task held it for so long, or it cannot be made.
    """
    seconds = WAIT_SECONDS if wait is None else wait
    key = hashlib.sha256(f"{namespace} {name}".encode()).hexdigest()
    path = os.path.join(folder, f"{key[:32]}.lock")
    with contextlib.ExitStack() as stack:
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            stack.enter_context(locked(path, seconds, busy=f"Another task is busy with {name}"))
        except OSError as error:
            from ansible_collections.nephoran.container_build.plugins.module_utils._durable import disk_error  # noqa: PLC0415

            raise disk_error(error, "taking a lock on an image", folder) from error
        yield


@contextlib.contextmanager
def image_lock_if_free(namespace: str, name: str) -> t.Iterator[bool]:
    """Hold the same lock while the block runs if it can be had at once, and tell whether it could."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(image_lock(namespace, name, wait=0))
            held = True
        except ContainerBuildError:
            # Who has something to do asks again with image_lock, which waits, or says what is in the way.
            held = False
        yield held
