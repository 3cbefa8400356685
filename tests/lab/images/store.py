# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache of images: one OCI layout folder each, found by the digest of what it was made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lab import paths
from lab.images.oci import Layout

TAG = "image"


def ensure(name: str, recipe_digest: str, make: Callable[[Path], None]) -> Layout:
    """Provide an image.

    :param name: what tells it from the other images of the lab.
    :param recipe_digest: hexadecimal digest of everything that decides its content.
    :param make: writes the layout, with the tag :data:`TAG`, at the path that it is given; beside that it may keep
        temporary files (see :func:`lab.paths.staged`).
    """
    directory = paths.cache_directory("images") / f"{name}-{recipe_digest[:12]}"
    with paths.locked(f"image-{name}"):
        if not directory.exists():
            with paths.staged(directory) as made:
                make(made)
            for other in directory.parent.glob(f"{name}-{'?' * 12}"):
                if other != directory:
                    paths.remove(other)
    return Layout(directory, TAG)
