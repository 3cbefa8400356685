# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A namespace of containerd for one task, in which an image is put together before it moves, out of everybody's sight.

What one namespace holds costs nothing in another one under containerd's default content policy, so neither the way in
nor the way out copies a layer.
"""

from __future__ import annotations

import contextlib
import hashlib
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import Containerd
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import image_lock

_PREFIX = "nephoran-container-build"


def staging_name(purpose: str, namespace: str, name: str) -> str:
    """Return the staging namespace for *name* of *namespace*: always the same one, so that leftovers are found."""
    key = hashlib.sha256(f"{purpose} {namespace} {name}".encode()).hexdigest()
    return f"{_PREFIX}-{purpose}-{key[:16]}"


@contextlib.contextmanager
def staging_namespace(containerd: Containerd, purpose: str, namespace: str, name: str) -> t.Iterator[str]:
    """Give a namespace that nobody else uses while the block runs; it is empty at first and gone afterwards.

    Args:
        containerd: whose namespace.
        purpose: what for, in one word.
        namespace: the namespace that the task works for.
        name: the image that it works on.

    Raises:
        Unavailable: another task held it for 15 minutes.
    """
    staging = staging_name(purpose, namespace, name)
    # The lock of the namespace as a whole: whoever works in it takes those of its images.
    with image_lock(staging, ""):
        _empty(containerd, staging)
        try:
            yield staging
        except BaseException:
            # The first error is the one to report; what is left is removed by the next task of this image.
            with contextlib.suppress(ContainerBuildError):
                _remove(containerd, staging)
            raise
        _remove(containerd, staging)


def _remove(containerd: Containerd, staging: str) -> None:
    _empty(containerd, staging)
    containerd.remove_namespace(staging)


def _empty(containerd: Containerd, staging: str) -> None:
    # What a task left that was killed while it put something in here is kept by its lease alone.
    for lease in containerd.lease_names(staging):
        containerd.end_lease(staging, lease, wait=True)
    names = containerd.image_names(staging)
    for number, name in enumerate(names, 1):
        containerd.remove_image(staging, name, missing_ok=True, wait=number == len(names))
