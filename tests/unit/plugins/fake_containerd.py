# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A containerd in memory, behind its interface and the command line of ctr.

It behaves as containerd 2.2.1 does where the layers above depend on it: content is shared between namespaces by digest
and size alone, and a record does not ask whether its target is there. Garbage may be collected after every single call,
which is the worst that can happen.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
import io
import pathlib
import tarfile
import threading
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils import _protobuf as protobuf
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import children_of
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    tar_bytes,
)

SOCKET = "/run/containerd/containerd.sock"
LONG_AGO = "2026-01-02T03:04:05.123456789Z"
DONE = Answer()


@dataclasses.dataclass
class Record:
    """An image's record."""

    target: oci.Descriptor
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    updated: str = LONG_AGO


@dataclasses.dataclass
class Namespace:
    """What one namespace sees."""

    records: dict[str, Record] = dataclasses.field(default_factory=dict)
    held: set[str] = dataclasses.field(default_factory=set)
    snapshots: set[str] = dataclasses.field(default_factory=set)
    references: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    """What the garbage collection knows blobs to reference: what their labels say, not what their content does."""
    leases: dict[str, set[str]] = dataclasses.field(default_factory=dict)
    """The digests of the blobs that each lease keeps."""
    containers: dict[str, str] = dataclasses.field(default_factory=dict)
    """The names of the images that containers were made from, by the containers' ids."""


class FakeContainerd:
    """Answers what `runner` is asked to start or to call."""

    def __init__(self, runner: FakeRunner, *namespaces: str, shared: bool = True, storm: bool = False) -> None:
        self.blobs: dict[str, bytes] = {}
        self.namespaces = {name: Namespace() for name in namespaces}
        self._declared = set(namespaces)
        self.shared = shared
        self.storm = storm
        self._one_at_a_time = threading.Lock()
        self.bytes_read = 0
        """Bytes of layers that were really read out of files."""
        runner.on("ctr", do=self.answer)
        runner.on("containerd", do=self.answer)

    def put(
        self,
        namespace: str,
        name: str,
        target: oci.Descriptor,
        images: ImageFactory,
        *,
        labels: t.Mapping[str, str] | None = None,
        without: t.Collection[str] = (),
        unpacked: bool = False,
        updated: str = LONG_AGO,
    ) -> None:
        """Have an image in a namespace, as far as its blobs are not `without`."""
        plain = target._replace(platform=None, annotations={})
        self.namespaces[namespace].records[name] = Record(plain, dict(labels or {}), updated)
        for digest in _reachable(plain, {str(key): value for key, value in images.blobs.items()}):
            if digest not in without:
                self.blobs[digest] = images.blobs[Digest.parse(digest)]
                self.namespaces[namespace].held.add(digest)
        self.reference(self.namespaces[namespace], plain)
        if unpacked:
            self._unpack(self.namespaces[namespace], plain)

    def names(self, namespace: str) -> list[str]:
        return sorted(self.namespaces[namespace].records)

    def record(self, namespace: str, name: str) -> Record:
        return self.namespaces[namespace].records[name]

    def whole(self, namespace: str, name: str) -> bool:
        """Whether the namespace holds all that the image consists of."""
        there = self.namespaces[namespace]
        return _reachable(there.records[name].target, self.blobs) <= there.held

    def collect_garbage(self) -> None:
        for namespace in self.namespaces.values():
            used: set[str] = set()
            waiting = {str(record.target.digest) for record in namespace.records.values()}
            waiting = waiting.union(*namespace.leases.values())
            while waiting:
                digest = waiting.pop()
                used.add(digest)
                if digest in namespace.held:
                    waiting |= namespace.references.get(digest, set()) - used
            namespace.held &= used

    def answer(self, call: Call) -> Answer:
        """Answer a command of ctr or a call of containerd's interface."""
        return (self._ctr if call.argv[0] == "ctr" else self._called)(call)

    def _ctr(self, call: Call) -> Answer:
        assert call.value_of("--address") == SOCKET
        words = call.argv[3:] if "--namespace" not in call.argv[:5] else call.argv[5:]
        with self._one_at_a_time:
            answer = self._commands[words[:2]](self, call, words[2:])
            if self.storm:
                self.collect_garbage()
        return answer

    def _namespace(self, call: Call) -> Namespace:
        return self.namespaces.setdefault(call.value_of("--namespace"), Namespace())

    def _get_content(self, call: Call, words: t.Sequence[str]) -> Answer:
        (digest,) = words
        if digest not in self._namespace(call).held:
            return Answer(rc=1, stderr=f"ctr: content digest {digest}: not found")
        return Answer(self.blobs[digest])

    def _ingest(self, call: Call, words: t.Sequence[str]) -> Answer:
        digest, size = call.value_of("--expected-digest"), int(call.value_of("--expected-size"))
        assert call.stdin_path is not None
        path = pathlib.Path(call.stdin_path)
        if not path.exists():
            return Answer(rc=2, stderr=f"/bin/sh: 1: cannot open {path}: No such file")
        if path.stat().st_size != size:
            return Answer(rc=1, stderr=f"ctr: short read: expected {size} bytes: unexpected EOF")
        if not (self.shared and digest in self.blobs):
            content = path.read_bytes()
            self.bytes_read += len(content)
            found = f"sha256:{hashlib.sha256(content).hexdigest()}"
            if found != digest:
                return Answer(rc=1, stderr=f"ctr: commit failed: unexpected commit digest {found}, expected {digest}")
            self.blobs[digest] = content
        self._namespace(call).held.add(digest)
        return DONE

    def _import(self, call: Call, words: t.Sequence[str]) -> Answer:
        assert call.data is not None
        namespace = self._namespace(call)
        with tarfile.open(fileobj=io.BytesIO(call.data)) as archive:
            members = {member.name: _content(archive, member) for member in archive.getmembers()}
        for name, content in members.items():
            if name.startswith("blobs/"):
                digest = name.removeprefix("blobs/").replace("/", ":")
                self.blobs[digest] = content
                namespace.held.add(digest)
        (entry,) = oci.Index.parse(members["index.json"]).manifests
        target = entry._replace(annotations={})
        self.reference(namespace, target)
        if not _reachable(target, self.blobs) <= namespace.held:
            return Answer(rc=1, stderr="ctr: failed to unpack: content digest: not found")
        self._unpack(namespace, target)
        namespace.records[entry.annotations[oci.NAME_ANNOTATION]] = Record(target)
        return DONE

    def _export(self, call: Call, words: t.Sequence[str]) -> Answer:
        assert "--local" in words, "ctr 2.2.1 would not wait for the last bytes"
        words = [word for word in words if word not in ("--local", "--all-platforms", "--skip-manifest-json")]
        platform = Platform.parse(call.value_of("--platform")) if "--platform" in words else None
        path, *names = words[2:] if platform else words
        namespace = self._namespace(call)
        # ctr opens the file before it looks for the images.
        pathlib.Path(path).write_bytes(b"")
        members = {"oci-layout": oci.layout_document()}
        entries = []
        for name in names:
            if name not in namespace.records:
                return Answer(rc=1, stderr=f'ctr: image "{name}": not found')
            target = namespace.records[name].target
            entries.append(target._replace(annotations={oci.NAME_ANNOTATION: name}))
            for digest in _reachable(target, self.blobs, platform):
                if digest not in namespace.held:
                    return Answer(rc=1, stderr=f"ctr: failed to get reader: content digest {digest}: not found")
                members[f"blobs/{digest.replace(':', '/')}"] = self.blobs[digest]
        members["index.json"] = oci.index_document(entries)
        if "--skip-manifest-json" not in call.argv:
            members["manifest.json"] = b"[]"
        pathlib.Path(path).write_bytes(tar_bytes(members))
        return DONE

    def reference(self, namespace: Namespace, target: oci.Descriptor) -> None:
        """Write down what the documents of an image reference, as a client does that pulls, builds or imports it."""
        waiting = [target]
        while waiting:
            document = waiting.pop()
            content = self.blobs.get(str(document.digest))
            if content is not None and document.is_document:
                try:
                    children = children_of(document, content)
                except IntegrityError:
                    continue
                namespace.references[str(document.digest)] = {str(child.digest) for child in children}
                waiting += children

    def _unpack(self, namespace: Namespace, target: oci.Descriptor) -> None:
        chain = ""
        for diff_id in _config(target, self.blobs).diff_ids:
            chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else str(diff_id)
        namespace.snapshots.add(chain)

    def _called(self, call: Call) -> Answer:
        assert call.value_of("--address") == SOCKET
        assert call.data is not None
        method = next(word for word in call.argv if word in self._methods)
        with self._one_at_a_time:
            answer = self._methods[method](self, call, Message(call.data))
            if self.storm:
                self.collect_garbage()
        return answer

    def _list_namespaces(self, call: Call, request: Message) -> Answer:
        # containerd makes a namespace when something is put into it; looking into it alone does not.
        made = (name for name, there in self.namespaces.items() if name in self._declared or there != Namespace())
        return _answer(*(protobuf.message(1, protobuf.text(1, name)) for name in made))

    def _remove_namespace(self, call: Call, request: Message) -> Answer:
        name = request.text(1)
        there = self.namespaces.get(name, Namespace())
        if there.records or there.held or there.snapshots:
            return Answer(rc=grpc.FAILED_PRECONDITION, stderr=f'namespace "{name}" must be empty, but has images')
        self.namespaces.pop(name, None)
        return DONE

    def _list_images(self, call: Call, request: Message) -> Answer:
        filters = [each.split(",") for each in request.texts(1)]
        return _answer(
            *(
                protobuf.message(1, _image(name, record))
                for name, record in self._namespace(call).records.items()
                if not filters or any(all(_fits(name, record, condition) for condition in each) for each in filters)
            )
        )

    def _get_image(self, call: Call, request: Message) -> Answer:
        name = request.text(1)
        record = self._namespace(call).records.get(name)
        return _not_found(f'image "{name}"') if record is None else _answer(protobuf.message(1, _image(name, record)))

    def _create_image(self, call: Call, request: Message) -> Answer:
        image = request.message(1)
        _require_target(image)
        records = self._namespace(call).records
        if image.text(1) in records:
            return Answer(rc=grpc.ALREADY_EXISTS, stderr=f'image "{image.text(1)}": already exists')
        records[image.text(1)] = Record(_target(image), image.texts_by_name(2))
        return DONE

    def _update_image(self, call: Call, request: Message) -> Answer:
        image, paths = request.message(1), request.message(2).texts(1)
        _require_target(image)
        name, labels = image.text(1), image.texts_by_name(2)
        records = self._namespace(call).records
        if name not in records:
            return _not_found(f'image "{name}"')
        if not paths:
            records[name] = Record(_target(image), labels)
        for key in (path.split(".", 1)[1] for path in paths):
            records[name].labels.pop(key, None)
            if labels.get(key):
                records[name].labels[key] = labels[key]
        return DONE

    def _delete_image(self, call: Call, request: Message) -> Answer:
        found = self._namespace(call).records.pop(request.text(1), None)
        if found is None:
            return _not_found(f'image "{request.text(1)}"')
        if request.number(2):
            self.collect_garbage()
        return DONE

    def _list_content(self, call: Call, request: Message) -> Answer:
        held = sorted(self._namespace(call).held)
        # containerd sends them by the hundred.
        halves = held[: len(held) // 2], held[len(held) // 2 :]
        infos = (b"".join(protobuf.message(1, protobuf.text(1, digest)) for digest in half) for half in halves)
        return Answer(messages=[info for info in infos if info])

    def _read_content(self, call: Call, request: Message) -> Answer:
        digest = request.text(1)
        if digest not in self._namespace(call).held:
            return _not_found(f"content {digest}")
        content = self.blobs[digest]
        half = len(content) // 2
        return Answer(messages=[protobuf.data(2, piece) for piece in (content[:half], content[half:]) if piece])

    def _write_content(self, call: Call, request: Message) -> Answer:
        total, digest, offset, content = request.number(3), request.text(4), request.number(5), request.data(6)
        namespace = self._namespace(call)
        if "--lease" in call.argv:
            namespace.leases[call.value_of("--lease")].add(digest)
        if digest in namespace.held:
            return Answer(rc=grpc.ALREADY_EXISTS, stderr=f"content {digest}: already exists")
        shared = self.shared and digest in self.blobs
        if offset not in (0, total if shared else 0):
            return Answer(rc=grpc.OUT_OF_RANGE, stderr=f"write @{offset} must occur at current offset 0")
        if not offset:
            found = f"sha256:{hashlib.sha256(content).hexdigest()}"
            if found != digest:
                message = f"unexpected commit digest {found}, expected {digest}: failed precondition"
                return Answer(rc=grpc.FAILED_PRECONDITION, stderr=message)
            self.blobs[digest] = content
        namespace.held.add(digest)
        namespace.references[digest] = set(request.texts_by_name(7).values())
        return DONE

    def _update_content(self, call: Call, request: Message) -> Answer:
        info = request.message(1)
        digest = info.text(1)
        namespace = self._namespace(call)
        if digest not in namespace.held:
            return _not_found(f"content {digest}")
        namespace.references.setdefault(digest, set()).update(info.texts_by_name(5).values())
        return DONE

    def _create_lease(self, call: Call, request: Message) -> Answer:
        assert request.texts_by_name(3)["containerd.io/gc.expire"]
        leases = self._namespace(call).leases
        if request.text(1) in leases:
            return Answer(rc=grpc.ALREADY_EXISTS, stderr="lease already exists")
        leases[request.text(1)] = set()
        return DONE

    def _list_leases(self, call: Call, request: Message) -> Answer:
        return _answer(*(protobuf.message(1, protobuf.text(1, name)) for name in self._namespace(call).leases))

    def _delete_lease(self, call: Call, request: Message) -> Answer:
        found = self._namespace(call).leases.pop(request.text(1), None)
        if request.number(2):
            self.collect_garbage()
        return _not_found("lease") if found is None else DONE

    def _list_containers(self, call: Call, request: Message) -> Answer:
        images = {condition.removeprefix("image==") for condition in request.texts(1)}
        there = self._namespace(call).containers
        return _answer(*(protobuf.message(1, protobuf.text(1, key)) for key, image in there.items() if image in images))

    def _stat_snapshot(self, call: Call, request: Message) -> Answer:
        key = request.text(2)
        return DONE if key in self._namespace(call).snapshots else _not_found(f"snapshot {key} does not exist")

    def _abort(self, call: Call, request: Message) -> Answer:
        return DONE

    _commands: t.ClassVar[dict[tuple[str, ...], t.Callable[[FakeContainerd, Call, t.Sequence[str]], Answer]]] = {
        ("images", "import"): _import,
        ("images", "export"): _export,
        ("content", "get"): _get_content,
        ("content", "ingest"): _ingest,
    }
    _methods: t.ClassVar[dict[str, t.Callable[[FakeContainerd, Call, Message], Answer]]] = {
        "namespaces.List": _list_namespaces,
        "namespaces.Delete": _remove_namespace,
        "images.List": _list_images,
        "images.Get": _get_image,
        "images.Create": _create_image,
        "images.Update": _update_image,
        "images.Delete": _delete_image,
        "leases.Create": _create_lease,
        "leases.Delete": _delete_lease,
        "leases.List": _list_leases,
        "containers.List": _list_containers,
        "content.List": _list_content,
        "content.Read": _read_content,
        "content.Write": _write_content,
        "content.Update": _update_content,
        "content.Abort": _abort,
        "snapshots.Stat": _stat_snapshot,
    }


def _answer(*fields: bytes) -> Answer:
    return Answer(messages=[b"".join(fields)])


def _not_found(what: str) -> Answer:
    return Answer(rc=grpc.NOT_FOUND, stderr=f"{what}: not found")


def _image(name: str, record: Record) -> bytes:
    target = record.target
    descriptor = (
        protobuf.text(1, target.media_type) + protobuf.text(2, str(target.digest)) + protobuf.number(3, target.size)
    )
    if not record.updated:
        return protobuf.text(1, name) + protobuf.texts_by_name(2, record.labels) + protobuf.message(3, descriptor)
    moment = dt.datetime.strptime(record.updated[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=dt.timezone.utc)
    nanoseconds = int(record.updated[20:-1].ljust(9, "0"))
    updated = protobuf.number(1, int(moment.timestamp())) + protobuf.number(2, nanoseconds)
    return (
        protobuf.text(1, name)
        + protobuf.texts_by_name(2, record.labels)
        + protobuf.message(3, descriptor)
        + protobuf.message(8, updated)
    )


def _require_target(image: Message) -> None:
    # containerd 2.2.1 does not survive a request without one, whatever it asks for.
    assert len(image.messages(3)) == 1


def _target(image: Message) -> oci.Descriptor:
    target = image.message(3)
    return oci.Descriptor(target.text(1), Digest.parse(target.text(2)), target.number(3))


def _fits(name: str, record: Record, condition: str) -> bool:
    field, value = condition.split("==")
    return {"name": name, "target.digest": str(record.target.digest)}[field] == value


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = archive.extractfile(member)
    assert stream is not None
    return stream.read()


def _reachable(target: oci.Descriptor, blobs: t.Mapping[str, bytes], platform: Platform | None = None) -> set[str]:
    """The digests that an image's documents name, as far as they are there: for `platform`, or for all."""
    found: set[str] = set()
    waiting = [target]
    while waiting:
        descriptor = waiting.pop()
        found.add(str(descriptor.digest))
        content = blobs.get(str(descriptor.digest))
        if content is None:
            continue
        if descriptor.is_index:
            index = oci.Index.parse(content)
            waiting += index.manifests if platform is None else [oci.select_manifest(index, platform)]
        elif descriptor.is_manifest:
            manifest = oci.Manifest.parse(content)
            waiting += [manifest.config, *manifest.layers]
    return found


def _config(target: oci.Descriptor, blobs: t.Mapping[str, bytes]) -> oci.ImageConfig:
    while target.is_index:
        target = oci.select_manifest(oci.Index.parse(blobs[str(target.digest)]), Platform.host())
    manifest = oci.Manifest.parse(blobs[str(target.digest)])
    return oci.ImageConfig.parse(blobs[str(manifest.config.digest)])
