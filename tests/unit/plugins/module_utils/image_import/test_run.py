# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import does, and in which order."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_import, _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    Observed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import Moved
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
    PINNED_LABEL,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_import.importing import (
    AMD64,
    LAYERS,
    NAME,
    PINNED,
    Source,
    planned,
    request_for,
    steps,
)


class TestRun:
    """What is done, and in which order."""

    def test_documents_layers_name_and_nothing_left(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, runner: FakeRunner
    ) -> None:
        request = request_for(source, pinned=True, labels={"a": "1"})
        done = importer.run(request)
        assert steps(runner, request) == ["import staging", "ingest 5", "ingest 16", "import final", "rm staging"]
        assert done.moved == Moved(copied=21)
        assert done.plan.changed
        assert containerd.names("k8s.io") == [NAME]
        record = containerd.record("k8s.io", NAME)
        assert record.target.digest == source.target.digest
        assert record.labels == {"a": "1", **PINNED}
        assert containerd.whole("k8s.io", NAME)

    @pytest.mark.parametrize(("labels", "naming"), [({}, "tag"), ({"a": "1"}, "import")])
    def test_all_is_looked_at_before_the_name_moves(
        self, importer: ImageImporter, source: Source, runner: FakeRunner, labels: dict[str, str], naming: str
    ) -> None:
        request = request_for(source, labels=labels)
        importer.run(request)
        calls = runner.calls
        final = max(number for number, call in enumerate(calls) if call.has("ctr", "images", naming))
        last_layer = max(number for number, call in enumerate(calls) if call.has("ctr", "content", "ingest"))
        looked = [number for number, call in enumerate(calls) if str(request.staging) in " ".join(call.argv)]
        assert any(last_layer < number < final for number in looked)
        assert any(call.has("ctr", "content", "ls") for call in calls[last_layer:final])

    def test_a_clean_namespace_costs_few_processes(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        """Their start is nearly all that an import takes."""
        importer.run(request_for(source))
        # Two listings and the snapshot before; staging, two layers; two listings; the name; no staging name.
        assert len(runner.calls) == 3 + 1 + 2 + 2 + 1 + 1

    def test_the_name_gets_its_labels_in_the_call_that_moves_it(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        """Between two calls the kubelet could take an image without its pin."""
        importer.run(request_for(source, pinned=True, labels={"a": "1"}))
        staging, final = runner.commands("ctr", "images", "import")
        assert staging.values_of("--label") == []
        assert final.values_of("--label") == ["a=1", f"{PINNED_LABEL}=pinned"]
        assert final.value_of("--platform") == "linux/amd64"
        assert runner.commands("ctr", "images", "label") == []

    def test_a_name_that_somebody_else_has_given_meanwhile_is_written_anew(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, runner: FakeRunner
    ) -> None:
        runner.on("ctr", "images", "tag", rc=1, stderr=f'ctr: image "{NAME}": already exists')
        request = request_for(source)
        importer.run(request)
        assert steps(runner, request)[-3:] == ["tag final", "import final", "rm staging"]
        assert containerd.names("k8s.io") == [NAME]

    def test_labels_that_were_there_survive_a_new_image(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        old = images.manifest(layers=[b"old"])
        containerd.put("k8s.io", NAME, old, images, labels={**PINNED, "a": "1", MANAGED_LABEL: "managed"})
        importer.run(request_for(source))
        assert containerd.record("k8s.io", NAME).labels == {**PINNED, "a": "1"}

    def test_unpacking_comes_before_the_name_moves(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, runner: FakeRunner
    ) -> None:
        request = request_for(source, unpack=True)
        importer.run(request)
        assert steps(runner, request) == [
            *("import staging", "ingest 5", "ingest 16"),
            *("import staging unpacking", "tag final", "rm staging"),
        ]
        unpacking = runner.commands("ctr", "images", "import")[1]
        assert unpacking.value_of("--snapshotter") == "overlayfs"
        assert not planned(importer, request).changed

    def test_only_missing_layers_move(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(layers=[LAYERS[0]]), images)
        assert importer.run(request_for(source)).moved == Moved(copied=5)
        assert source.delivered == [LAYERS[1]]

    def test_nothing_to_do_does_nothing(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images)
        request = request_for(source)
        done = importer.run(request)
        assert not done.plan.changed
        assert steps(runner, request) == []

    @pytest.mark.parametrize(("pinned", "labels"), [(True, {"old": "1", **PINNED}), (None, {"old": "1"})])
    def test_labels_alone_leave_the_image(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
        pinned: bool | None,
        labels: dict[str, str],
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images, labels={"old": "1"})
        request = request_for(source, pinned=pinned, labels={"new": "2"})
        importer.run(request)
        assert len(steps(runner, request)) == 1
        assert containerd.record("k8s.io", NAME).labels == {**labels, "new": "2"}
        assert source.delivered == []

    def test_forced_brings_the_name_again(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images, labels=PINNED)
        request = request_for(source, force=True)
        importer.run(request)
        assert steps(runner, request) == ["import staging", "import final", "rm staging"]
        assert containerd.record("k8s.io", NAME).labels == PINNED

    def test_check_mode_changes_nothing_and_says_what_the_real_run_does(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        request = request_for(source, pinned=True, unpack=True)
        checked = importer.run(request, check=True)
        assert steps(runner, request) == []
        assert checked.moved == Moved()
        assert checked.plan == importer.run(request).plan
        assert not importer.run(request).plan.changed

    def test_it_survives_a_garbage_collection_after_every_command(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd
    ) -> None:
        containerd.storm = True
        importer.run(request_for(source, unpack=True))
        assert containerd.names("k8s.io") == [NAME]
        assert containerd.whole("k8s.io", NAME)

    def test_layers_that_only_garbage_holds_are_taken_nevertheless(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        """They were there when the import began, referenced by nothing, and are collected before it refers to them."""
        containerd.put("k8s.io", "gone", source.target, images)
        del containerd.namespaces["k8s.io"].records["gone"]
        containerd.storm = True
        importer.run(request_for(source))
        assert containerd.whole("k8s.io", NAME)

    def test_all_platforms(
        self,
        importer: ImageImporter,
        images: ImageFactory,
        containerd: FakeContainerd,
        runner: FakeRunner,
        tmp_path: pathlib.Path,
    ) -> None:
        amd = images.manifest("linux/amd64", [b"amd"])
        index = images.index(amd, images.manifest("linux/arm64", [b"arm"]), images.attestation(amd))
        importer.run(request_for(Source(images, index, tmp_path), platform=None))
        assert containerd.whole("k8s.io", NAME)
        assert containerd.namespaces["k8s.io"].held == {str(digest) for digest in images.blobs}
        assert all("--all-platforms" in call.argv for call in runner.commands("ctr", "images", "import"))

    def test_one_platform_leaves_the_others_layers(
        self, importer: ImageImporter, images: ImageFactory, containerd: FakeContainerd, tmp_path: pathlib.Path
    ) -> None:
        index = images.index(images.manifest("linux/amd64", [b"amd"]), images.manifest("linux/arm64", [b"arm"]))
        source = Source(images, index, tmp_path)
        request = request_for(source)
        importer.run(request)
        assert source.delivered == [b"amd"]
        assert containerd.record("k8s.io", NAME).target.digest == index.digest
        assert not planned(importer, request).changed

    def test_a_new_name(self, importer: ImageImporter, source: Source, containerd: FakeContainerd) -> None:
        importer.run(request_for(source, reference=Reference.parse("registry.example.com/a/b:2")))
        assert containerd.names("k8s.io") == ["registry.example.com/a/b:2"]

    def test_a_name_with_a_digest_is_kept_as_kubernetes_looks_for_it(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd
    ) -> None:
        reference = Reference.parse(f"app:v1@{source.target.digest}")
        request = request_for(source, reference=reference, pinned=True)
        importer.run(request)
        assert containerd.names("k8s.io") == [f"docker.io/library/app@{source.target.digest}"]
        assert not planned(importer, request).changed
        importer.run(request_for(source, reference=reference, pinned=False))
        assert containerd.record("k8s.io", reference.containerd_name).labels == {}


def test_the_smallest_layer_comes_first(images: ImageFactory) -> None:
    """It is the cheapest to find out with whether content is shared."""
    manifest = images.manifest(layers=[b"333", b"1", b"22"])
    from_blobs = _image_import.blobs_of(dataclasses.replace(manifest, platform=None), images.read, AMD64)
    held = frozenset({str(Digest.of(b"22"))})
    assert [layer.size for layer in _image_import.absent_layers(from_blobs, held)] == [1, 3]


def test_one_at_a_time(
    importer: ImageImporter, source: Source, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[str, str, int]] = []
    lock = _image_lock.image_lock

    def noted(namespace: str, name: str) -> t.ContextManager[None]:
        taken.append((namespace, name, len(runner.calls)))
        return lock(namespace, name)

    monkeypatch.setattr(_image_import, "image_lock", noted)
    importer.run(request_for(source), check=True)
    assert taken == []
    runner.calls.clear()
    importer.run(request_for(source))
    # Looked at only once the lock is held: what another task did meanwhile counts.
    assert taken == [("k8s.io", NAME, 0)]


def test_observed_tells_what_is_absent(importer: ImageImporter, source: Source) -> None:
    observed = importer.observe(request_for(source))
    assert isinstance(observed, Observed)
    assert [layer.size for layer in observed.absent] == [5, 16]
