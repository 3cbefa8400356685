# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls an image into a namespace, if the namespace lacks it or the registry has another one.

The image is fetched into a namespace of the task's own and imported from there. So it is looked at before it is where
somebody could use it, its name moves in one transaction with its labels, and layers that any namespace has are not
fetched again.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    ImportRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import NamespaceSource
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import read_document
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Index, select_manifest
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    label_actions,
    own_labels,
    wanted_labels,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import redact
from ansible_collections.nephoran.container_build.plugins.module_utils._staging_namespace import staging_namespace


@dataclasses.dataclass(frozen=True)
class PullRequest:
    """An image that a namespace is to have from a registry.

    Attributes:
        reference: the image.
        namespace: the namespace.
        platform: the platform that it must serve; None: all.
        always: ask the registry whether it has another image under the name by now.
        pinned: whether the kubelet's image garbage collection must leave it; None: as it is.
        labels: labels that its record is to have beside those it has.
        unpack: whether its layers are to stand unpacked; False leaves them as they are.
        allow_reserved_labels: accept labels in its config that containerd or the CRI plugin obey.
    """

    reference: Reference
    namespace: str
    platform: Platform | None
    always: bool = False
    pinned: bool | None = None
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    unpack: bool = True
    allow_reserved_labels: bool = False


@dataclasses.dataclass(frozen=True)
class Observed:
    """The state of things before a pull.

    Attributes:
        there: the image of that name in the namespace; None if it has none.
        unpacked: whether it stands unpacked, as far as it has layers for this node.
        remote: what is to be fetched; None if nothing is.
    """

    there: ImageState | None
    unpacked: bool
    remote: RemoteImage | None

    @property
    def labels(self) -> t.Mapping[str, str]:
        """The labels of the image's record."""
        return {} if self.there is None else self.there.record.labels


@dataclasses.dataclass(frozen=True)
class Pulled:
    """What came of it.

    Attributes:
        plan: what had to happen.
        digest: the digest of the image's target; empty in check mode if an index would be fetched.
        command: the tool's command line; empty if nothing was fetched.
    """

    plan: Plan
    digest: str
    command: tuple[str, ...] = ()


class ImagePuller:
    """Observes, plans and applies pulls into one store."""

    def __init__(self, store: ImageStore, registry: NerdctlRegistry, scratch: str) -> None:
        self._store = store
        self._registry = registry
        self._scratch = scratch

    def run(self, request: PullRequest, *, check: bool = False) -> Pulled:
        """Do what has to be done, or only say it if *check*.

        Raises:
            NotFound: there is no such namespace, the registry has no such image, or none for the platform.
            InvalidInput: the image carries reserved labels.
            IntegrityError: the image did not come through whole.
            Unavailable: the registry cannot be reached, wants other credentials, or is out of order.
            Whatever is raised, the name has not moved.
        """
        observed = self.observe(request)
        plan = self.plan(request, observed)
        if check or not plan.changed:
            return Pulled(plan, _digest_after(observed))
        if observed.remote is not None:
            return self._pull(request, observed)
        if observed.there is not None:
            self._import(request, observed.there)
        return Pulled(plan, _digest_after(observed))

    def observe(self, request: PullRequest) -> Observed:
        """Return the state of things; errors as of :meth:`run`."""
        self._store.require_namespace(request.namespace, may_be_made=True)
        record = self._store.record(request.namespace, request.reference)
        there = None if record is None else self._store.state(request.namespace, record, request.platform)
        unpacked = there is not None and there.complete and (not there.chain_id or self._store.unpacked(there))
        return Observed(there, unpacked, self._to_be_fetched(request, there))

    def _to_be_fetched(self, request: PullRequest, there: ImageState | None) -> RemoteImage | None:
        complete = there if there is not None and there.complete else None
        # A name by digest never stands for another image.
        if complete is not None and (not request.always or request.reference.digest is not None):
            return None
        remote = self._registry.find(request.reference)
        if remote is None:
            raise NotFound(
                "The registry has no such image",
                subject=str(request.reference),
                remedy="correct the name or the tag, or push the image first",
            )
        if request.platform is not None and isinstance(remote.document, Index):
            select_manifest(remote.document, request.platform)
        if complete is not None:
            target = complete.record.target
            if remote.is_same(target, read_document(target, self._store.read(request.namespace))):
                return None
        return remote

    @staticmethod
    def plan(request: PullRequest, observed: Observed, digest: str = "") -> Plan:
        """Return what must happen; pure.

        Args:
            request: what is wanted.
            observed: what is there.
            digest: the digest of what was fetched, once it is known.
        """
        name, remote = str(request.reference), observed.remote
        actions: list[Action] = []
        if remote is not None:
            actions.append(Action("pull", f"{name} into {request.namespace}", _why(request, observed, digest)))
        wanted = wanted_labels(observed.labels, request.labels, request.pinned)
        actions.extend(label_actions(name, observed.labels, wanted))
        if request.unpack and (remote is not None or not observed.unpacked):
            actions.append(Action("unpack", name))
        before: dict[str, t.Any] = {"present": False}
        if observed.there is not None:
            known = {"digest": observed.there.digest, "complete": observed.there.complete}
            before = {"present": True, **known, "labels": own_labels(observed.labels)}
            if request.unpack:
                before["unpacked"] = observed.unpacked
        after = {"present": True, "digest": before.get("digest"), "complete": True, "labels": wanted}
        if remote is not None:
            del after["digest"]
            after.update({"digest": digest} if digest else remote.shown())
        if request.unpack:
            after["unpacked"] = True
        return Plan(tuple(actions), {name: before}, {name: after})

    def _pull(self, request: PullRequest, observed: Observed) -> Pulled:
        name = request.reference.containerd_name
        with staging_namespace(self._store.containerd, "pull", request.namespace, name) as staging:
            completed = self._registry.pull(staging, request.reference, request.platform)
            fetched = self._store.find(staging, request.reference, request.platform)
            if fetched is None:
                raise IntegrityError(
                    "The image was pulled, but it is not there",
                    subject=f"{request.reference} in {staging}",
                    remedy="run the task again",
                )
            self._import(request, fetched)
        return Pulled(self.plan(request, observed, fetched.digest), fetched.digest, tuple(redact(completed.argv)))

    def _import(self, request: PullRequest, source: ImageState) -> None:
        ImageImporter(self._store).run(
            ImportRequest(
                NamespaceSource(self._store, source, self._scratch),
                request.reference,
                request.namespace,
                request.platform,
                pinned=request.pinned,
                labels=request.labels,
                unpack=request.unpack,
                allow_reserved_labels=request.allow_reserved_labels or source.namespace == request.namespace,
            )
        )


def _why(request: PullRequest, observed: Observed, digest: str) -> str:
    there, remote = observed.there, observed.remote
    if there is not None and not there.complete:
        return f"incomplete: {', '.join(there.missing) or there.problem}"
    old = "absent" if there is None else there.digest
    return f"{old} → {digest or _description(remote, request.platform)}"


def _description(remote: RemoteImage | None, platform: Platform | None) -> str:
    if remote is not None and remote.digest is not None:
        return str(remote.digest)
    if remote is not None and platform is not None and isinstance(remote.document, Index):
        return f"an index with {select_manifest(remote.document, platform).digest} for {platform}"
    return "another index"


def _digest_after(observed: Observed) -> str:
    if observed.remote is not None:
        return str(observed.remote.digest or "")
    return "" if observed.there is None else observed.there.digest
