# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A registry in memory, behind the command lines of nerdctl and buildah.

It says what nerdctl 2.2.1 says: of an index never its digest, and of a manifest only if it is asked with `--verbose`.
"""

from __future__ import annotations

import base64
import json
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import (
    FakeContainerd,
    Namespace,
    Record,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    serialised,
)


def fatal(message: str) -> str:
    """What nerdctl writes before it gives up."""
    time = 'time="2026-11-24T12:43:13Z"'
    return f'{time} level=info msg="fetch failed"\n{time} level=fatal msg={json.dumps(message)}\n'


class FakeRegistry:
    """Every registry there is: images by their names."""

    def __init__(self, runner: FakeRunner, containerd: FakeContainerd) -> None:
        self.images: dict[str, oci.Descriptor] = {}
        self.blobs: dict[str, bytes] = {}
        self.troubles: list[str] = []
        """What nerdctl and buildah fail with, once each, before they get through."""
        self.stale = False
        """Whether a push changes nothing, as if somebody else were faster."""
        self._containerd = containerd
        runner.on("nerdctl", "manifest", "inspect", do=self._unless_in_trouble(self._inspect))
        runner.on("nerdctl", "pull", "--quiet", do=self._unless_in_trouble(self._pull))
        runner.on("nerdctl", "push", "--quiet", do=self._unless_in_trouble(self._push))

    def put(self, name: str, target: oci.Descriptor, images: ImageFactory) -> None:
        self.images[name] = target._replace(platform=None, annotations={})
        self.blobs.update({str(digest): content for digest, content in images.blobs.items()})

    def take_from_buildah(self, name: str, manifest: oci.Descriptor, images: ImageFactory) -> oci.Descriptor:
        """Have what buildah pushes: the same config, and the layers compressed."""
        document = json.loads(images.read(manifest))
        for layer in document["layers"]:
            layer["mediaType"] = f"{oci.OCI_LAYER}+gzip"
            layer["digest"] = str(Digest.of(b"compressed " + layer["digest"].encode()))
        pushed = images.add(oci.OCI_MANIFEST, serialised(document))
        if not self.stale:
            self.put(name, pushed, images)
        return pushed

    def _unless_in_trouble(self, answer: t.Callable[[Call], Answer]) -> t.Callable[[Call], Answer]:
        return lambda call: Answer(rc=1, stderr=self.troubles.pop(0)) if self.troubles else answer(call)

    def _inspect(self, call: Call) -> Answer:
        name = call.argv[-1]
        if name not in self.images:
            return Answer(rc=1, stderr=fatal(f"failed to resolve {name}: {name}: not found"))
        target = self.images[name]
        raw = self.blobs[str(target.digest)]
        if "--verbose" not in call.argv:
            return Answer(json.dumps(json.loads(raw), indent=4))
        assert target.is_manifest, "nerdctl 2.2.1 forgets hosts.toml when it is asked this of an index"
        entry = {"Ref": name, "Descriptor": target.to_document(), "Raw": base64.b64encode(raw).decode()}
        return Answer(json.dumps(entry, indent=4))

    def _pull(self, call: Call) -> Answer:
        name = call.argv[-1]
        assert "--unpack=false" in call.argv
        if name not in self.images:
            return Answer(rc=1, stderr=fatal(f'failed to resolve reference "{name}": {name}: not found'))
        there = self._containerd.namespaces.setdefault(call.value_of("--namespace"), Namespace())
        platform = Platform.parse(call.value_of("--platform")) if "--platform" in call.argv else None
        there.records[name] = Record(self.images[name])
        for digest in self._needed(self.images[name], platform):
            self._containerd.blobs[digest] = self.blobs[digest]
            there.held.add(digest)
        self._containerd.reference(there, self.images[name])
        return Answer(f"{name}\n")

    def _push(self, call: Call) -> Answer:
        assert "--all-platforms" in call.argv
        name, namespace = call.argv[-1], call.value_of("--namespace")
        if not self._containerd.whole(namespace, name):
            return Answer(rc=1, stderr=fatal("content digest: not found"))
        target = self._containerd.record(namespace, name).target
        self.blobs.update(self._containerd.blobs)
        if not self.stale:
            self.images[name] = target
        return Answer(f"{name}\n")

    def _needed(self, target: oci.Descriptor, platform: Platform | None) -> set[str]:
        raw = self.blobs[str(target.digest)]
        if target.is_index:
            index = oci.Index.parse(raw)
            named = index.manifests if platform is None else [oci.select_manifest(index, platform)]
            return {str(target.digest)}.union(*(self._needed(each, None) for each in named))
        manifest = oci.Manifest.parse(raw)
        return {str(each.digest) for each in (target, manifest.config, *manifest.layers)}
