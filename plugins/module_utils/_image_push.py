# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes an image of a namespace to a registry, if the registry has another one under the name, or none.

What is pushed is known before: the image's own target, or its manifest for one platform. So the digest that the
registry will tell is known as well, and whether it tells that already.
"""

from __future__ import annotations

import dataclasses

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    ImportRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import (
    image_not_whole,
    image_of_namespace,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import NamespaceSource
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import Document, read_document
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import redact
from ansible_collections.nephoran.container_build.plugins.module_utils._staging_namespace import staging_namespace


@dataclasses.dataclass(frozen=True)
class PushRequest:
    """An image that a registry is to have.

    Attributes:
        namespace: where the image is.
        reference: the image.
        destination: its name at the registry.
        platform: the only platform to push, as a plain manifest; None: the image as it is, with all that it names.
    """

    namespace: str
    reference: Reference
    destination: Reference
    platform: Platform | None = None


@dataclasses.dataclass(frozen=True)
class Pushable:
    """What is to be pushed, and what the registry has.

    Attributes:
        state: the image in its namespace.
        target: what the registry is to have under the name.
        document: the index or manifest that this is.
        remote: what it has; None if nothing.
    """

    state: ImageState
    target: Descriptor
    document: Document
    remote: RemoteImage | None


@dataclasses.dataclass(frozen=True)
class Pushed:
    """What came of it.

    Attributes:
        plan: what had to happen.
        digest: what the registry has under the name; in check mode, what it would have.
        command: the tool's command line; empty if it was not started.
    """

    plan: Plan
    digest: str
    command: tuple[str, ...] = ()


class ImagePusher:
    """Observes, plans and applies pushes out of one store."""

    def __init__(self, store: ImageStore, registry: NerdctlRegistry, scratch: str) -> None:
        self._store = store
        self._registry = registry
        self._scratch = scratch

    def run(self, request: PushRequest, *, check: bool = False) -> Pushed:
        """Push the image if the registry has another one, or only say it if *check*.

        Raises:
            NotFound: there is no such namespace, no such image, or no manifest for the platform.
            IntegrityError: the namespace does not hold all that is to be pushed, or the registry has something else
                afterwards.
            Unavailable: the registry cannot be reached, wants other credentials, or is out of order.
        """
        pushable = self.observe(request)
        plan = self.plan(request, pushable)
        digest = str(pushable.target.digest)
        if check or not plan.changed:
            return Pushed(plan, digest)
        command = self._push(request, pushable)
        self._require_arrived(request, pushable)
        return Pushed(plan, digest, command)

    def observe(self, request: PushRequest) -> Pushable:
        """Return what is to be pushed and what the registry has; errors as of :meth:`run`."""
        state = image_of_namespace(self._store, request.namespace, request.reference, request.platform)
        if state.missing:
            raise image_not_whole(state, request.platform)
        read = self._store.read(request.namespace)
        target = state.record.target
        if request.platform is not None:
            if state.manifest is None:
                raise image_not_whole(state, request.platform)
            target = state.manifest._replace(platform=None, annotations={})
        return Pushable(state, target, read_document(target, read), self._registry.find(request.destination))

    @staticmethod
    def plan(request: PushRequest, pushable: Pushable) -> Plan:
        """Return what must happen; pure."""
        remote, digest = pushable.remote, str(pushable.target.digest)
        name = str(request.destination)
        after = {"present": True, "digest": digest}
        if remote is not None and remote.is_same(pushable.target, pushable.document):
            return Plan((), {name: after}, {name: after})
        before = {"present": False} if remote is None else remote.shown()
        old = "absent" if remote is None else before.get("digest", "another index")
        return Plan((Action("push", name, f"{old} → {digest}"),), {name: before}, {name: after})

    def _push(self, request: PushRequest, pushable: Pushable) -> tuple[str, ...]:
        record = pushable.state.record
        same_name = record.name == request.destination.containerd_name
        if same_name and record.target.digest == pushable.target.digest:
            return tuple(redact(self._registry.push(request.namespace, request.destination).argv))
        # nerdctl pushes a record under the record's own name, so one is made that has the name and the target.
        with staging_namespace(self._store.containerd, "push", request.namespace, str(request.destination)) as staging:
            source = NamespaceSource(self._store, pushable.state, self._scratch)
            source.target = pushable.target
            ImageImporter(self._store).run(
                ImportRequest(source, request.destination, staging, request.platform, allow_reserved_labels=True)
            )
            return tuple(redact(self._registry.push(staging, request.destination).argv))

    def _require_arrived(self, request: PushRequest, pushable: Pushable) -> None:
        remote = self._registry.find(request.destination)
        if remote is None or not remote.is_same(pushable.target, pushable.document):
            raise IntegrityError(
                "The image was pushed, but the registry has something else under its name",
                subject=str(request.destination),
                expected=str(pushable.target.digest),
                remedy="see whether somebody else pushes to the same name, then run the task again",
            )
