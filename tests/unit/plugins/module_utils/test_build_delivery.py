# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds for a namespace: where the builder is, or brought from where it builds."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import ContextSnapshot
from ansible_collections.nephoran.container_build.plugins.module_utils._build_delivery import (
    BuildDelivery,
    Delivered,
    Workshop,
    platform_to_bring,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_inputs import BuildInputs
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    INPUTS_DIGEST_LABEL,
    BuildReport,
    BuildSpec,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._built_images import ContainerdImages
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, ToolFailed
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import (
    ALWAYS,
    ON_CHANGE,
    BuildRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import NamespaceSource
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
NAME = str(APP)
SPEC = BuildSpec(APP, "/srv/app", "/srv/app/Dockerfile")
AMD64, ARM64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")
PINNED = {PINNED_LABEL: "pinned"}


def inputs_for(source: bytes) -> BuildInputs:
    return BuildInputs.of(SPEC, b"FROM scratch\n", {"": ContextSnapshot({"source": f"file 0644 {source!r}"})})


class Site:
    """A node with containerd, a builder in the namespace `worker`, and what came of its builds."""

    def __init__(self, tmp_path: pathlib.Path, worker: str) -> None:
        self.runner = FakeRunner()
        self.containerd = FakeContainerd(self.runner, "default", "k8s.io")
        self.store = ImageStore.connect(self.runner, SOCKET, "overlayfs")
        self.records = BuildRecords(str(tmp_path / "state"))
        self.images = ImageFactory()
        self.worker = worker
        self.scratch = str(tmp_path)
        self.builds = 0
        self.opened = 0
        self.error: Exception | None = None
        self.refusal: InvalidInput | None = None
        self.source = b"source"
        self.image_labels: dict[str, str] = {}

    name = "builder"
    keeps_contexts = True

    def refuse(self, spec: BuildSpec) -> None:
        if self.refusal is not None:
            raise self.refusal

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        """Name the image as BuildKit does: anew, without the labels that the record had."""
        self.builds += 1
        labels = {**self.image_labels, INPUTS_DIGEST_LABEL: spec.labels[INPUTS_DIGEST_LABEL]}
        layers = [b"made of " + self.source]
        manifests = [self.images.manifest(str(platform), layers, labels) for platform in spec.platforms or (AMD64,)]
        self.containerd.put(self.worker, NAME, self.images.index(*manifests), self.images)
        if self.error is not None:
            raise self.error
        return BuildReport(("builder", "build"), (), "", "")

    def workshop(self) -> Workshop:
        self.opened += 1

        def source() -> NamespaceSource:
            state = self.store.find(self.worker, APP, None)
            assert state is not None
            return NamespaceSource(self.store, state, self.scratch)

        return Workshop(self, ContainerdImages(self.store, self.worker), source)

    def deliver(
        self,
        *,
        check: bool = False,
        pinned: bool | None = None,
        rebuild: str = ON_CHANGE,
        source: bytes | None = None,
        platforms: tuple[Platform, ...] = (),
    ) -> Delivered:
        self.source = source or self.source
        spec = SPEC._replace(platforms=platforms)
        request = BuildRequest(spec, inputs_for(self.source), rebuild)
        return BuildDelivery(request, self.store, "k8s.io", pinned, self.workshop, self.records).run(check)

    @property
    def labels(self) -> dict[str, str]:
        return self.containerd.record("k8s.io", NAME).labels

    @property
    def state(self) -> t.Any:
        """All that could be observed."""
        return {
            name: (sorted(there.held), {key: (each.target, dict(each.labels)) for key, each in there.records.items()})
            for name, there in self.containerd.namespaces.items()
        }


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(_image_lock.image_lock.__wrapped__, "__defaults__", (str(tmp_path / "locks"),))


@pytest.fixture
def beside(tmp_path: pathlib.Path) -> Site:
    """The builder builds in `default`; the image is wanted in `k8s.io`."""
    return Site(tmp_path, "default")


@pytest.fixture
def inside(tmp_path: pathlib.Path) -> Site:
    """The builder builds in `k8s.io` itself."""
    return Site(tmp_path, "k8s.io")


@pytest.fixture(params=["default", "k8s.io"])
def site(request: pytest.FixtureRequest, tmp_path: pathlib.Path) -> Site:
    return Site(tmp_path, request.param)


class TestBothWays:
    """What does not depend on where the builder builds."""

    def test_the_first_build(self, site: Site) -> None:
        checked = site.deliver(check=True, pinned=True)
        before = site.state
        assert (checked.changed, checked.image, checked.report, site.builds) == (True, None, None, 0)
        delivered = site.deliver(pinned=True)
        assert site.state != before
        assert delivered.changed
        assert delivered.reasons == checked.reasons == ("image missing",)
        assert delivered.plan == checked.plan
        assert delivered.report is not None
        assert delivered.image is not None
        assert site.containerd.whole("k8s.io", NAME)
        assert site.labels == PINNED

    def test_check_mode_moves_nothing(self, site: Site) -> None:
        site.deliver(pinned=True)
        before = site.state
        for options in ({"source": b"changed"}, {"rebuild": ALWAYS}, {"pinned": False}):
            site.deliver(check=True, **options)
            assert site.state == before
        assert site.builds == 1

    def test_without_a_change_no_builder_is_even_looked_for(self, site: Site) -> None:
        first = site.deliver(pinned=True)
        opened = site.opened
        again = site.deliver(pinned=True)
        assert (again.changed, again.reasons, again.report) == (False, (), None)
        assert first.image is not None
        # The first one was seen before it got its pin.
        assert again.image == first.image._replace(record_labels=PINNED)
        assert (site.builds, site.opened) == (1, opened)
        assert not again.plan.changed

    def test_a_changed_file_is_built_and_named(self, site: Site) -> None:
        first = site.deliver()
        checked = site.deliver(check=True, source=b"changed")
        assert checked.changed
        assert checked.reasons == ("context: source changed",)
        delivered = site.deliver(source=b"changed")
        assert delivered.changed
        assert delivered.reasons == checked.reasons
        assert delivered.image != first.image
        assert site.builds == 2

    def test_a_pin_survives_a_rebuild(self, site: Site) -> None:
        site.deliver(pinned=True)
        site.deliver(source=b"changed")
        assert site.labels == PINNED

    def test_other_labels_survive_a_rebuild(self, site: Site) -> None:
        site.deliver()
        site.labels["of"] = "somebody"
        delivered = site.deliver(source=b"changed")
        assert site.labels == {"of": "somebody"}
        assert not any("label" in line for line in delivered.plan.action_lines())

    def test_the_same_image_again_is_no_change(self, site: Site) -> None:
        site.deliver(pinned=True)
        again = site.deliver(rebuild=ALWAYS)
        assert site.builds == 2
        assert again.reasons == ("rebuild: always",)
        assert not again.changed
        assert site.labels == PINNED

    @pytest.mark.parametrize(("before", "pinned", "action"), [(None, True, "pin"), (True, False, "unpin")])
    def test_labels_alone(self, site: Site, before: bool | None, pinned: bool, action: str) -> None:
        site.deliver(pinned=before)
        for check in (True, False):
            delivered = site.deliver(check=check, pinned=pinned)
            assert delivered.changed
            assert delivered.plan.action_lines() == [f"{action} {NAME}"]
            assert delivered.report is None
        assert site.builds == 1
        assert site.labels == (PINNED if pinned else {})
        assert not site.deliver(pinned=pinned).changed

    def test_a_pin_and_a_build_at_once(self, site: Site) -> None:
        site.deliver()
        delivered = site.deliver(pinned=True, source=b"changed")
        assert delivered.plan.action_lines()[-1] == f"pin {NAME}"
        assert site.labels == PINNED

    def test_a_lost_blob_is_brought_back(self, site: Site) -> None:
        site.deliver()
        lost = next(digest for digest in site.containerd.namespaces["k8s.io"].held if _is_layer(site, digest))
        site.containerd.namespaces["k8s.io"].held.remove(lost)
        checked = site.deliver(check=True)
        assert checked.reasons == (f"image incomplete: blob {lost} is missing",)
        assert site.deliver().changed
        assert site.containerd.whole("k8s.io", NAME)
        assert not site.deliver().changed

    def test_what_a_builder_cannot_do_is_refused_in_check_mode_too(self, site: Site) -> None:
        site.refusal = InvalidInput("cannot")
        for check in (True, False):
            with pytest.raises(InvalidInput):
                site.deliver(check=check)
        assert site.builds == 0

    def test_the_second_run_knows_what_moved_whichever_place_it_looks_at(self, site: Site) -> None:
        site.deliver(source=b"one")
        assert site.deliver(source=b"two").reasons == ("context: source changed",)
        assert site.deliver(source=b"three").reasons == ("context: source changed",)


def _is_layer(site: Site, digest: str) -> bool:
    return site.containerd.blobs[digest].startswith(b"made of ")


class TestInPlace:
    """The builder builds in the namespace that was asked for."""

    def test_it_is_not_brought_anywhere(self, inside: Site) -> None:
        delivered = inside.deliver()
        assert delivered.plan.action_lines() == [f"build {NAME} in namespace k8s.io (image missing)"]
        assert inside.runner.commands("containerd", "images.Create") == []
        assert inside.containerd.names("default") == []

    def test_a_failed_build_does_not_cost_the_pin(self, inside: Site) -> None:
        """BuildKit names an image before it unpacks it, so it may fail with the name moved and the labels gone."""
        inside.deliver(pinned=True)
        inside.error = ToolFailed("no space left on device")
        with pytest.raises(ToolFailed):
            inside.deliver(source=b"changed")
        assert inside.labels == PINNED


class TestBeside:
    """The builder builds elsewhere, and the image is brought."""

    def test_it_is_built_there_and_brought(self, beside: Site) -> None:
        delivered = beside.deliver(pinned=True)
        assert delivered.plan.action_lines() == [
            f"build {NAME} in namespace default (image missing)",
            f"bring {NAME} to namespace k8s.io (image missing)",
            f"pin {NAME}",
        ]
        assert beside.containerd.names("default") == [NAME]
        # Only what is asked for is pinned, and not a byte was copied.
        assert beside.containerd.record("default", NAME).labels == {}
        assert beside.containerd.bytes_read == 0

    def test_what_the_builder_has_already_is_only_brought(self, beside: Site) -> None:
        beside.deliver()
        del beside.containerd.namespaces["k8s.io"].records[NAME]
        beside.containerd.collect_garbage()
        checked = beside.deliver(check=True)
        delivered = beside.deliver()
        for each in (checked, delivered):
            assert each.changed
            assert each.reasons == ("image missing",)
            assert each.plan.action_lines() == [f"bring {NAME} to namespace k8s.io (image missing)"]
        assert delivered.report is None
        assert beside.builds == 1
        assert beside.containerd.whole("k8s.io", NAME)

    def test_an_image_somebody_put_there_is_replaced(self, beside: Site) -> None:
        foreign = beside.images.manifest(layers=[b"foreign"])
        beside.containerd.put("k8s.io", NAME, foreign, beside.images, labels=PINNED)
        delivered = beside.deliver()
        assert delivered.changed
        assert delivered.reasons == ("image missing",) or "no inputs digest" in delivered.reasons[0]
        assert beside.containerd.record("k8s.io", NAME).target.digest != foreign.digest
        assert beside.labels == PINNED

    def test_labels_of_its_own_are_its_makers_business(self, beside: Site) -> None:
        """The refusal of labels that containerd obeys is for images that came from elsewhere."""
        beside.image_labels = {"containerd.io/x": "y"}
        assert beside.deliver().changed
        assert beside.containerd.names("k8s.io") == [NAME]

    def test_a_failed_build_leaves_the_name(self, beside: Site) -> None:
        beside.deliver(pinned=True)
        before = beside.containerd.record("k8s.io", NAME).target
        beside.error = ToolFailed("it broke")
        with pytest.raises(ToolFailed, match="it broke"):
            beside.deliver(source=b"changed")
        assert beside.containerd.record("k8s.io", NAME).target == before
        assert beside.labels == PINNED

    def test_after_a_delivery_that_failed_the_next_run_delivers(self, beside: Site) -> None:
        beside.deliver()
        beside.runner.on("containerd", "content.Write", rc=2, stderr="it broke")
        with pytest.raises(ToolFailed, match="it broke"):
            beside.deliver(source=b"changed")
        beside.runner.on("containerd", do=beside.containerd.answer)
        delivered = beside.deliver(source=b"changed")
        assert delivered.changed
        assert delivered.report is None
        assert beside.builds == 2
        assert not beside.deliver(source=b"changed").changed

    def test_several_platforms_are_brought_whole(self, beside: Site) -> None:
        beside.deliver(platforms=(AMD64, ARM64))
        assert beside.containerd.whole("k8s.io", NAME)
        assert not beside.deliver(platforms=(AMD64, ARM64)).changed

    def test_one_platform_that_is_not_the_nodes_own(self, beside: Site) -> None:
        delivered = beside.deliver(platforms=(ARM64,))
        assert delivered.changed
        assert delivered.image is not None
        assert delivered.image.missing == ()
        assert not beside.deliver(platforms=(ARM64,)).changed


@pytest.mark.parametrize(("platforms", "brought"), [((), AMD64), ((ARM64,), ARM64), ((AMD64, ARM64), None)])
def test_which_platform_must_be_whole(platforms: tuple[Platform, ...], brought: Platform | None) -> None:
    assert platform_to_bring(SPEC._replace(platforms=platforms)) == brought
    # Attestations are nobody's platform, and come with the image all the same.
    assert platform_to_bring(SPEC._replace(platforms=platforms, provenance="min")) is None
