# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for ``docker.io/library/debian:trixie-slim``: Debian with its essential packages and an apt that works."""

from __future__ import annotations

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from lab import console
from lab.debian import mirror
from lab.debian.rootfs import Rootfs
from lab.images import oci, store
from lab.images.oci import Layout

SUITE = "trixie"
SETTINGS: dict[str, Any] = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "Cmd": ["bash"],
}


def ensure() -> Layout:
    """Provide the image as an OCI layout.

    :raises LabError: if a prerequisite is missing or mmdebstrap fails.
    """
    rootfs = Rootfs(suite=SUITE, mirror=mirror.discover())
    recipe = hashlib.sha256((rootfs.digest() + json.dumps(SETTINGS)).encode()).hexdigest()
    return store.ensure(f"debian-{SUITE}-slim", recipe, functools.partial(_write, rootfs))


def _write(rootfs: Rootfs, directory: Path) -> None:
    archive = directory.with_name("layer.tar")
    rootfs.make(archive, f"the root file system of debian:{SUITE}-slim")
    with console.step(f"Making the image debian:{SUITE}-slim"), open(archive, "rb") as layer:
        oci.write(directory, store.TAG, layer, SETTINGS)
