# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is known of images: what they are, whether they are whole, and whether Kubernetes sees them."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import BlobMissing, ImageRecord
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import (
    KUBERNETES_NAMESPACE,
    ImageState,
    ImageStore,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import read_document
from ansible_collections.nephoran.container_build.plugins.module_utils._image_visibility import (
    KubernetesView,
    Visibility,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Index
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
    PINNED_LABEL,
    PINNED_VALUE,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

# The CRI plugin takes an image up when containerd tells it of a new record; that takes milliseconds.
TAKING_UP_SECONDS = 2.0


@dataclasses.dataclass(frozen=True)
class ImageInfo:
    """An image in a namespace, as ``image_info`` returns it."""

    name: str
    namespace: str
    digest: str
    media_type: str
    image_id: str
    created: str
    size: int
    platforms: tuple[str, ...]
    platforms_incomplete: tuple[str, ...]
    labels: t.Mapping[str, str]
    image_labels: t.Mapping[str, str]
    pinned: bool
    complete: bool
    missing: tuple[str, ...]
    unpacked: bool
    visible_to_kubernetes: bool
    invisible_reasons: tuple[str, ...]


def describe_images(
    store: ImageStore, namespaces: t.Sequence[str], references: t.Sequence[Reference], view: KubernetesView
) -> list[ImageInfo]:
    """Return the images *references* of each of *namespaces*, all if none is asked for, in the order of their names.

    Args:
        store: the images.
        namespaces: where to look.
        references: what to look for.
        view: how the node's kubelet sees images.

    Raises:
        NotFound: there is no such namespace.
        IntegrityError: an image's documents are malformed.
    """
    described: list[ImageInfo] = []
    for namespace in namespaces:
        records = _records(store, namespace, references)
        if namespace == KUBERNETES_NAMESPACE and any(_may_be_taken_up(record) for record in records):
            time.sleep(TAKING_UP_SECONDS)
            records = _records(store, namespace, references)
        held = store.containerd.content_digests(namespace) if records else frozenset()
        described += [_describe(store, namespace, record, held, view) for record in records]
    return described


def _records(store: ImageStore, namespace: str, references: t.Sequence[Reference]) -> list[ImageRecord]:
    if not references:
        return sorted(store.containerd.list_images(namespace), key=lambda record: record.name)
    found = (store.record(namespace, reference) for reference in dict.fromkeys(references))
    return [record for record in found if record is not None]


def judge_names(store: ImageStore, references: t.Sequence[Reference], view: KubernetesView) -> list[Visibility]:
    """Return what a Pod finds under each of the names *references*.

    Raises:
        IntegrityError: an image's documents are malformed.
    """
    if not references:
        return []
    there = {
        info.name: info.invisible_reasons for info in describe_images(store, [KUBERNETES_NAMESPACE], references, view)
    }
    names = {namespace: store.containerd.image_names(namespace) for namespace in store.containerd.namespaces()}
    return [view.of_name(each, there.get(each.containerd_name), names) for each in references]


def _describe(
    store: ImageStore, namespace: str, record: ImageRecord, held: frozenset[str], view: KubernetesView
) -> ImageInfo:
    state = store.state(namespace, record, Platform.host(), held)
    reasons = tuple(view.reasons(state))
    whole, partial = _platforms(store, state, held)
    return ImageInfo(
        name=record.name,
        namespace=namespace,
        digest=state.digest,
        media_type=record.target.media_type,
        image_id=str(state.config_digest or ""),
        created=state.config.created if state.config else "",
        size=state.blobs.size if state.blobs else 0,
        platforms=whole,
        platforms_incomplete=partial,
        labels=dict(record.labels),
        image_labels=dict(state.config.labels) if state.config else {},
        pinned=record.labels.get(PINNED_LABEL) == PINNED_VALUE,
        complete=state.complete,
        missing=state.missing,
        unpacked=state.complete and store.unpacked(state),
        visible_to_kubernetes=not reasons,
        invisible_reasons=reasons,
    )


def _platforms(store: ImageStore, state: ImageState, held: frozenset[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the platforms that the image names: those that are all there, and the others."""
    try:
        document = read_document(state.record.target, store.read(state.namespace))
    except BlobMissing:
        return (), ()
    if not isinstance(document, Index):
        own = (str(state.config.platform.normalized()),) if state.config else ()
        return (own, ()) if not state.missing else ((), own)
    named = [each.platform for each in document.images if each.platform is not None]
    whole = {each for each in named if store.state(state.namespace, state.record, each, held).complete}
    return tuple(str(each) for each in named if each in whole), tuple(str(each) for each in named if each not in whole)


def _may_be_taken_up(record: ImageRecord) -> bool:
    if MANAGED_LABEL in record.labels or not record.updated:
        return False
    # Seconds are enough, and what comes after them is not written alike by all versions.
    updated = dt.datetime.fromisoformat(f"{record.updated[:19]}+00:00")
    age = dt.datetime.now(dt.timezone.utc) - updated
    return age.total_seconds() < TAKING_UP_SECONDS
