# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the images that a user named, in the place that the user named, and says what is there if they are not."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import BlobMissing
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import (
    BuildahSource,
    ImageSource,
    NamespaceSource,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import read_config, read_document
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Index
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah, StoredImage

Named = tuple[Reference, ImageSource]


def images_of_namespace(
    store: ImageStore, namespace: str, references: t.Sequence[Reference], platform: Platform | None, scratch: str
) -> list[Named]:
    """Return the images *references* of a namespace.

    Raises:
        NotFound: there is no such namespace, or no such image in it.
        IntegrityError: the namespace does not hold all of an image.
    """
    found: list[Named] = []
    for reference in references:
        state = image_of_namespace(store, namespace, reference, platform)
        if state.missing:
            raise image_not_whole(state, platform)
        found.append((reference, NamespaceSource(store, state, scratch)))
    return found


def image_of_namespace(
    store: ImageStore, namespace: str, reference: Reference, platform: Platform | None
) -> ImageState:
    """Return the image *reference* of a namespace, judged for *platform*, or for all that it names.

    Raises:
        NotFound: there is no such namespace, or no such image in it.
    """
    state = store.find(namespace, reference, platform)
    if state is None:
        store.require_namespace(namespace)
        raise unknown_image(reference, f"namespace {namespace}", store.containerd.image_names(namespace))
    return state


def whole_image_of_namespace(store: ImageStore, namespace: str, reference: Reference) -> tuple[ImageState, Platform]:
    """Return the image *reference* and a platform for which the namespace holds all of it, the node's own if it can.

    Raises:
        NotFound: there is no such namespace, or no such image in it.
        IntegrityError: there is no such platform.
    """
    state = image_of_namespace(store, namespace, reference, Platform.host())
    if state.complete:
        return state, Platform.host()
    held = store.containerd.content_digests(namespace)
    for platform in _named_platforms(store, state):
        other = store.state(namespace, state.record, platform, held)
        if other.complete:
            return other, platform
    raise image_not_whole(state, Platform.host())


def image_not_whole(state: ImageState, platform: Platform | None) -> IntegrityError:
    """Return the error for an image of which a namespace lacks something that *platform* needs, or any of its own."""
    return IntegrityError(
        "The namespace does not hold all of the image",
        subject=f"{state.record.name} in {state.namespace}: missing {', '.join(state.missing) or state.problem}",
        expected=f"all that it needs on {platform}" if platform else "all that its platforms need",
        remedy="build or pull it again, or name a platform that it was pulled for",
    )


def _named_platforms(store: ImageStore, state: ImageState) -> list[Platform]:
    read = store.read(state.namespace)
    try:
        document = read_document(state.record.target, read)
        if isinstance(document, Index):
            return [each.platform for each in document.images if each.platform is not None]
        return [read_config(document, read).platform]
    except BlobMissing:
        return []


def images_of_buildah(buildah: Buildah, references: t.Sequence[Reference], scratch: str) -> list[Named]:
    """Return the images *references* of buildah's store, where ``app`` is found as ``localhost/app`` too.

    Raises:
        NotFound: it has no image of that name.
    """
    found: list[Named] = []
    for reference in references:
        image = require_in_buildah(buildah, reference)
        found.append((reference, BuildahSource(buildah, image, scratch)))
    return found


def require_in_buildah(buildah: Buildah, reference: Reference) -> StoredImage:
    """Return what :func:`find_in_buildah` finds.

    Raises:
        NotFound: it finds nothing.
    """
    image = find_in_buildah(buildah, reference)
    if image is None:
        raise unknown_image(reference, "buildah's store", [])
    return image


def find_in_buildah(buildah: Buildah, reference: Reference) -> StoredImage | None:
    """Return the image *reference* of buildah's store, where ``app`` is found as ``localhost/app`` too."""
    return buildah.find(reference) or buildah.find_short(reference)


def renamed(found: t.Sequence[Named], names: t.Mapping[Reference, Reference]) -> list[Named]:
    """Return the images *found*, under the new name of those that have one in *names*.

    Raises:
        InvalidInput: *names* has the name of another image, or two images would have one name.
    """
    for old in names:
        if old not in (reference for reference, _source in found):
            raise InvalidInput(
                "An image that is to be renamed is not among those to bring",
                subject=f"rename: {old}",
                expected=f"one of {', '.join(str(reference) for reference, _source in found)}",
            )
    finals = [(names.get(reference, reference), source) for reference, source in found]
    given = [reference for reference, _source in finals]
    for reference in given:
        if given.count(reference) > 1:
            raise InvalidInput(
                "Several images would have one name", subject=str(reference), remedy="correct rename, or name one alone"
            )
    return finals


def unknown_image(reference: Reference, where: str, there: t.Sequence[str]) -> NotFound:
    """Return the error for an image that is not among those that are *there*, with the names that are most like it."""
    import difflib  # noqa: PLC0415 - milliseconds that only a failure needs to take

    close = difflib.get_close_matches(str(reference), there, n=3)
    return NotFound(
        f"There is no such image in {where}",
        subject=str(reference),
        expected=f"a name that is there, such as {', '.join(close)}" if close else None,
        remedy="correct the name or the place, or build the image first",
    )
