# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node in memory for whole modules: containerd and three builders, and nothing of the machine that runs the tests."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import (
    _build_backends,
    _containerd_options,
    _image_lock,
)
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_buildkit import LIST_WORKERS, workers_answer
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    tar_bytes,
)

BUILDKIT = "unix:///run/buildkit/buildkitd.sock"
PLATFORM = "linux/amd64"


class FakeNode:
    """Builders make one layer out of the Dockerfile, and keep the labels that they are given.

    BuildKit's worker builds in the namespace *worker* of containerd; in none if that is empty.
    """

    def __init__(self, patch: pytest.MonkeyPatch, folder: pathlib.Path, worker: str = "default") -> None:
        self.runner = FakeRunner()
        self.containerd = FakeContainerd(self.runner, "default", "k8s.io")
        self.images = ImageFactory()
        self.buildah: dict[str, oci.Descriptor] = {}
        self.worker = worker
        self.folder = folder
        patch.setattr("platform.machine", lambda: "x86_64")
        patch.setattr(_containerd_options, "require_socket", lambda _address: None)
        patch.setattr(_image_lock.image_lock.__wrapped__, "__defaults__", (str(folder / "locks"),))
        patch.setattr(_build_backends, "STATE_DIR", str(folder / "state"))
        patch.setattr(_build_backends, "BuildRecords", lambda: BuildRecords(str(folder / "state")))
        for variable in ("CONTAINERD_ADDRESS", "CONTAINERD_SNAPSHOTTER"):
            patch.delenv(variable, raising=False)
        self.runner.on("nerdctl", "build", do=self._nerdctl_build)
        self.runner.on(*LIST_WORKERS, do=lambda _call: workers_answer(self._worker()))
        self.runner.on("buildctl", "debug", "workers", do=lambda _call: Answer(json.dumps([self._worker()])))
        self.runner.on("buildctl", "prune")
        self.runner.on("buildctl", "build", do=self._buildctl_build)
        self.runner.on("buildah", "bud", do=self._buildah_build)
        self.runner.on("buildah", "inspect", do=self._buildah_inspect)
        self.runner.on("buildah", "push", do=self._buildah_push)
        self.runner.on("buildah", "tag", do=self._buildah_tag)

    @property
    def builds(self) -> list[Call]:
        builders = (("nerdctl", "build"), ("buildctl", "build"), ("buildah", "bud"))
        return [call for words in builders for call in self.runner.commands(*words) if not self.writes_root(call)]

    @staticmethod
    def writes_root(call: Call) -> bool:
        """Whether a builder was asked for the root file system of an image that is there."""
        return any(output.startswith(("type=local,", "type=tar,")) for output in call.values_of("--output"))

    def _image(self, dockerfile: str, labels: t.Sequence[str]) -> oci.Descriptor:
        layer = b"made by " + pathlib.Path(dockerfile).read_bytes()
        return self.images.manifest(PLATFORM, [layer], dict(label.split("=", 1) for label in labels), stated=False)

    def _root(self, call: Call, dockerfile: str) -> bool:
        """Write the root file system of the image that a Dockerfile names, if that is what a builder is to do."""
        outputs = [
            dict(part.split("=") for part in each.split(",") if "=" in part) for each in call.values_of("--output")
        ]
        roots = [output for output in outputs if output["type"] in ("local", "tar")]
        for output in roots:
            content = pathlib.Path(dockerfile).read_bytes()
            name = content.decode().split()[1]
            target = self.buildah.get(name) or self.containerd.record(self.worker, name).target
            content = self.images.read(oci.Manifest.parse(self.images.read(target)).layers[0])
            path = pathlib.Path(output["dest"])
            if output["type"] == "local":
                path.mkdir()
                path /= "file"
            path.write_bytes(content)
        return bool(roots)

    def _nerdctl_build(self, call: Call) -> Answer:
        if self._root(call, call.value_of("--file")):
            return Answer()
        target = self._image(call.value_of("--file"), call.values_of("--label"))
        output = dict(part.split("=", 1) for each in call.values_of("--output") for part in each.split(","))
        # nerdctl adds the name itself.
        if output.get("type") == "oci":
            assert sorted(output) == ["dest", "type"]
            self._write_archive(output["dest"], call.value_of("--tag"), target)
        else:
            assert output in ({}, {"type": "image", "unpack": "true"})
            self.containerd.put(call.value_of("--namespace"), call.value_of("--tag"), target, self.images)
        return Answer()

    def _worker(self) -> dict[str, t.Any]:
        label = "org.mobyproject.buildkit.worker."
        labels = {f"{label}executor": "containerd", f"{label}containerd.namespace": self.worker}
        if not self.worker:
            labels = {f"{label}executor": "oci"}
        return {"id": "1", "labels": labels}

    def _buildctl_build(self, call: Call) -> Answer:
        options = call.values_of("--opt")
        folders = dict(value.split("=", 1) for value in call.values_of("--local"))
        given = dict(value.split("=", 1) for value in options)
        dockerfile = f"{folders['dockerfile']}/{given['filename']}"
        if self._root(call, dockerfile):
            return Answer()
        labels = [value[len("label:") :] for value in options if value.startswith("label:")]
        output = dict(part.split("=", 1) for part in call.value_of("--output").split(","))
        if output["type"] == "oci":
            self._write_archive(output["dest"], output["name"], self._image(dockerfile, labels))
            return Answer()
        image = call.value_of("--output").split("name=", 1)[1].split(",")[0]
        self.containerd.put(self.worker, image, self._image(dockerfile, labels), self.images)
        return Answer()

    def _write_archive(self, path: str, name: str, target: oci.Descriptor) -> None:
        named = target._replace(annotations={oci.NAME_ANNOTATION: name})
        pathlib.Path(path).write_bytes(tar_bytes(self.images.layout_members(named)))

    def _buildah_build(self, call: Call) -> Answer:
        if self._root(call, call.value_of("--file")):
            return Answer()
        self.buildah[call.value_of("--tag")] = self._image(call.value_of("--file"), call.values_of("--label"))
        return Answer("STEP 1/1: FROM scratch\n")

    def _buildah_inspect(self, call: Call) -> Answer:
        target = self.buildah.get(call.argv[-1])
        if target is None:
            return Answer(rc=125, stderr=f"Error: {call.argv[-1]}: image not known")
        manifest = self.images.read(target)
        config = oci.Manifest.parse(manifest).config
        document = {
            "FromImageID": config.digest.encoded,
            "FromImageDigest": str(target.digest),
            "Config": self.images.read(config).decode(),
            "Manifest": manifest.decode(),
        }
        return Answer(json.dumps(document))

    def _buildah_tag(self, call: Call) -> Answer:
        *_words, name, further = call.argv
        self.buildah[further] = self.buildah[name]
        return Answer()

    def _buildah_push(self, call: Call) -> Answer:
        *_words, name, destination = call.argv
        if "-archive:" in destination:
            _kind, path, _name = destination.split(":", 2)
            pathlib.Path(path).write_bytes(destination.split(":")[0].encode() + self.images.read(self.buildah[name]))
            return Answer()
        folder = pathlib.Path(destination[len("dir:") :])
        manifest = self.images.read(self.buildah[name])
        (folder / "manifest.json").write_bytes(manifest)
        for layer in oci.Manifest.parse(manifest).layers:
            (folder / layer.digest.encoded).write_bytes(self.images.blobs[Digest.parse(str(layer.digest))])
        return Answer()
