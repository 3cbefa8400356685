# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds what a build left, in containerd or in buildah's store, alike for the manager."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    INPUTS_DIGEST_LABEL,
    BuiltImage,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import BlobMissing, ImageRecord
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import platforms_of
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah


class BuiltImages(t.Protocol):
    """A place where built images lie."""

    place: str

    def find(self, reference: Reference, platforms: t.Sequence[Platform]) -> BuiltImage | None:
        """Return the image *reference*, judged for *platforms* (the node's own if empty); None if there is none."""


class ContainerdImages:
    """Images in a namespace of containerd."""

    def __init__(self, store: ImageStore, namespace: str) -> None:
        self._store = store
        self.namespace = namespace
        self.place = f"namespace {namespace}"

    def find(self, reference: Reference, platforms: t.Sequence[Platform]) -> BuiltImage | None:
        """Return the image *reference*, judged for *platforms* (the node's own if empty); None if there is none."""
        record = self._store.record(self.namespace, reference)
        if record is None:
            return None
        wanted = tuple(platforms) or (Platform.host(),)
        # For one platform, the store lists the content while it reads the image.
        held = self._store.containerd.content_digests(self.namespace) if len(wanted) > 1 else None
        states = [self._store.state(self.namespace, record, platform, held) for platform in wanted]
        missing = tuple(digest for state in states for digest in state.missing)
        lacking = tuple(str(platform) for platform, state in zip(wanted, states) if state.problem and not state.missing)
        # What an image for other platforms was made from tells what moved since.
        told = [state for state in states if state.config] or self._other_states(record, held)
        return BuiltImage(
            digest=str(record.target.digest),
            image_id=_config_digest(told[0]) if told else "",
            identity=tuple(identity for state in states for identity in _identity(state)),
            inputs_digest=_common_inputs_digest(told),
            missing=missing,
            lacking=lacking,
            record_labels=record.labels,
        )

    def _other_states(self, record: ImageRecord, held: frozenset[str] | None) -> list[ImageState]:
        try:
            platforms = platforms_of(record.target, self._store.read(self.namespace))
        except BlobMissing:
            return []
        states = (self._store.state(self.namespace, record, platform, held) for platform in platforms)
        return [state for state in states if state.config]


class BuildahImages:
    """Images in buildah's store."""

    place = "buildah's store"

    def __init__(self, buildah: Buildah) -> None:
        self._buildah = buildah

    def find(self, reference: Reference, platforms: t.Sequence[Platform]) -> BuiltImage | None:
        """Return the image *reference*, judged for *platforms*; None if there is none."""
        image = self._buildah.find(reference)
        if image is None:
            return None
        return BuiltImage(
            digest=image.digest,
            image_id=image.config_digest,
            identity=(image.digest, image.config_digest),
            inputs_digest=image.config.labels.get(INPUTS_DIGEST_LABEL, ""),
            lacking=tuple(str(each) for each in platforms if not each.matches(image.config.platform)),
        )


def require(image: BuiltImage | None, reference: Reference, place: str) -> BuiltImage:
    """Return *image* if it is there.

    Raises:
        NotFound: the builder reported success and left nothing.
    """
    if image is None:
        raise NotFound(
            "The builder reported success, but there is no image",
            subject=f"{reference} in {place}",
            remedy="see whether something removes images there, then run the task again",
        )
    return image


def _identity(state: ImageState) -> t.Iterator[str]:
    if state.manifest is not None:
        yield str(state.manifest.digest)
    if state.blobs is not None:
        yield _config_digest(state)


def _config_digest(state: ImageState) -> str:
    return str(state.config_digest) if state.config_digest else ""


def _common_inputs_digest(states: t.Sequence[ImageState]) -> str:
    digests = {state.config.labels.get(INPUTS_DIGEST_LABEL, "") for state in states if state.config}
    return digests.pop() if len(digests) == 1 else ""
