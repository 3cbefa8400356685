# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls: when a registry is asked, what is fetched, and that nothing half done is ever seen."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_pull import (
    ImagePuller,
    Pulled,
    PullRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
    PINNED_LABEL,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry, fatal
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("registry.example.com/app:v1")
NAME = str(APP)
AMD64 = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")
REQUEST = PullRequest(APP, "k8s.io", AMD64, unpack=False)
PINNED = {PINNED_LABEL: "pinned"}

Pull = t.Callable[..., Pulled]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(_image_lock.image_lock.__wrapped__, "__defaults__", (str(tmp_path / "locks"),))


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def containerd(runner: FakeRunner) -> FakeContainerd:
    return FakeContainerd(runner, "default", "k8s.io")


@pytest.fixture
def remote(runner: FakeRunner, containerd: FakeContainerd) -> FakeRegistry:
    return FakeRegistry(runner, containerd)


@pytest.fixture
def pull(runner: FakeRunner, remote: FakeRegistry, tmp_path: pathlib.Path) -> Pull:
    def run(request: PullRequest = REQUEST, *, check: bool = False, **changes: t.Any) -> Pulled:
        store = ImageStore.connect(runner, SOCKET, "overlayfs")
        access = RegistryAccess(str(tmp_path), retries=0)
        puller = ImagePuller(store, NerdctlRegistry(store.nerdctl, access), str(tmp_path))
        return puller.run(dataclasses.replace(request, **changes), check=check)

    return run


def changing(runner: FakeRunner) -> list[str]:
    return [verb for call in runner.calls for verb in ("pull", "import", "ingest", "label", "rm") if verb in call.argv]


def asked(runner: FakeRunner) -> bool:
    return bool(runner.commands("nerdctl", "manifest") or runner.commands("nerdctl", "pull"))


class TestMissing:
    """An image that the namespace lacks."""

    def test_a_manifest(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
    ) -> None:
        image = images.manifest(stated=False)
        remote.put(NAME, image, images)
        checked = pull(check=True)
        assert changing(runner) == []
        pulled = pull()
        assert dataclasses.replace(pulled, command=()) == checked
        assert pulled.plan.action_lines() == [f"pull {NAME} into k8s.io (absent → {image.digest})"]
        assert pulled.plan.before == {NAME: {"present": False}}
        assert pulled.plan.after == {
            NAME: {"present": True, "digest": str(image.digest), "complete": True, "labels": {}}
        }
        assert pulled.digest == str(image.digest)
        assert pulled.command == runner.commands("nerdctl", "pull")[0].argv
        assert containerd.names("k8s.io") == [NAME]
        assert containerd.whole("k8s.io", NAME)
        # The namespace that it was fetched into is gone.
        assert list(containerd.namespaces) == ["default", "k8s.io"]

    def test_an_index_of_which_one_platform_is_wanted(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
    ) -> None:
        own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
        index = images.index(own, foreign)
        remote.put(NAME, index, images)
        checked = pull(check=True)
        why = f"absent → an index with {own.digest} for linux/amd64"
        assert checked.plan.action_lines() == [f"pull {NAME} into k8s.io ({why})"]
        assert checked.plan.after[NAME]["manifests"] == {
            "linux/amd64": str(own.digest),
            "linux/arm64": str(foreign.digest),
        }
        assert "digest" not in checked.plan.after[NAME]
        assert checked.digest == ""
        pulled = pull()
        assert pulled.digest == str(index.digest)
        assert pulled.plan.after[NAME]["digest"] == str(index.digest)
        assert containerd.record("k8s.io", NAME).target.digest == index.digest
        held = containerd.namespaces["k8s.io"].held
        assert str(Digest.of(b"amd")) in held
        assert str(Digest.of(b"arm")) not in held
        assert not pull(always=True).plan.changed

    def test_all_platforms(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
    ) -> None:
        own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
        remote.put(NAME, images.index(own, foreign, images.attestation(own)), images)
        assert pull(platform=None, check=True).plan.action_lines()[0].endswith("(absent → another index)")
        pull(platform=None)
        assert containerd.whole("k8s.io", NAME)
        assert not pull(platform=None, always=True).plan.changed

    def test_layers_that_another_namespace_has_are_shared(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
    ) -> None:
        image = images.manifest(stated=False)
        containerd.put("default", NAME, image, images)
        remote.put(NAME, image, images)
        pull()
        assert containerd.bytes_read == 0
        assert containerd.names("default") == [NAME]

    def test_labels_pin_and_unpacking(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
    ) -> None:
        remote.put(NAME, images.manifest(stated=False), images)
        pulled = pull(pinned=True, labels={"a": "1"}, unpack=True)
        assert pulled.plan.action_lines()[1:] == [f"label {NAME} (a=1)", f"pin {NAME}", f"unpack {NAME}"]
        assert containerd.record("k8s.io", NAME).labels == {"a": "1", **PINNED}
        assert containerd.namespaces["k8s.io"].snapshots
        assert pulled.plan.after[NAME]["unpacked"] is True

    def test_a_part_of_it_is_missing(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
    ) -> None:
        image = images.manifest(layers=[b"one", b"two"], stated=False)
        lost = str(Digest.of(b"two"))
        containerd.put("k8s.io", NAME, image, images, without={lost}, labels=PINNED)
        remote.put(NAME, image, images)
        pulled = pull()
        assert pulled.plan.action_lines() == [f"pull {NAME} into k8s.io (incomplete: {lost})"]
        assert containerd.whole("k8s.io", NAME)
        assert containerd.record("k8s.io", NAME).labels == PINNED

    def test_the_registry_lacks_it_too(self, pull: Pull, containerd: FakeContainerd) -> None:
        for check in (True, False):
            with pytest.raises(NotFound, match=f"The registry has no such image: {NAME}"):
                pull(check=check)
        assert containerd.names("k8s.io") == []

    def test_the_registry_lacks_the_platform(self, pull: Pull, remote: FakeRegistry, images: ImageFactory) -> None:
        remote.put(NAME, images.index(images.manifest("linux/arm64")), images)
        for check in (True, False):
            with pytest.raises(NotFound, match=r"no manifest for the platform: linux/amd64.*the image has linux/arm64"):
                pull(check=check)

    def test_an_unknown_namespace(self, pull: Pull, runner: FakeRunner) -> None:
        with pytest.raises(NotFound, match="no such namespace: staging"):
            pull(namespace="staging")
        assert not asked(runner)


class TestThere:
    """An image that the namespace has."""

    def test_nobody_is_asked_if_that_is_enough(
        self, pull: Pull, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
    ) -> None:
        image = images.manifest(stated=False)
        containerd.put("k8s.io", NAME, image, images, labels={MANAGED_LABEL: "managed"})
        pulled = pull()
        assert not pulled.plan.changed
        assert pulled.digest == str(image.digest)
        assert pulled.plan.before == pulled.plan.after
        assert not asked(runner)

    def test_the_same_image_is_not_fetched_again(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
    ) -> None:
        image = images.manifest(stated=False)
        containerd.put("k8s.io", NAME, image, images)
        remote.put(NAME, image, images)
        assert not pull(always=True).plan.changed
        assert changing(runner) == []

    @pytest.mark.parametrize("as_index", [False, True])
    def test_another_image_is_fetched_if_the_registry_is_asked(
        self,
        pull: Pull,
        containerd: FakeContainerd,
        remote: FakeRegistry,
        images: ImageFactory,
        runner: FakeRunner,
        as_index: bool,
    ) -> None:
        old, image = images.manifest(layers=[b"old"], stated=False), images.manifest(stated=False)
        new = images.index(image) if as_index else image
        containerd.put("k8s.io", NAME, old, images, labels={**PINNED, "a": "1", MANAGED_LABEL: "managed"})
        remote.put(NAME, new, images)
        assert not pull().plan.changed
        checked = pull(always=True, check=True)
        pulled = pull(always=True)
        assert checked.plan.changed
        assert pulled.plan.action_lines() == [f"pull {NAME} into k8s.io ({old.digest} → {new.digest})"]
        assert pulled.plan.before[NAME]["digest"] == str(old.digest)
        record = containerd.record("k8s.io", NAME)
        assert record.target.digest == new.digest
        assert record.labels == {**PINNED, "a": "1"}
        # At no time is the name without an image.
        removed = runner.commands("containerd", "--namespace", "k8s.io", "images.Delete")
        assert NAME not in [call.argv[-1] for call in removed]

    def test_a_name_by_digest_is_never_another_image(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
    ) -> None:
        image = images.manifest(stated=False)
        by_digest = Reference.parse(f"registry.example.com/app@{image.digest}")
        remote.put(str(by_digest), image, images)
        assert pull(reference=by_digest).plan.changed
        assert containerd.names("k8s.io") == [str(by_digest)]
        runner.calls.clear()
        assert not pull(reference=by_digest, always=True).plan.changed
        assert not asked(runner)

    def test_labels_pins_and_unpacking_need_no_registry(
        self, pull: Pull, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(stated=False), images, labels={"b": "1"})
        pulled = pull(pinned=True, labels={"a": "1"}, unpack=True)
        assert pulled.plan.action_lines() == [f"label {NAME} (a=1)", f"pin {NAME}", f"unpack {NAME}"]
        assert pulled.command == ()
        assert containerd.record("k8s.io", NAME).labels == {"a": "1", "b": "1", **PINNED}
        assert not pull(pinned=True, labels={"a": "1"}, unpack=True).plan.changed
        assert not asked(runner)

    def test_what_has_no_layers_for_this_node_needs_no_unpacking(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
    ) -> None:
        remote.put(NAME, images.manifest(layers=[], stated=False), images)
        assert pull(unpack=True).plan.changed
        assert not pull(unpack=True).plan.changed

    def test_another_platform(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
    ) -> None:
        own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
        remote.put(NAME, images.index(own, foreign), images)
        pull()
        assert pull(platform=ARM64).plan.action_lines()[0].startswith(f"pull {NAME} into k8s.io (incomplete: ")
        assert containerd.whole("k8s.io", NAME)
        assert not pull(platform=AMD64).plan.changed


class TestFailures:
    """Whatever fails, the name stands for what it stood for."""

    @pytest.fixture
    def old(self, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory) -> str:
        old = images.manifest(layers=[b"old"], stated=False)
        containerd.put("k8s.io", NAME, old, images)
        remote.put(NAME, images.manifest(stated=False), images)
        return str(old.digest)

    def test_the_pull(self, pull: Pull, containerd: FakeContainerd, old: str, runner: FakeRunner) -> None:
        runner.on("nerdctl", "pull", rc=1, stderr=fatal("dial tcp 10.0.0.9:443: connect: connection refused"))
        with pytest.raises(Unavailable, match=r"could not be pulled\. The registry cannot be reached"):
            pull(always=True)
        assert str(containerd.record("k8s.io", NAME).target.digest) == old
        assert list(containerd.namespaces) == ["default", "k8s.io"]

    def test_labels_that_containerd_obeys(
        self, pull: Pull, containerd: FakeContainerd, remote: FakeRegistry, old: str, images: ImageFactory
    ) -> None:
        hostile = images.manifest(labels={"containerd.io/restart.loguri": "binary:///bin/sh"}, stated=False)
        remote.put(NAME, hostile, images)
        with pytest.raises(InvalidInput, match=r"labels that containerd .* obey.*containerd\.io/restart"):
            pull(always=True)
        assert str(containerd.record("k8s.io", NAME).target.digest) == old
        assert list(containerd.namespaces) == ["default", "k8s.io"]
        assert str(hostile.digest) not in containerd.namespaces["k8s.io"].held
        assert pull(always=True, allow_reserved_labels=True).plan.changed

    def test_an_image_that_is_there_with_such_labels_may_be_pinned(
        self, pull: Pull, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(labels={"containerd.io/x": "1"}, stated=False), images)
        assert pull(pinned=True).plan.action_lines() == [f"pin {NAME}"]

    def test_garbage_collections_at_any_moment(self, pull: Pull, containerd: FakeContainerd, old: str) -> None:
        containerd.storm = True
        pull(always=True)
        assert containerd.whole("k8s.io", NAME)
        assert str(containerd.record("k8s.io", NAME).target.digest) != old
