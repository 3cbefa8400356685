# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes images' names from buildah's store, unless containers were made from them."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah, StoredImage
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Refused
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import find_in_buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._image_remove import Removed
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

_PLACE = "buildah's store"


@dataclasses.dataclass(frozen=True)
class UsedImage:
    """An image that is to go, and the ids of the containers that were made from it."""

    image: StoredImage
    containers: tuple[str, ...] = ()


def remove_from_buildah(
    buildah: Buildah, references: t.Sequence[Reference], *, force: bool = False, check: bool = False
) -> Removed:
    """Remove the images *references*, or only say which if *check*.

    Args:
        buildah: the store.
        references: the images; ``app`` is found as ``localhost/app`` too.
        force: remove the containers that were made from them as well.
        check: change nothing.

    Raises:
        Refused: containers were made from one of them, and not *force*. Nothing was removed then.
    """
    found = [image for image in (find_in_buildah(buildah, each) for each in dict.fromkeys(references)) if image]
    used = [UsedImage(image, tuple(buildah.containers_of(image))) for image in found]
    removed = plan_removal(used, force=force)
    if not check:
        for each in used:
            buildah.remove_image(each.image.name, with_containers=force)
    return removed


def plan_removal(images: t.Sequence[UsedImage], *, force: bool) -> Removed:
    """Return what must happen; pure; errors as of :func:`remove_from_buildah`."""
    actions: list[Action] = []
    for each in images:
        if each.containers and not force:
            raise Refused(
                "Containers were made from the image",
                subject=f"{each.image.name} in {_PLACE}: {', '.join(name[:12] for name in each.containers)}",
                remedy="remove them first (buildah rm), or set force, which removes them too",
            )
        actions.extend(Action("remove", f"container {name[:12]} from {_PLACE}") for name in each.containers)
        actions.append(Action("remove", f"{each.image.name} from {_PLACE}", each.image.digest))
    going = {each.image.name: each.image.digest for each in images}
    before = {f"{name} in {_PLACE}": {"present": True, "digest": digest} for name, digest in going.items()}
    return Removed(Plan(tuple(actions), before, {key: {"present": False} for key in before}), going)
