# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A containerd in memory, behind the command lines of ctr and nerdctl.

It behaves as containerd 2.2.1 does where the layers above depend on it: content is shared between namespaces by digest
and size alone, importing an image replaces its record's labels, and an import does not ask whether the layers are
there. Garbage may be collected after every single command, which is the worst that can happen.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import pathlib
import tarfile
import threading
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
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
    containers: dict[str, str] = dataclasses.field(default_factory=dict)
    """The names of the images that containers were made from, by the containers' ids."""


class FakeContainerd:
    """Answers ctr's and nerdctl's questions to `runner`."""

    def __init__(self, runner: FakeRunner, *namespaces: str, shared: bool = True, storm: bool = False) -> None:
        self.blobs: dict[str, bytes] = {}
        self.namespaces = {name: Namespace() for name in namespaces}
        self._declared = set(namespaces)
        self.shared = shared
        self.storm = storm
        self._one_at_a_time = threading.Lock()
        self.bytes_read = 0
        """Bytes of layers that were really read out of files."""
        runner.on("ctr", do=self._ctr)
        runner.on("nerdctl", "image", "inspect", "--mode=native", do=self._inspect)

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
        plain = dataclasses.replace(target, platform=None, annotations={})
        self.namespaces[namespace].records[name] = Record(plain, dict(labels or {}), updated)
        for digest in _reachable(plain, {str(key): value for key, value in images.blobs.items()}):
            if digest not in without:
                self.blobs[digest] = images.blobs[Digest.parse(digest)]
                self.namespaces[namespace].held.add(digest)
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
            for record in namespace.records.values():
                used |= _reachable(record.target, {digest: self.blobs[digest] for digest in namespace.held})
            namespace.held &= used

    def _inspect(self, call: Call) -> Answer:
        with self._one_at_a_time:
            records = dict(self._namespace(call).records)
        asked = call.argv[call.argv.index("--mode=native") + 1 :]
        # nerdctl answers with every name of an image that one of its names leads to.
        digests = {records[name].target.digest for name in asked if name in records}
        documents = [
            {
                "Image": {
                    "Name": name,
                    "Labels": record.labels or None,
                    "Target": record.target.to_document(),
                    "UpdatedAt": record.updated,
                },
                **self._shown_documents(record.target),
            }
            for name, record in records.items()
            if record.target.digest in digests
        ]
        return Answer(json.dumps(documents) if documents else "")

    def _shown_documents(self, target: oci.Descriptor) -> dict[str, t.Any]:
        """What nerdctl adds of the manifest and the config that it finds for linux/amd64."""
        entries = self._json(str(target.digest)).get("manifests") or [target.to_document()]
        for entry in entries:
            config = self._json(entry["digest"]).get("config")
            if config and entry.get("platform", {}).get("architecture", "amd64") == "amd64":
                return {"ManifestDesc": entry, "ImageConfigDesc": config}
        return {"ManifestDesc": None, "ImageConfigDesc": {"mediaType": "", "digest": "", "size": 0}}

    def _json(self, digest: str) -> dict[str, t.Any]:
        try:
            document = json.loads(self.blobs.get(digest, b""))
        except ValueError:
            return {}
        return document if isinstance(document, dict) else {}

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

    def _list_namespaces(self, call: Call, words: t.Sequence[str]) -> Answer:
        # containerd makes a namespace when something is put into it; looking into it alone does not.
        made = (name for name, there in self.namespaces.items() if name in self._declared or there != Namespace())
        return Answer("".join(f"{name}\n" for name in made))

    def _remove_namespace(self, call: Call, words: t.Sequence[str]) -> Answer:
        (name,) = words
        there = self.namespaces.get(name, Namespace())
        if there.records or there.held or there.snapshots:
            return Answer(
                rc=1, stderr=f'ctr: unable to delete {name}: namespace "{name}" must be empty, but has images'
            )
        self.namespaces.pop(name, None)
        return Answer(f"{name}\n")

    def _list_images(self, call: Call, words: t.Sequence[str]) -> Answer:
        assert words[0] == "-q"
        filters = [each.split(",") for each in words[1:]]
        names = [
            name
            for name, record in self._namespace(call).records.items()
            if not filters or any(all(_fits(name, record, condition) for condition in each) for each in filters)
        ]
        return Answer("".join(f"{name}\n" for name in names))

    def _list_content(self, call: Call, words: t.Sequence[str]) -> Answer:
        return Answer("".join(f"{digest}\n" for digest in sorted(self._namespace(call).held)))

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
        target = dataclasses.replace(entry, annotations={})
        if "--no-unpack" not in words:
            if not _reachable(target, self.blobs) <= namespace.held:
                return Answer(rc=1, stderr="ctr: failed to unpack: content digest: not found")
            self._unpack(namespace, target)
        labels = dict(label.split("=", 1) for label in call.values_of("--label"))
        namespace.records[entry.annotations[oci.NAME_ANNOTATION]] = Record(target, labels)
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
            entries.append(dataclasses.replace(target, annotations={oci.NAME_ANNOTATION: name}))
            for digest in _reachable(target, self.blobs, platform):
                if digest not in namespace.held:
                    return Answer(rc=1, stderr=f"ctr: failed to get reader: content digest {digest}: not found")
                members[f"blobs/{digest.replace(':', '/')}"] = self.blobs[digest]
        members["index.json"] = oci.index_document(entries)
        if "--skip-manifest-json" not in call.argv:
            members["manifest.json"] = b"[]"
        pathlib.Path(path).write_bytes(tar_bytes(members))
        return DONE

    def _tag(self, call: Call, words: t.Sequence[str]) -> Answer:
        known, name = words
        records = self._namespace(call).records
        if known not in records:
            return Answer(rc=1, stderr=f'ctr: image "{known}": not found')
        records[name] = Record(records[known].target)
        return DONE

    def _label(self, call: Call, words: t.Sequence[str]) -> Answer:
        name, *changes = words
        if name not in self._namespace(call).records:
            return Answer(rc=1, stderr=f'ctr: image "{name}": not found')
        labels = self._namespace(call).records[name].labels
        for key, value in (change.split("=", 1) for change in changes):
            labels.pop(key, None)
            if value:
                labels[key] = value
        return DONE

    def _remove(self, call: Call, words: t.Sequence[str]) -> Answer:
        (name,) = (word for word in words if word != "--sync")
        found = self._namespace(call).records.pop(name, None)
        if "--sync" in words:
            self.collect_garbage()
        return Answer(stderr=f'level=warning msg="{name}: image not found"') if found is None else DONE

    def _list_containers(self, call: Call, words: t.Sequence[str]) -> Answer:
        assert words[0] == "-q"
        images = {condition.removeprefix("image==") for condition in words[1:]}
        there = self._namespace(call).containers
        return Answer("".join(f"{key}\n" for key, image in there.items() if image in images))

    def _snapshot(self, call: Call, words: t.Sequence[str]) -> Answer:
        key = words[-1]
        if key in self._namespace(call).snapshots:
            return Answer("{}")
        return Answer(rc=1, stderr=f"ctr: snapshot {key} does not exist: not found")

    def _unpack(self, namespace: Namespace, target: oci.Descriptor) -> None:
        chain = ""
        for diff_id in _config(target, self.blobs).diff_ids:
            chain = f"sha256:{hashlib.sha256(f'{chain} {diff_id}'.encode()).hexdigest()}" if chain else str(diff_id)
        namespace.snapshots.add(chain)

    _commands: t.ClassVar[dict[tuple[str, ...], t.Callable[[FakeContainerd, Call, t.Sequence[str]], Answer]]] = {
        ("namespaces", "ls"): _list_namespaces,
        ("namespaces", "rm"): _remove_namespace,
        ("images", "ls"): _list_images,
        ("images", "import"): _import,
        ("images", "export"): _export,
        ("images", "label"): _label,
        ("images", "tag"): _tag,
        ("images", "rm"): _remove,
        ("containers", "ls"): _list_containers,
        ("content", "ls"): _list_content,
        ("content", "get"): _get_content,
        ("content", "ingest"): _ingest,
        ("snapshots", "--snapshotter"): _snapshot,
    }


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
