# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import does, and in which order."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_import, _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    Observed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import Moved
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
    PINNED_LABEL,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
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
        done = importer.run(request_for(source, pinned=True, labels={"a": "1"}))
        assert steps(runner) == [
            *("leases.Create", "content.Write", "content.Write", "ingest 5", "ingest 16", "images.Create"),
        ]
        assert done.moved == Moved(copied=21)
        assert done.plan.changed
        assert containerd.names("k8s.io") == [NAME]
        assert containerd.namespaces["k8s.io"].leases == {}
        record = containerd.record("k8s.io", NAME)
        assert record.target.digest == source.target.digest
        assert record.labels == {"a": "1", **PINNED}
        assert containerd.whole("k8s.io", NAME)

    def test_all_is_looked_at_before_the_name_moves(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        importer.run(request_for(source))
        calls = runner.calls
        (name,) = (number for number, call in enumerate(calls) if call.has("containerd", "images.Create"))
        last_layer = max(number for number, call in enumerate(calls) if call.has("ctr", "content", "ingest"))
        assert any(call.has("containerd", "content.List") for call in calls[last_layer:name])

    def test_nothing_is_named_before_it_is_whole(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        """The CRI plugin reads each image as soon as it has a name, and complains of what it does not find."""
        importer.run(request_for(source))
        assert [call.argv[-1] for call in runner.commands("containerd", "images.Create")] == [NAME]
        assert runner.commands("containerd", "images.Update") == []

    def test_only_bytes_that_are_not_there_yet_start_processes(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        """Their start would be nearly all that an import takes."""
        importer.run(request_for(source))
        assert len(runner.commands("ctr")) == len(LAYERS)
        # Three looks; what may be left over; the lease, two documents, a look, the name; the lease's end.
        assert len(runner.commands("containerd")) == 3 + 2 + 5 + 1

    def test_the_name_gets_its_labels_in_the_call_that_moves_it(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        """Between two calls the kubelet could take an image without its pin."""
        importer.run(request_for(source, pinned=True, labels={"a": "1"}))
        (create,) = (Message(call.data or b"") for call in runner.commands("containerd", "images.Create"))
        assert create.message(1).texts_by_name(2) == {"a": "1", PINNED_LABEL: "pinned"}
        assert runner.commands("containerd", "images.Update") == []

    def test_an_image_gets_another_target_and_its_labels_in_one_call(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(layers=[b"old"]), images, labels={"a": "1"})
        importer.run(request_for(source, pinned=True))
        (update,) = (Message(call.data or b"") for call in runner.commands("containerd", "images.Update"))
        assert update.message(1).message(3).text(2) == str(source.target.digest)
        assert update.message(1).texts_by_name(2) == {"a": "1", PINNED_LABEL: "pinned"}
        assert update.message(2).texts(1) == []

    def test_documents_say_what_they_reference(
        self, importer: ImageImporter, source: Source, images: ImageFactory, runner: FakeRunner
    ) -> None:
        """containerd's garbage collection looks at these labels alone."""
        importer.run(request_for(source))
        manifest = oci.Manifest.parse(images.read(source.target))
        first, second = (Message(call.data or b"") for call in runner.commands("containerd", "content.Write"))
        assert first.texts_by_name(7) == {
            "containerd.io/gc.ref.content.config": str(manifest.config.digest),
            "containerd.io/gc.ref.content.l.0": str(manifest.layers[0].digest),
            "containerd.io/gc.ref.content.l.1": str(manifest.layers[1].digest),
        }
        assert second.texts_by_name(7) == {}

    def test_a_document_that_was_there_says_it_too(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        """Somebody may have put it there without a word of what it references."""
        digest = str(source.target.digest)
        containerd.blobs[digest] = images.read(source.target)
        containerd.put("k8s.io", "other", source.target, images)
        containerd.namespaces["k8s.io"].references.clear()
        importer.run(request_for(source, force=True))
        del containerd.namespaces["k8s.io"].records["other"]
        containerd.collect_garbage()
        assert containerd.whole("k8s.io", NAME)

    def test_a_name_that_somebody_else_has_given_meanwhile_is_written_anew(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
    ) -> None:
        def name_first(call: Call) -> Answer:
            containerd.put("k8s.io", NAME, images.manifest(layers=[b"another"]), images)
            return containerd.answer(call)

        runner.on("containerd", "images.Create", do=name_first)
        importer.run(request_for(source))
        assert steps(runner)[-2:] == ["images.Create", "images.Update"]
        assert containerd.record("k8s.io", NAME).target.digest == source.target.digest
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
        assert steps(runner) == [
            *("leases.Create", "content.Write", "content.Write", "ingest 5", "ingest 16", "unpack", "images.Create"),
        ]
        (unpacking,) = runner.commands("ctr", "images", "import")
        assert unpacking.value_of("--platform") == "linux/amd64"
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
        assert steps(runner) == []

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
        assert steps(runner) == ["images.Update"]
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
        assert steps(runner) == [
            *("leases.Create", "content.Write", "content.Update", "content.Write", "images.Create", "images.Update"),
        ]
        assert containerd.record("k8s.io", NAME).labels == PINNED

    def test_check_mode_changes_nothing_and_says_what_the_real_run_does(
        self, importer: ImageImporter, source: Source, runner: FakeRunner
    ) -> None:
        request = request_for(source, pinned=True, unpack=True)
        checked = importer.run(request, check=True)
        assert steps(runner) == []
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
        tmp_path: pathlib.Path,
    ) -> None:
        amd = images.manifest("linux/amd64", [b"amd"])
        index = images.index(amd, images.manifest("linux/arm64", [b"arm"]), images.attestation(amd))
        importer.run(request_for(Source(images, index, tmp_path), platform=None))
        assert containerd.whole("k8s.io", NAME)
        assert containerd.namespaces["k8s.io"].held == {str(digest) for digest in images.blobs}

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
    from_blobs = _image_import.blobs_of(manifest._replace(platform=None), images.read, AMD64)
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
