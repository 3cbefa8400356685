# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removes images' names from a namespace of containerd, unless somebody still counts on them.

The CRI plugin keeps a name of its own for each image in ``k8s.io``, the digest of its config. When the last name that
somebody gave an image goes, that one goes too: it would keep all of the image on the disk.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import ImageRecord
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import HEX_LENGTHS, Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Refused
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    PINNED_LABEL,
    PINNED_VALUE,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

Wanted = t.Union[Reference, Digest]
"""What a user names an image by: a name, or the digest of its target, which stands for all names of it."""


@dataclasses.dataclass(frozen=True)
class RemoveRequest:
    """Images that a namespace is not to have.

    Attributes:
        namespace: the namespace.
        images: the images.
        force: remove them though containers were made from them.
        pinned: remove them though they are pinned.
    """

    namespace: str
    images: tuple[Wanted, ...]
    force: bool = False
    pinned: bool = False


@dataclasses.dataclass(frozen=True)
class NamedImage:
    """An image that is to go.

    Attributes:
        record: its record.
        siblings: the other names of the same target, in the namespace's order.
        containers: the ids of the containers that were made from it, whichever of its names they use.
    """

    record: ImageRecord
    siblings: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()

    @property
    def pinned(self) -> bool:
        """Whether the kubelet's image garbage collection must leave it."""
        return self.record.labels.get(PINNED_LABEL) == PINNED_VALUE


@dataclasses.dataclass(frozen=True)
class Removed:
    """What came of it.

    Attributes:
        plan: what had to happen.
        images: the digests that the names stood for which were removed, by the names, in that order.
    """

    plan: Plan
    images: t.Mapping[str, str]


def parse_wanted(text: str) -> Wanted:
    """Return what *text* names: ``sha256:…`` is a digest, all else a reference.

    Raises:
        InvalidInput: it is neither.
    """
    return Digest.parse(text) if text.partition(":")[0] in HEX_LENGTHS else Reference.parse(text)


class ImageRemover:
    """Observes, plans and applies removals in one store."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def run(self, request: RemoveRequest, *, check: bool = False) -> Removed:
        """Remove the images, or only say which if *check*.

        Raises:
            NotFound: there is no such namespace.
            Refused: an image is pinned, or containers were made from it, and the request does not allow for that.
                Nothing was removed then.
        """
        self._store.require_namespace(request.namespace, may_be_made=True)
        if check:
            return self.plan(request, self.observe(request))
        with contextlib.ExitStack() as stack:
            # In one order everywhere, so that two tasks never wait for each other.
            for name in sorted({each.containerd_name for each in request.images if isinstance(each, Reference)}):
                stack.enter_context(image_lock(request.namespace, name))
            removed = self.plan(request, self.observe(request))
            for number, name in enumerate(removed.images, 1):
                last = number == len(removed.images)
                self._store.containerd.remove_image(request.namespace, name, missing_ok=True, wait=last)
        return removed

    def observe(self, request: RemoveRequest) -> list[NamedImage]:
        """Return the images of the request that are there."""
        conditions = [_condition(each) for each in request.images]
        records = self._store.containerd.list_images(request.namespace, *conditions) if conditions else []
        return [self._named_image(request.namespace, record) for record in records]

    def _named_image(self, namespace: str, record: ImageRecord) -> NamedImage:
        same = self._store.containerd.image_names(namespace, f"target.digest=={record.target.digest}")
        containers = self._store.containerd.container_ids(namespace, same)
        return NamedImage(record, tuple(name for name in same if name != record.name), tuple(containers))

    @staticmethod
    def plan(request: RemoveRequest, images: t.Sequence[NamedImage]) -> Removed:
        """Return what must happen; pure.

        Raises:
            Refused: see :meth:`run`.
        """
        for image in images:
            _refuse(request, image)
        # The names that people use go first: the CRI plugin's own name alone would still keep the whole image.
        ordered = sorted(images, key=lambda image: is_own_name_of_cri(image.record.name))
        going = {image.record.name: str(image.record.target.digest) for image in ordered}
        details = dict(going)
        for image in ordered:
            for name in _left_to_the_cri(image, going):
                going[name] = str(image.record.target.digest)
                details[name] = "the CRI plugin's own name of the same image, the last that was left"
        actions = (Action("remove", f"{name} from {request.namespace}", detail) for name, detail in details.items())
        before = {f"{name} in {request.namespace}": {"present": True, "digest": going[name]} for name in going}
        return Removed(Plan(tuple(actions), before, {key: {"present": False} for key in before}), going)


def is_own_name_of_cri(name: str) -> bool:
    """Tell whether *name* is a bare digest, as only the CRI plugin names images.

    Source: ``createOrUpdateImageReference`` in ``internal/cri/server/images/image_pull.go`` of containerd v2.2.1.
    """
    return name.startswith("sha256:")


def _condition(image: Wanted) -> str:
    return f"target.digest=={image}" if isinstance(image, Digest) else f"name=={image.containerd_name}"


def _left_to_the_cri(image: NamedImage, going: t.Container[str]) -> t.Sequence[str]:
    left = [name for name in image.siblings if name not in going]
    return left if all(map(is_own_name_of_cri, left)) else []


def _refuse(request: RemoveRequest, image: NamedImage) -> None:
    subject = f"{image.record.name} in {request.namespace}"
    if image.pinned and not request.pinned:
        raise Refused(
            "The image is pinned",
            subject=subject,
            remedy="set remove_pinned if nobody counts on it any longer",
        )
    if image.containers and not request.force:
        raise Refused(
            "Containers were made from the image",
            subject=f"{subject}: {_some(image.containers)}",
            remedy="remove the containers first, or set force: they keep running, "
            "but what starts them again will not find the image",
        )


def _some(ids: t.Sequence[str], most: int = 5) -> str:
    shown = ", ".join(each[:12] for each in ids[:most])
    return shown if len(ids) <= most else f"{shown} and {len(ids) - most} more"
