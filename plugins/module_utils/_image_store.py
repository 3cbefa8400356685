# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The truth about images in containerd's namespaces, put together from its records and its content."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import (
    BlobMissing,
    Containerd,
    ImageRecord,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._ctr import Ctr
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import (
    ImageBlobs,
    blobs_of,
    find_manifest,
    read_config,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor, ImageConfig
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import label_changes
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner

DEFAULT_ADDRESS = "/run/containerd/containerd.sock"
DEFAULT_SNAPSHOTTER = "overlayfs"
KUBERNETES_NAMESPACE = "k8s.io"
# containerd makes these when something is first put into them; every other one must have been made by somebody.
IMPLICIT_NAMESPACES = ("default", KUBERNETES_NAMESPACE)


class ImageState(t.NamedTuple):
    """An image in a namespace, judged for one platform, or for all.

    Attributes:
        namespace: where it is.
        record: its name, target and the record's labels.
        blobs: what it consists of, as far as its documents can be read.
        missing: digests that it needs and the namespace does not hold.
        manifest: the manifest that was judged; None if there is none for the platform or it is missing.
        config: that manifest's config; None if it is missing.
        config_digest: the config's digest, which Docker's tools call the image's id.
        problem: why no manifest could be judged; empty if one was.
    """

    namespace: str
    record: ImageRecord
    blobs: ImageBlobs | None = None
    missing: tuple[str, ...] = ()
    manifest: Descriptor | None = None
    config: ImageConfig | None = None
    config_digest: Digest | None = None
    problem: str = ""

    @property
    def digest(self) -> str:
        """The digest of the image's target."""
        return str(self.record.target.digest)

    @property
    def complete(self) -> bool:
        """Whether the namespace holds all that the platform needs."""
        return not self.missing and not self.problem

    @property
    def chain_id(self) -> str:
        """The key of the image's uppermost snapshot; empty if it has no layers or no config."""
        return self.config.chain_id if self.config else ""


class ImageStore:
    """Images in the namespaces of one containerd.

    Args:
        containerd: its interface.
        ctr: its own client.
        nerdctl: its Docker-like client.
        snapshotter: where images are unpacked.
    """

    def __init__(
        self, containerd: Containerd, ctr: Ctr, nerdctl: Nerdctl, snapshotter: str = DEFAULT_SNAPSHOTTER
    ) -> None:
        self.containerd = containerd
        self.ctr = ctr
        self.nerdctl = nerdctl
        self.snapshotter = snapshotter
        # Content never changes under its digest, so a document is fetched once, whichever namespaces hold it.
        self._documents: dict[str, bytes] = {}
        self._held: dict[str, set[str]] = {}

    @classmethod
    def connect(cls, runner: Runner, address: str, snapshotter: str, timeout: int | None = None) -> ImageStore:
        """Return the store behind the socket *address*."""
        containerd = Containerd(runner.dial(address, timeout), address)
        return cls(containerd, Ctr(runner, address, timeout), Nerdctl(runner, address, timeout), snapshotter)

    def require_namespace(self, namespace: str, *, may_be_made: bool = False) -> None:
        """Check that *namespace* exists.

        Args:
            namespace: its name.
            may_be_made: accept ``default`` and ``k8s.io`` though nothing was put into them yet.

        Raises:
            NotFound: it does not exist.
        """
        if may_be_made and namespace in IMPLICIT_NAMESPACES:
            return
        existing = self.containerd.namespaces()
        if namespace in existing:
            return
        raise NotFound(
            "containerd has no such namespace",
            subject=namespace,
            expected=f"one of {', '.join(existing) or '(there are none yet)'}",
            remedy=f"correct the name, or make it first: ctr namespaces create {namespace}",
        )

    def record(self, namespace: str, reference: Reference) -> ImageRecord | None:
        """Return the record of *reference*, None if the namespace has none."""
        return self.containerd.image_record(namespace, reference.containerd_name)

    def read(self, namespace: str) -> t.Callable[[Descriptor], bytes]:
        """Return what reads the small blobs of *namespace*."""

        def read(descriptor: Descriptor) -> bytes:
            return self._document(namespace, str(descriptor.digest))

        return read

    def _document(self, namespace: str, digest: str) -> bytes:
        if not self._knows(namespace, digest):
            self._documents[digest] = self.containerd.read_content(namespace, digest)
            self._held.setdefault(namespace, set()).add(digest)
        return self._documents[digest]

    def _knows(self, namespace: str, digest: str) -> bool:
        return digest in self._documents and digest in self._held.get(namespace, ())

    def state(
        self, namespace: str, record: ImageRecord, platform: Platform | None, held: frozenset[str] | None = None
    ) -> ImageState:
        """Judge the image of *record*.

        Args:
            namespace: where it is.
            record: what to judge.
            platform: the platform that it must serve; None: all that it names, and their attestations.
            held: the digests that the namespace holds; looked up if not given.

        Raises:
            IntegrityError: a document is malformed.
        """
        if held is None:
            held = self.containerd.content_digests(namespace)
        self._held.setdefault(namespace, set()).update(held & self._documents.keys())
        state = self._read(namespace, record, platform)
        needed = state.blobs.needed if state.blobs else ()
        missing = tuple(str(each.digest) for each in needed if str(each.digest) not in held)
        return state._replace(missing=missing or state.missing)

    def _read(self, namespace: str, record: ImageRecord, platform: Platform | None) -> ImageState:
        """Return the image's state as far as its documents tell it."""
        try:
            blobs = blobs_of(record.target, self.read(namespace), platform)
            return self._judged(ImageState(namespace, record, blobs), platform)
        except BlobMissing as error:
            return ImageState(namespace, record, missing=(error.digest,), problem=f"blob {error.digest} is missing")
        except NotFound as error:
            return ImageState(namespace, record, problem=str(error))

    def _judged(self, state: ImageState, platform: Platform | None) -> ImageState:
        """Return *state* with the manifest and config for *platform*, or for the node's own if all are asked for."""
        read = self.read(state.namespace)
        try:
            descriptor, manifest = find_manifest(state.record.target, platform or Platform.host(), read)
        except NotFound:
            if platform is not None:
                raise
            return state
        config = read_config(manifest, read)
        return state._replace(manifest=descriptor, config=config, config_digest=manifest.config.digest)

    def find(self, namespace: str, reference: Reference, platform: Platform | None) -> ImageState | None:
        """Return the state of the image *reference*, None if the namespace has none of that name."""
        record = self.record(namespace, reference)
        return None if record is None else self.state(namespace, record, platform)

    def unpacked(self, state: ImageState) -> bool:
        """Tell whether the image's layers stand unpacked in the snapshotter."""
        return self.chain_unpacked(state.namespace, state.chain_id)

    def chain_unpacked(self, namespace: str, chain_id: str) -> bool:
        """Tell whether the layers stand unpacked whose chain id is *chain_id*; no layers never do."""
        return bool(chain_id) and self.containerd.snapshot_exists(namespace, self.snapshotter, chain_id)

    def relabel(
        self, namespace: str, reference: Reference, present: t.Mapping[str, str], wanted: t.Mapping[str, str]
    ) -> None:
        """Make the labels *wanted* those of the record of *reference*, which has *present*."""
        changes = label_changes(present, wanted)
        if changes:
            self.containerd.label_image(namespace, reference.containerd_name, changes)
