# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gives an image more names in its namespace.

A name is written by an import of the image into its own namespace: target and labels change in one transaction. The
clients' own commands do less: ``nerdctl tag`` and ``ctr images tag`` of containerd 1.7 remove the name first, so that
for a moment nobody finds the image, and ``ctr images tag`` of containerd 2 drops the labels of the record that it
overwrites, and the pin with them.

Source: ``pkg/cmd/image/tag.go`` of nerdctl v2.2.1; ``cmd/ctr/commands/images/tag.go`` and
``core/transfer/image/imagestore.go`` of containerd v2.2.1.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    Imported,
    ImportRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import (
    whole_image_of_namespace,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import NamespaceSource
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Plan, merge_plans
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference


@dataclasses.dataclass(frozen=True)
class TagRequest:
    """New names for one image.

    Attributes:
        namespace: where the image is and the names are to be.
        reference: the image.
        names: what it is to be called besides.
        keep_existing: leave a name that another image has.
        pinned: whether the kubelet's image garbage collection must leave the names; None: as they are.
        labels: labels that the records of the names are to have beside those they have.
    """

    namespace: str
    reference: Reference
    names: tuple[Reference, ...]
    keep_existing: bool = False
    pinned: bool | None = None
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Tagged:
    """What came of it.

    Attributes:
        plan: what had to happen.
        digest: the digest of the image's target.
        tagged: the names that were written or whose labels were.
        kept: the names that another image has and keeps.
    """

    plan: Plan
    digest: str
    tagged: tuple[str, ...]
    kept: tuple[str, ...]


def tag_image(store: ImageStore, request: TagRequest, scratch: str, *, check: bool = False) -> Tagged:
    """Give the image its names, or only say what that means if *check*.

    Args:
        store: the containerd.
        request: what is wanted.
        scratch: a private folder.
        check: change nothing.

    Raises:
        NotFound: there is no such namespace or image.
        IntegrityError: the image is whole for no platform.
    """
    state, platform = whole_image_of_namespace(store, request.namespace, request.reference)
    source = NamespaceSource(store, state, scratch)
    importer = ImageImporter(store)
    done = [
        (name, importer.run(_import_request(request, source, name, platform), check=check)) for name in request.names
    ]
    return Tagged(
        plan=merge_plans(imported.plan for _name, imported in done),
        digest=state.digest,
        tagged=tuple(str(name) for name, imported in done if imported.plan.changed),
        kept=tuple(str(name) for name, imported in done if _digest_after(name, imported) != state.digest),
    )


def _import_request(request: TagRequest, source: NamespaceSource, name: Reference, platform: Platform) -> ImportRequest:
    return ImportRequest(
        source,
        name,
        request.namespace,
        platform,
        pinned=request.pinned,
        labels=request.labels,
        # Whatever the image carries, it is in the namespace already.
        allow_reserved_labels=True,
        keep=request.keep_existing,
    )


def _digest_after(name: Reference, imported: Imported) -> str:
    return str(imported.plan.after[str(name)]["digest"])
