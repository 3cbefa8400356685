# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts images into a namespace: only missing blobs move, and the name flips when everything is there.

A lease and the order make the import safe from containerd's garbage collection, which may run at any moment:

1. the documents under a lease, from the target down: each says what it references, so that all below it is kept from
   then on, whether it is there yet or not;
2. the missing layers;
3. a look whether all is there, and the unpacking if it was asked for;
4. the name, with its target and its labels in one transaction;
5. the lease ends.

Killed anywhere, the name stands for the old image or for the new one, whole. Nobody sees what came meanwhile, and
containerd removes it when the lease expires, unless the next import of the name takes it up.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import io
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import reference_labels
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import ImageSource, Moved
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageState, ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import (
    ImageBlobs,
    blobs_of,
    children_of,
    find_manifest,
    platforms_of,
    read_config,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    RESERVED_LABEL_PREFIXES,
    label_actions,
    own_labels,
    wanted_labels,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference


@dataclasses.dataclass(frozen=True)
class ImportRequest:
    """One image that a namespace is to have.

    Attributes:
        source: where it comes from.
        reference: its name in the namespace.
        namespace: the namespace.
        platform: the platform that it must serve; None: all.
        pinned: whether the kubelet's image garbage collection must leave it; None: as it is.
        labels: labels that its record is to have beside those it has.
        unpack: whether its layers are to stand unpacked; False leaves them as they are.
        allow_reserved_labels: accept labels in its config that containerd or the CRI plugin obey.
        force: bring everything again though it is there.
        keep: leave another image that has the name already.
    """

    source: ImageSource
    reference: Reference
    namespace: str
    platform: Platform | None
    pinned: bool | None = None
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    unpack: bool = False
    allow_reserved_labels: bool = False
    force: bool = False
    keep: bool = False

    @property
    def lease(self) -> str:
        """The lease under which the image is put together: one for each name, so that what was left over is found."""
        return f"nephoran-container-build-import-{self._key}"

    @property
    def staging(self) -> Reference:
        """The name under which the image is unpacked, one for each name too."""
        return Reference("localhost", "nephoran-container-build/import", self._key)

    @property
    def _key(self) -> str:
        return hashlib.sha256(f"{self.namespace} {self.reference}".encode()).hexdigest()[:32]


@dataclasses.dataclass(frozen=True)
class Observed:
    """The state of things before an import.

    Attributes:
        target: what the source's name stands for.
        blobs: what the image consists of for the platform.
        there: the image of that name in the namespace; None if it has none.
        unpacked: whether that image stands unpacked.
        ready: whether the image of the source does, which may share its layers with others.
        held: the digests that the namespace holds.
    """

    target: Descriptor
    blobs: ImageBlobs
    there: ImageState | None
    unpacked: bool
    ready: bool
    held: frozenset[str]

    @property
    def absent(self) -> tuple[Descriptor, ...]:
        """The layers that the namespace does not hold."""
        return absent_layers(self.blobs, self.held)


def absent_layers(blobs: ImageBlobs, held: frozenset[str]) -> tuple[Descriptor, ...]:
    """Return the layers of *blobs* that are not *held*, the smallest first: the cheapest to try a shortcut with."""
    layers = (each for each in blobs.needed_layers if str(each.digest) not in held)
    return tuple(sorted(layers, key=lambda layer: layer.size))


@dataclasses.dataclass(frozen=True)
class Imported:
    """What came of an import.

    Attributes:
        plan: what had to happen.
        moved: the bytes that moved; none in check mode.
    """

    plan: Plan
    moved: Moved


class ImageImporter:
    """Observes, plans and applies imports into one store."""

    def __init__(self, store: ImageStore) -> None:
        self._store = store

    def run(self, request: ImportRequest, *, check: bool = False) -> Imported:
        """Do what has to be done, or only say it if *check*.

        Raises:
            NotFound: the source has no image for the platform.
            IntegrityError: the source is not whole, or the namespace does not hold all of the image afterwards.
            InvalidInput: the image carries reserved labels.
            Whatever is raised, the name has not moved.
        """
        if check:
            return Imported(self.plan(request, self.observe(request)), Moved())
        with image_lock(request.namespace, str(request.reference)):
            observed = self.observe(request)
            return Imported(self.plan(request, observed), self._apply(request, observed))

    def vet(self, request: ImportRequest) -> ImageBlobs:
        """Return what the image consists of for the platform, if it may come in.

        Raises:
            NotFound: the source has no image for the platform.
            IntegrityError: a document of the source is malformed.
            InvalidInput: the image carries reserved labels.
        """
        source = request.source
        platforms = [request.platform] if request.platform else platforms_of(source.target, source.read)
        if not request.allow_reserved_labels:
            for platform in platforms:
                self._refuse_reserved_labels(source, platform)
        return blobs_of(source.target, source.read, request.platform)

    def observe(self, request: ImportRequest) -> Observed:
        """Return the state of things; errors as of :meth:`vet`."""
        store, namespace = self._store, request.namespace
        blobs = self.vet(request)
        chain_id = _chain_id(request)
        held = store.containerd.content_digests(namespace)
        chain_unpacked = store.chain_unpacked(namespace, chain_id)
        record = store.record(namespace, request.reference)
        there = None if record is None else store.state(namespace, record, request.platform, held)
        same = there is not None and there.chain_id == chain_id
        unpacked = there is not None and there.complete and (chain_unpacked if same else store.unpacked(there))
        # What has no layers for this node has nothing to unpack.
        ready = not chain_id or chain_unpacked
        return Observed(request.source.target, blobs, there, unpacked, ready, held)

    @staticmethod
    def plan(request: ImportRequest, observed: Observed) -> Plan:
        """Return what must happen; pure."""
        there = observed.there
        name = str(request.reference)
        before = _shown(there, observed.unpacked)
        if keeps(request, observed):
            return Plan((), {name: before}, {name: before})
        actions: list[Action] = []
        digest = str(observed.target.digest)
        moving = moves(request, observed)
        if observed.absent:
            size = sum(layer.size for layer in observed.absent)
            actions.append(Action("take", f"{len(observed.absent)} layers", f"{size} bytes from {request.source}"))
        if moving:
            actions.append(Action("name", f"{name} in {request.namespace}", _why(there, digest)))
        present = {} if there is None else there.record.labels
        wanted = wanted_labels(present, request.labels, request.pinned)
        actions.extend(label_actions(name, present, wanted))
        if request.unpack and not observed.ready:
            actions.append(Action("unpack", name))
        after = _description(str(observed.target.digest), True, request.unpack or observed.ready, wanted)
        return Plan(tuple(actions), {name: before}, {name: after})

    def _apply(self, request: ImportRequest, observed: Observed) -> Moved:
        if keeps(request, observed):
            return Moved()
        there = observed.there
        present = {} if there is None else there.record.labels
        labels = wanted_labels(present, request.labels, request.pinned)
        if not moves(request, observed) and not (request.unpack and not observed.ready):
            self._store.relabel(request.namespace, request.reference, present, labels)
            return Moved()
        containerd = self._store.containerd
        # A run that was killed while it unpacked has left it.
        self._remove_staging(request)
        with containerd.lease(request.namespace, request.lease):
            self._write_documents(request, observed)
            moved = self._take_layers(request, observed)
            self._require_complete(request, observed)
            if request.unpack:
                self._unpack(request, observed)
            containerd.put_image(request.namespace, request.reference.containerd_name, observed.target, labels)
        return moved

    def _write_documents(self, request: ImportRequest, observed: Observed) -> None:
        brought = {each.digest for each in observed.blobs.documents + observed.blobs.layers}
        for document in observed.blobs.documents:
            content = request.source.read(document)
            children = [each for each in children_of(document, content) if each.digest in brought]
            references = reference_labels(children)
            self._store.containerd.write_document(request.namespace, document, content, references, request.lease)

    def _take_layers(self, request: ImportRequest, observed: Observed) -> Moved:
        absent = observed.absent
        if len(absent) < len(observed.blobs.needed_layers):
            # Some were held, and may be gone: only what is held now is referenced by what the lease keeps, and stays.
            absent = absent_layers(observed.blobs, self._store.containerd.content_digests(request.namespace))
        delivered = (request.source.deliver(layer, self._store, request.namespace) for layer in absent)
        return sum(delivered, Moved())

    def _require_complete(self, request: ImportRequest, observed: Observed) -> None:
        held = self._store.containerd.content_digests(request.namespace)
        lacking = [str(each.digest) for each in observed.blobs.needed if str(each.digest) not in held]
        if lacking:
            raise IntegrityError(
                "The image did not come through whole, so its name was not moved",
                subject=f"{request.reference} in {request.namespace}: missing {', '.join(lacking)}",
                remedy="run the task again; if it stays so, build the image again",
            )

    def _unpack(self, request: ImportRequest, observed: Observed) -> None:
        from ansible_collections.nephoran.container_build.plugins.module_utils._archive_writer import (  # noqa: PLC0415
            write_skeleton_archive,
        )
        from ansible_collections.nephoran.container_build.plugins.module_utils._snapshot_race import (  # noqa: PLC0415
            despite_snapshot_race,
        )

        documents = {each.digest: request.source.read(each) for each in observed.blobs.documents}
        archive = io.BytesIO()
        write_skeleton_archive(archive, name=request.staging, root=observed.target, documents=documents)
        # ctr needs a name to unpack something. The image's own moves when it stands unpacked.
        with self._staging_removed(request, observed):
            despite_snapshot_race(
                lambda: self._store.ctr.unpack_image(
                    request.namespace,
                    archive.getvalue(),
                    snapshotter=self._store.snapshotter,
                    platform=request.platform,
                    subject=str(request.reference),
                )
            )

    @contextlib.contextmanager
    def _staging_removed(self, request: ImportRequest, observed: Observed) -> t.Iterator[None]:
        """Remove the staging name at the end of the block."""
        # Where the target was not held, no record can have stood for it.
        was_held = str(observed.target.digest) in observed.held
        known = self._names_of_target(request, observed) if was_held else frozenset()
        try:
            yield
        except (ContainerBuildError, OSError):
            # What ended the import is what a person must know; the next import of the name clears up.
            with contextlib.suppress(ContainerBuildError):
                self._remove_staging(request)
                self._remove_ids(request, observed, known)
            raise
        self._remove_staging(request)

    def _remove_staging(self, request: ImportRequest) -> None:
        self._store.containerd.remove_image(request.namespace, str(request.staging), missing_ok=True)

    def _remove_ids(self, request: ImportRequest, observed: Observed, known: frozenset[str]) -> None:
        """Remove the record of the image's id, which the CRI plugin makes as soon as it sees the staging name.

        It stays if the image had it before, or has got a name from somebody else.
        """
        new = self._names_of_target(request, observed) - known
        if new <= {str(each.digest) for each in observed.blobs.documents}:
            for name in new:
                self._store.containerd.remove_image(request.namespace, name, missing_ok=True)

    def _names_of_target(self, request: ImportRequest, observed: Observed) -> frozenset[str]:
        return frozenset(
            self._store.containerd.image_names(request.namespace, f"target.digest=={observed.target.digest}")
        )

    @staticmethod
    def _refuse_reserved_labels(source: ImageSource, platform: Platform) -> None:
        _descriptor, manifest = find_manifest(source.target, platform, source.read)
        config = read_config(manifest, source.read)
        reserved = sorted(key for key in config.labels if key.lower().startswith(RESERVED_LABEL_PREFIXES))
        if reserved:
            raise InvalidInput(
                "The image carries labels that containerd or its CRI plugin obey",
                subject=f"{source}: {', '.join(reserved)}",
                expected=f"no label that begins with {' or '.join(RESERVED_LABEL_PREFIXES)}",
                remedy="build the image without them, or set allow_reserved_labels if you trust whoever made it",
            )


def keeps(request: ImportRequest, observed: Observed) -> bool:
    """Tell whether another image has the name and is to keep it."""
    there = observed.there
    return request.keep and there is not None and there.digest != str(observed.target.digest)


def moves(request: ImportRequest, observed: Observed) -> bool:
    """Tell whether the image's name must be written anew."""
    there = observed.there
    return there is None or there.digest != str(observed.target.digest) or not there.complete or request.force


def _why(there: ImageState | None, digest: str) -> str:
    if there is None:
        return f"absent → {digest}"
    if there.digest != digest:
        return f"{there.digest} → {digest}"
    if not there.complete:
        return f"incomplete: {', '.join(there.missing) or there.problem}"
    return "forced"


def _chain_id(request: ImportRequest) -> str:
    """Return the key of the uppermost snapshot of the source's image; empty if this node's platform has none."""
    source = request.source
    try:
        _descriptor, manifest = find_manifest(source.target, request.platform or Platform.host(), source.read)
    except NotFound:
        return ""
    return read_config(manifest, source.read).chain_id


def _shown(there: ImageState | None, unpacked: bool) -> dict[str, t.Any]:
    if there is None:
        return {"present": False}
    return _description(there.digest, there.complete, unpacked, own_labels(there.record.labels))


def _description(digest: str, complete: bool, unpacked: bool, labels: t.Mapping[str, str]) -> dict[str, t.Any]:
    return {"present": True, "digest": digest, "complete": complete, "unpacked": unpacked, "labels": dict(labels)}
