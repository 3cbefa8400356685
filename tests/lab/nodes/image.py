# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The image of each kind of node, made once and then found by the digest of its recipe."""

from __future__ import annotations

from pathlib import Path

from lab import console, paths, podman
from lab.debian import mirror
from lab.nodes.kinds import Kind


def ensure(kind: Kind) -> str:
    """Provide the image of a kind.

    :returns: its name in podman's store.
    :raises LabError: if it cannot be made; nothing half is left behind then.
    """
    rootfs = kind.rootfs(mirror.discover())
    digest = rootfs.digest()[:12]
    repository = f"{podman.REPOSITORY}/node-{kind.name}"
    image = f"{repository}:{digest}"
    with paths.locked(f"node-{kind.name}"):
        if not podman.image_exists(image):
            archive = paths.cache_directory("nodes") / f"{kind.name}-{digest}.tar.zst"
            if not archive.exists():
                rootfs.make(archive, f"the root file system of {kind.name} nodes")
            with console.step(f"Importing the image of {kind.name} nodes"):
                podman.podman("import", "--quiet", str(archive), image)
            _remove_superseded(archive, kind)
            _remove_superseded_images(repository, image)
    return image


def _remove_superseded(current: Path, kind: Kind) -> None:
    for archive in current.parent.glob(f"{kind.name}-*.tar.zst"):
        if archive != current:
            archive.unlink()


def _remove_superseded_images(repository: str, current: str) -> None:
    used = {document["ImageName"] for document in podman.containers("node")}
    superseded = [image for image in podman.image_tags(repository) if image != current and image not in used]
    if superseded:
        podman.podman("image", "rm", *superseded)
