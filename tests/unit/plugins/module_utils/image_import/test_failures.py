# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is left if an import breaks, and what may not come in."""

from __future__ import annotations

import pathlib
import re

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    InvalidInput,
    NotFound,
    ToolFailed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_import.importing import (
    LAYERS,
    NAME,
    PINNED,
    Source,
    request_for,
    steps,
)

LACKING = sorted(str(Digest.of(layer)) for layer in LAYERS)


class TestFailures:
    """Whatever breaks, the name has not moved, and the staging name is gone."""

    def break_at(self, runner: FakeRunner, containerd: FakeContainerd, *words: str, nth: int = 1) -> None:
        seen = 0

        def answer(call: Call) -> Answer:
            nonlocal seen
            seen += 1
            if seen == nth:
                return Answer(rc=1, stderr="it broke")
            return containerd.answer(call)

        runner.on(*words, do=answer)

    @pytest.mark.parametrize(
        ("step", "held"),
        [
            ((("containerd", "images.Delete"), 1), b"old"),
            ((("containerd", "leases.Delete"), 1), b"old"),
            ((("containerd", "leases.Create"), 1), b"old"),
            ((("containerd", "content.Write"), 1), b"old"),
            ((("containerd", "content.Write"), 2), b"old"),
            ((("containerd", "content.List"), 2), LAYERS[0]),
            ((("ctr", "content", "ingest"), 1), b"old"),
            ((("ctr", "content", "ingest"), 2), b"old"),
            ((("containerd", "content.List"), 2), b"old"),
            ((("containerd", "content.List"), 3), LAYERS[0]),
            ((("ctr", "images", "import"), 1), b"old"),
            ((("containerd", "images.Create"), 1), b"old"),
            ((("containerd", "images.Update"), 1), b"old"),
        ],
    )
    def test_every_step_may_break(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
        step: tuple[tuple[str, ...], int],
        held: bytes,
    ) -> None:
        old = images.manifest(layers=[held])
        containerd.put("k8s.io", NAME, old, images, labels=PINNED)
        words, nth = step
        self.break_at(runner, containerd, *words, nth=nth)
        with pytest.raises(ToolFailed, match="it broke"):
            importer.run(request_for(source, unpack=True, pinned=False))
        assert containerd.names("k8s.io") == [NAME]
        record = containerd.record("k8s.io", NAME)
        assert (record.target.digest, record.labels) == (old.digest, PINNED)
        assert containerd.whole("k8s.io", NAME)

    def test_a_snapshot_that_goes_while_it_is_built_upon(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, runner: FakeRunner
    ) -> None:
        lost = f"parent snapshot {LACKING[0]} does not exist: not found"
        answers = iter([Answer(rc=1, stderr=f'ctr: failed to prepare extraction snapshot "extract-1": {lost}')])
        runner.on("ctr", "images", "import", do=lambda call: next(answers, None) or containerd.answer(call))
        importer.run(request_for(source, unpack=True))
        assert containerd.names("k8s.io") == [NAME]
        assert containerd.namespaces["k8s.io"].snapshots

    def test_the_naming_of_a_new_image_may_break(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, runner: FakeRunner
    ) -> None:
        self.break_at(runner, containerd, "containerd", "images.Create")
        with pytest.raises(ToolFailed, match="it broke"):
            importer.run(request_for(source))
        assert containerd.names("k8s.io") == []

    def test_the_first_error_is_the_one_that_is_told(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, runner: FakeRunner
    ) -> None:
        runner.on("ctr", "content", "ingest", rc=1, stderr="ctr: the real reason")
        self.break_at(runner, containerd, "containerd", "leases.Delete", nth=2)
        with pytest.raises(ToolFailed, match="the real reason"):
            importer.run(request_for(source))

    @pytest.mark.parametrize(
        "records",
        [
            ([], ["id"], []),
            (["id"], [], ["id"]),
            ([], ["id", "app:other"], ["app:other", "id"]),
        ],
        ids=["made for the staging name", "there before", "somebody else's too"],
    )
    def test_the_id_that_the_cri_plugin_records_goes_with_the_staging_name(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        runner: FakeRunner,
        records: tuple[list[str], list[str], list[str]],
    ) -> None:
        before, meanwhile, left = records
        image_id = str(oci.Manifest.parse(images.read(source.target)).config.digest)

        def record(names: list[str]) -> None:
            for name in names:
                containerd.put("k8s.io", image_id if name == "id" else name, source.target, images, without=LACKING)

        def take_up(call: Call) -> Answer:
            record(meanwhile)
            return Answer(rc=1, stderr="ctr: it broke")

        record(before)
        runner.on("ctr", "images", "import", do=take_up)
        with pytest.raises(ToolFailed, match="it broke"):
            importer.run(request_for(source, unpack=True))
        assert sorted("id" if name == image_id else name for name in containerd.names("k8s.io")) == left

    def test_what_did_not_come_through_whole_gets_no_name(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, runner: FakeRunner
    ) -> None:
        """ctr reports success of imports that lack layers."""
        runner.on("ctr", "content", "ingest")
        with pytest.raises(IntegrityError, match="not come through whole, so its name was not moved") as caught:
            importer.run(request_for(source))
        assert sorted(re.findall(r"sha256:\w+", caught.value.subject or "")) == LACKING
        assert containerd.names("k8s.io") == []

    def test_what_a_killed_run_left_is_cleared_away(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        request = request_for(source)
        containerd.put("k8s.io", str(request.staging), images.manifest(layers=[b"half"]), images)
        containerd.namespaces["k8s.io"].leases[request.lease] = {str(Digest.of(b"half"))}
        importer.run(request)
        assert containerd.names("k8s.io") == [NAME]
        assert containerd.namespaces["k8s.io"].leases == {}

    def test_every_name_has_a_lease_and_a_staging_name_of_its_own(self, source: Source) -> None:
        requests = [
            request_for(source),
            request_for(source, namespace="default"),
            request_for(source, reference=Reference.parse("app:v2")),
        ]
        assert len({request.staging for request in requests}) == len({request.lease for request in requests}) == 3
        assert request_for(source, pinned=True).staging == request_for(source).staging
        assert str(requests[0].staging).startswith("localhost/nephoran-container-build/import:")


class TestVetting:
    """What may not come in."""

    @pytest.mark.parametrize(
        "label",
        ["containerd.io/restart.status", "io.cri-containerd.pinned", "io.cri-containerd", "Containerd.IO/x"],
    )
    def test_labels_that_containerd_obeys_are_refused(
        self,
        importer: ImageImporter,
        images: ImageFactory,
        containerd: FakeContainerd,
        runner: FakeRunner,
        tmp_path: pathlib.Path,
        label: str,
    ) -> None:
        source = Source(images, images.manifest(labels={label: "/bin/evil", "a": "b"}), tmp_path)
        for check in (True, False):
            with pytest.raises(InvalidInput, match="labels that containerd or its CRI plugin obey") as caught:
                importer.run(request_for(source), check=check)
            assert label in (caught.value.subject or "")
        assert steps(runner) == []
        importer.run(request_for(source, allow_reserved_labels=True))
        assert containerd.names("k8s.io") == [NAME]

    def test_harmless_labels_come_in(
        self, importer: ImageImporter, images: ImageFactory, tmp_path: pathlib.Path
    ) -> None:
        labels = {"io.containerd.image.name": "x", "my.containerd.io/x": "y", "org.opencontainers.image.title": "z"}
        importer.vet(request_for(Source(images, images.manifest(labels=labels), tmp_path)))

    def test_with_all_platforms_the_labels_of_each_count(
        self, importer: ImageImporter, images: ImageFactory, tmp_path: pathlib.Path
    ) -> None:
        index = images.index(images.manifest(), images.manifest("linux/arm64", labels={"containerd.io/x": "y"}))
        source = Source(images, index, tmp_path)
        importer.vet(request_for(source))
        with pytest.raises(InvalidInput, match=r"containerd\.io/x"):
            importer.vet(request_for(source, platform=None))

    def test_an_image_of_another_platform(
        self, importer: ImageImporter, images: ImageFactory, runner: FakeRunner, tmp_path: pathlib.Path
    ) -> None:
        source = Source(images, images.manifest("linux/arm64"), tmp_path)
        for check in (True, False):
            with pytest.raises(NotFound, match=r"linux/amd64.*the image has linux/arm64"):
                importer.run(request_for(source), check=check)
        assert runner.calls == []

    def test_a_source_that_is_not_what_its_digest_says(
        self, importer: ImageImporter, images: ImageFactory, source: Source, runner: FakeRunner
    ) -> None:
        images.blobs[source.target.digest] = b"{}"
        with pytest.raises(ContainerBuildError):
            importer.run(request_for(source))
        assert runner.calls == []
