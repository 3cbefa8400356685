# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd's records, asked of and told to itself. What moves the bytes of layers is left to its client, ctr.

Source: the services ``images``, ``content``, ``leases``, ``namespaces``, ``containers`` and ``snapshots``, version 1,
of containerd's API (``api/services/*/v1/*.proto``), which are the same in containerd 1.7 and 2; and for what a blob
references and how long a lease lasts, the labels of ``docs/garbage-collection.md``.
"""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils import _protobuf as protobuf
from ansible_collections.nephoran.container_build.plugins.module_utils._call_failure import Daemon, call_failure
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor

_COMMIT = 2
_LEASE_SECONDS = 86_400
_EXPIRY_LABEL = "containerd.io/gc.expire"
_REFERENCE_LABEL = "containerd.io/gc.ref.content"


class BlobMissing(NotFound):
    """A namespace does not hold a blob that something in it refers to.

    Attributes:
        digest: the blob's digest.
    """

    def __init__(self, namespace: str, digest: str) -> None:
        super().__init__(
            "The namespace does not hold a blob",
            subject=f"{digest} in {namespace}",
            remedy="build, import or pull the image again",
        )
        self.digest = digest


class ImageRecord(t.NamedTuple):
    """What containerd keeps under an image's name.

    Attributes:
        name: the reference in its full form.
        target: the index or manifest that it names.
        labels: the record's labels (not the image's own, which stand in its config).
        updated: when the record was last written, RFC 3339 in UTC; empty if unknown.
    """

    name: str
    target: Descriptor
    labels: t.Mapping[str, str]
    updated: str = ""


class Containerd:
    """The interface of one containerd.

    Args:
        channel: leads to it.
        address: its socket, for messages.
    """

    def __init__(self, channel: grpc.Channel, address: str) -> None:
        self._channel = channel
        self._address = address

    def namespaces(self) -> list[str]:
        """Return the names of all namespaces."""
        answer = self._call(None, "namespaces", "List", b"", "The namespaces could not be listed", self._address)
        return [each.text(1) for each in answer.messages(1)]

    def remove_namespace(self, namespace: str) -> bool:
        """Remove *namespace*, unless something is in it.

        Returns:
            False if something is; it stays then.
        """
        with self._explained("The namespace could not be removed", namespace):
            try:
                self._ask(None, "namespaces", "Delete", protobuf.text(1, namespace))
            except grpc.GrpcError as error:
                if error.code == grpc.FAILED_PRECONDITION:
                    return False
                if error.code != grpc.NOT_FOUND:
                    raise
        return True

    def image_names(self, namespace: str, *filters: str) -> list[str]:
        """Return the names of the images in *namespace* that match one of *filters*, all without a filter."""
        return [record.name for record in self.list_images(namespace, *filters)]

    def list_images(self, namespace: str, *filters: str) -> list[ImageRecord]:
        """Return the records of the images in *namespace* that match one of *filters*, all without a filter."""
        request = protobuf.texts(1, filters)
        what = "The images could not be listed"
        answer = self._call(namespace, "images", "List", request, what, f"namespace {namespace}")
        return [_parse_record(each) for each in answer.messages(1)]

    def image_record(self, namespace: str, name: str) -> ImageRecord | None:
        """Return the record of the image *name*, None if *namespace* has none."""
        with self._explained("The image could not be looked up", f"{name} in {namespace}"):
            answer = self._ask_unless(grpc.NOT_FOUND, namespace, "images", "Get", protobuf.text(1, name))
        return None if answer is None else _parse_record(answer.message(1))

    def create_image(
        self, namespace: str, name: str, target: Descriptor, labels: t.Mapping[str, str] | None = None
    ) -> bool:
        """Make a record, which refers to *target* whether that is there or not.

        Returns:
            False if there is an image of that name already, which stays.
        """
        request = protobuf.message(1, _image(name, target, labels or {}))
        with self._explained("The image could not be named", f"{name} in {namespace}"):
            return self._ask_unless(grpc.ALREADY_EXISTS, namespace, "images", "Create", request) is not None

    def put_image(self, namespace: str, name: str, target: Descriptor, labels: t.Mapping[str, str]) -> None:
        """Make the record of *name* one of *target* with just *labels*, in one transaction."""
        request = protobuf.message(1, _image(name, target, labels))
        if self.create_image(namespace, name, target, labels):
            return
        with self._explained("The image could not be named", f"{name} in {namespace}"):
            if self._ask_unless(grpc.NOT_FOUND, namespace, "images", "Update", request) is not None:
                return
            # Somebody has removed it since.
            if not self.create_image(namespace, name, target, labels):
                self._ask(namespace, "images", "Update", request)

    def label_image(self, namespace: str, name: str, labels: t.Mapping[str, str]) -> None:
        """Set *labels* on the image's record and leave its others; one that is to be empty goes."""
        # containerd 2 looks into the target though the mask leaves it out, and ends if there is none.
        image = protobuf.text(1, name) + protobuf.texts_by_name(2, labels) + protobuf.message(3, b"")
        request = protobuf.message(1, image) + protobuf.message(2, _label_mask(labels))
        what = "The image's labels could not be set"
        self._call(namespace, "images", "Update", request, what, f"{name} in {namespace}")

    def remove_image(self, namespace: str, name: str, *, missing_ok: bool = False, wait: bool = False) -> None:
        """Remove the image's record; containerd's garbage collection frees what nothing else references.

        Args:
            namespace: where it is.
            name: its name.
            missing_ok: accept that there is none.
            wait: return only when the garbage is collected.
        """
        request = protobuf.text(1, name) + protobuf.number(2, wait)
        with self._explained("The image could not be removed", f"{name} in {namespace}"):
            if missing_ok:
                self._ask_unless(grpc.NOT_FOUND, namespace, "images", "Delete", request)
            else:
                self._ask(namespace, "images", "Delete", request)

    @contextlib.contextmanager
    def lease(self, namespace: str, name: str) -> t.Iterator[None]:
        """Have a lease while the block runs, which keeps what is written with it from the garbage collection.

        If this process does not live to end it, containerd does so after a day; or whoever has use for it next.

        Args:
            namespace: where.
            name: its id, which only one process at a time uses.
        """
        subject = f"{name} in {namespace}"
        expiry = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + _LEASE_SECONDS))
        request = protobuf.text(1, name) + protobuf.texts_by_name(3, {_EXPIRY_LABEL: expiry})
        # One that a killed run left may end at any moment.
        self.end_lease(namespace, name)
        self._call(namespace, "leases", "Create", request, "A lease could not be taken", subject)
        try:
            yield
        except BaseException:
            # What ended the block is what a person must know.
            with contextlib.suppress(ContainerBuildError):
                self.end_lease(namespace, name)
            raise
        self.end_lease(namespace, name)

    def lease_names(self, namespace: str) -> list[str]:
        """Return the ids of all leases in *namespace*."""
        what = "The leases could not be listed"
        answer = self._call(namespace, "leases", "List", b"", what, f"namespace {namespace}")
        return [each.text(1) for each in answer.messages(1)]

    def end_lease(self, namespace: str, name: str, *, wait: bool = False) -> None:
        """End a lease, if there is one; *wait* until the garbage that it kept is collected."""
        request = protobuf.text(1, name) + protobuf.number(2, wait)
        with self._explained("A lease could not be ended", f"{name} in {namespace}"):
            self._ask_unless(grpc.NOT_FOUND, namespace, "leases", "Delete", request)

    def container_ids(self, namespace: str, images: t.Iterable[str]) -> list[str]:
        """Return the ids of the containers in *namespace* that were made from one of the names *images*."""
        filters = [f"image=={name}" for name in images]
        if not filters:
            return []
        request = protobuf.texts(1, filters)
        what = "The containers could not be listed"
        answer = self._call(namespace, "containers", "List", request, what, f"namespace {namespace}")
        return [each.text(1) for each in answer.messages(1)]

    def content_digests(self, namespace: str) -> frozenset[str]:
        """Return the digests of all blobs that *namespace* holds."""
        with self._explained("The content could not be listed", f"namespace {namespace}"):
            answers = self._stream(namespace, "content", "List", b"")
        return frozenset(info.text(1) for answer in answers for info in answer.messages(1))

    def read_content(self, namespace: str, digest: str) -> bytes:
        """Return the blob *digest*; for documents, not for layers.

        Raises:
            BlobMissing: the namespace does not hold it.
        """
        with self._explained("A blob could not be read", f"{digest} in {namespace}"):
            try:
                answers = self._stream(namespace, "content", "Read", protobuf.text(1, digest))
            except grpc.GrpcError as error:
                if error.code == grpc.NOT_FOUND:
                    raise BlobMissing(namespace, digest) from error
                raise
        return b"".join(answer.data(2) for answer in answers)

    def write_document(
        self, namespace: str, descriptor: Descriptor, content: bytes, references: t.Mapping[str, str], lease: str
    ) -> None:
        """Have a small blob in *namespace*, which references others from the moment it is there.

        Args:
            namespace: where to.
            descriptor: what the content must be.
            content: the content.
            references: labels by which the garbage collection knows what the blob references.
            lease: keeps the blob, whether it was there or not.
        """
        subject = f"{descriptor.digest} in {namespace}"
        with self._explained("A document could not be written", subject):
            written = self._write(namespace, descriptor, content=content, labels=references, lease=lease)
        if written or not references:
            return
        # Whoever brought it may have said nothing of what it refers to.
        info = protobuf.text(1, str(descriptor.digest)) + protobuf.texts_by_name(5, references)
        request = protobuf.message(1, info) + protobuf.message(2, _label_mask(references))
        self._call(namespace, "content", "Update", request, "A document's references could not be set", subject)

    def share(self, namespace: str, blob: Descriptor) -> bool:
        """Make *blob*, which another namespace holds, visible in *namespace* without moving a byte.

        containerd does that for whoever can name digest and size, unless its content policy is ``isolated``.

        Returns:
            False if no namespace holds it, or the policy forbids it.
        """
        with self._explained("A blob could not be shared", f"{blob.digest} with {namespace}"):
            try:
                self._write(namespace, blob, offset=blob.size)
            except grpc.GrpcError as error:
                # Without the blob, the upload stands at its beginning, and not behind all of its bytes.
                if error.code == grpc.OUT_OF_RANGE:
                    return False
                raise
        return True

    def snapshot_exists(self, namespace: str, snapshotter: str, key: str) -> bool:
        """Tell whether *snapshotter* holds the snapshot *key*: an image is unpacked if it holds its chain id."""
        request = protobuf.text(1, snapshotter) + protobuf.text(2, key)
        with self._explained("A snapshot could not be looked up", f"{key} in {namespace}"):
            return self._ask_unless(grpc.NOT_FOUND, namespace, "snapshots", "Stat", request) is not None

    def _write(
        self,
        namespace: str,
        blob: Descriptor,
        *,
        offset: int = 0,
        content: bytes = b"",
        labels: t.Mapping[str, str] | None = None,
        lease: str = "",
    ) -> bool:
        """Write and commit a blob in one message; False if *namespace* holds it already."""
        # A key of its own: containerd resumes an upload of the same key, and would append to one that failed.
        key = f"write-{os.urandom(16).hex()}"
        request = (
            protobuf.number(1, _COMMIT)
            + protobuf.text(2, key)
            + protobuf.number(3, blob.size)
            + protobuf.text(4, str(blob.digest))
            + protobuf.number(5, offset)
            + protobuf.data(6, content)
            + protobuf.texts_by_name(7, labels or {})
        )
        try:
            self._stream(namespace, "content", "Write", request, lease)
        except grpc.GrpcError as error:
            if error.code == grpc.ALREADY_EXISTS:
                return False
            self._abort(namespace, key)
            raise
        return True

    def _abort(self, namespace: str, key: str) -> None:
        try:
            self._ask(namespace, "content", "Abort", protobuf.text(1, key))
        except grpc.GrpcError:
            # What made the upload fail is what a person must know; containerd forgets the upload after a day.
            return

    def _call(
        self, namespace: str | None, service: str, method: str, request: bytes, what: str, subject: str
    ) -> protobuf.Message:
        """Return the only message of an answer, or say *what* failed on which *subject*."""
        with self._explained(what, subject):
            return self._ask(namespace, service, method, request)

    @contextlib.contextmanager
    def _explained(self, what: str, subject: str) -> t.Iterator[None]:
        try:
            yield
        except grpc.GrpcError as error:
            daemon = Daemon("containerd", "containerd", self._address, "address")
            raise call_failure(error, what, subject, daemon) from error

    def _ask_unless(
        self, code: int, namespace: str, service: str, method: str, request: bytes
    ) -> protobuf.Message | None:
        """Return the only message of an answer, ``None`` if the answer is the status *code*."""
        try:
            return self._ask(namespace, service, method, request)
        except grpc.GrpcError as error:
            if error.code != code:
                raise
            return None

    def _ask(self, namespace: str | None, service: str, method: str, request: bytes) -> protobuf.Message:
        answers = self._stream(namespace, service, method, request)
        if len(answers) != 1:
            raise grpc.GrpcError(grpc.UNKNOWN, f"{len(answers)} messages came where one was expected")
        return answers[0]

    def _stream(
        self, namespace: str | None, service: str, method: str, request: bytes, lease: str = ""
    ) -> list[protobuf.Message]:
        path = f"/containerd.services.{service}.v1.{service.capitalize()}/{method}"
        metadata = {"containerd-namespace": namespace, "containerd-lease": lease}
        answers = self._channel.call(path, request, {key: value for key, value in metadata.items() if value})
        try:
            return [protobuf.Message(each) for each in answers]
        except protobuf.ProtobufError as error:
            raise grpc.GrpcError(grpc.UNKNOWN, f"{path}: {error}") from error


def reference_labels(children: t.Iterable[Descriptor]) -> dict[str, str]:
    """Return the labels by which containerd's garbage collection knows that a blob references *children*.

    Their names follow the kind of the child, as containerd's own clients choose them; only the prefix matters.
    """
    numbers: dict[str, int] = {}
    labels = {}
    for child in children:
        kind = "m" if child.is_document else "config" if child.is_config else "l"
        number = numbers[kind] = numbers.get(kind, -1) + 1
        labels[f"{_REFERENCE_LABEL}.{kind}" + ("" if kind == "config" else f".{number}")] = str(child.digest)
    return labels


def _image(name: str, target: Descriptor, labels: t.Mapping[str, str]) -> bytes:
    descriptor = (
        protobuf.text(1, target.media_type) + protobuf.text(2, str(target.digest)) + protobuf.number(3, target.size)
    )
    return protobuf.text(1, name) + protobuf.texts_by_name(2, labels) + protobuf.message(3, descriptor)


def _label_mask(labels: t.Mapping[str, str]) -> bytes:
    return protobuf.texts(1, (f"labels.{key}" for key in sorted(labels)))


def _parse_record(image: protobuf.Message) -> ImageRecord:
    name = image.text(1)
    target = image.message(3)
    document = {"mediaType": target.text(1), "digest": target.text(2), "size": target.number(3)}
    return ImageRecord(
        name,
        Descriptor.from_document(document, f"target of {name}"),
        image.texts_by_name(2),
        _timestamp(image.message(8)),
    )


def _timestamp(moment: protobuf.Message) -> str:
    """Return a timestamp as RFC 3339, empty for none."""
    if not moment.number(1):
        return ""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment.number(1)))
    fraction = f".{moment.number(2):09d}".rstrip("0").rstrip(".")
    return f"{whole}{fraction}Z"
