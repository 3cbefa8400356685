# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes out of namespaces: what is pushed, when, and that it arrived."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_push import (
    ImagePusher,
    Pushed,
    PushRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import (
    SOCKET,
    FakeContainerd,
    Namespace,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry, fatal
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("registry.example.com/app:v1")
LOCAL = Reference.parse("app:v1")
AMD64 = Platform.parse("linux/amd64")
ARM64 = Platform.parse("linux/arm64")
REQUEST = PushRequest("default", APP, APP)

Push = t.Callable[..., Pushed]


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
    return FakeContainerd(runner, "default")


@pytest.fixture
def remote(runner: FakeRunner, containerd: FakeContainerd) -> FakeRegistry:
    return FakeRegistry(runner, containerd)


@pytest.fixture
def push(runner: FakeRunner, remote: FakeRegistry, tmp_path: pathlib.Path) -> Push:
    def run(request: PushRequest = REQUEST, *, check: bool = False, **changes: t.Any) -> Pushed:
        store = ImageStore.connect(runner, SOCKET, "overlayfs")
        access = RegistryAccess(str(tmp_path), retries=0)
        pusher = ImagePusher(store, NerdctlRegistry(store.nerdctl, access), str(tmp_path))
        return pusher.run(dataclasses.replace(request, **changes), check=check)

    return run


def changing(runner: FakeRunner) -> list[str]:
    return [verb for call in runner.calls for verb in ("push", "import", "ingest", "rm") if verb in call.argv]


def test_an_image_that_the_registry_lacks(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    image = images.manifest(stated=False)
    containerd.put("default", str(APP), image, images)
    pushed = push()
    assert pushed.plan.action_lines() == [f"push {APP} (absent → {image.digest})"]
    assert pushed.plan.before == {str(APP): {"present": False}}
    assert pushed.plan.after == {str(APP): {"present": True, "digest": str(image.digest)}}
    assert pushed.digest == str(image.digest)
    assert pushed.command == runner.commands("nerdctl", "push")[0].argv
    assert remote.images == {str(APP): image}
    # As it is in its namespace: nothing is put together for it.
    assert changing(runner) == ["push"]


def test_check_mode_says_the_same_and_pushes_nothing(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", str(APP), images.manifest(stated=False), images)
    checked = push(check=True)
    assert changing(runner) == []
    assert remote.images == {}
    assert dataclasses.replace(push(), command=()) == checked


@pytest.mark.parametrize("as_index", [False, True])
def test_again(
    push: Push,
    containerd: FakeContainerd,
    remote: FakeRegistry,
    images: ImageFactory,
    runner: FakeRunner,
    as_index: bool,
) -> None:
    image = images.manifest()
    target = images.index(image, images.attestation(image)) if as_index else image._replace(platform=None)
    containerd.put("default", str(APP), target, images)
    assert push().plan.changed
    runner.calls.clear()
    again = push()
    assert not again.plan.changed
    assert again.digest == str(target.digest)
    assert again.plan.before == again.plan.after == {str(APP): {"present": True, "digest": str(target.digest)}}
    assert again.command == ()
    assert changing(runner) == []


@pytest.mark.parametrize("of_index", [False, True])
def test_another_image_is_replaced(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, of_index: bool
) -> None:
    old, new = images.manifest(layers=[b"old"]), images.manifest(stated=False)
    containerd.put("default", str(APP), new, images)
    remote.put(str(APP), images.index(old) if of_index else old, images)
    pushed = push()
    before = "another index" if of_index else str(old.digest)
    assert pushed.plan.action_lines() == [f"push {APP} ({before} → {new.digest})"]
    assert remote.images[str(APP)] == new


def test_all_platforms_and_attestations_go(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
) -> None:
    own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
    index = images.index(own, foreign, images.attestation(own))
    containerd.put("default", str(APP), index, images)
    assert push().digest == str(index.digest)
    assert remote.images[str(APP)].digest == index.digest


def test_what_is_not_there_as_a_whole_is_not_pushed(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
) -> None:
    own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
    lost = str(Digest.of(b"arm"))
    containerd.put("default", str(APP), images.index(own, foreign), images, without={lost})
    with pytest.raises(IntegrityError, match=f"missing {lost}.*all that its platforms need.*name a platform"):
        push()
    with pytest.raises(IntegrityError, match=f"missing {lost}.*all that it needs on linux/arm64"):
        push(platform=ARM64)
    assert remote.images == {}
    assert push(platform=AMD64).digest == str(own.digest)


def test_one_platform_is_pushed_as_a_plain_manifest(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
    index = images.index(own, foreign)
    containerd.put("default", str(APP), index, images)
    pushed = push(platform=ARM64)
    assert pushed.digest == str(foreign.digest)
    assert remote.images[str(APP)].digest == foreign.digest
    # Put together in a namespace of its own, which is gone; the image itself is as it was.
    assert list(containerd.namespaces) == ["default"]
    assert containerd.names("default") == [str(APP)]
    assert containerd.record("default", str(APP)).target.digest == index.digest
    assert containerd.bytes_read == 0
    assert not push(platform=ARM64).plan.changed
    assert push(platform=AMD64).plan.action_lines() == [f"push {APP} ({foreign.digest} → {own.digest})"]


def test_a_platform_that_the_image_lacks(push: Push, containerd: FakeContainerd, images: ImageFactory) -> None:
    containerd.put("default", str(APP), images.manifest(stated=False), images)
    with pytest.raises(IntegrityError, match=r"no manifest for the platform: linux/arm64.*the image has linux/amd64"):
        push(platform=ARM64)


def test_another_name_at_the_registry_is_no_name_on_the_node(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    image = images.manifest(stated=False)
    containerd.put("default", str(LOCAL), image, images, labels={"a": "1"})
    pushed = push(reference=LOCAL)
    assert pushed.plan.action_lines() == [f"push {APP} (absent → {image.digest})"]
    assert remote.images == {str(APP): image}
    assert containerd.names("default") == [str(LOCAL)]
    assert list(containerd.namespaces) == ["default"]
    assert pushed.command[4].startswith("nephoran-container-build-push-")


def test_a_failed_push_leaves_no_namespace(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", str(LOCAL), images.manifest(stated=False), images)
    runner.on("nerdctl", "push", rc=1, stderr=fatal("push access denied: authorization failed"))
    with pytest.raises(Unavailable, match="The registry does not accept the credentials"):
        push(reference=LOCAL)
    assert list(containerd.namespaces) == ["default"]
    assert containerd.names("default") == [str(LOCAL)]


def test_leftovers_of_a_task_that_was_killed_are_removed(
    push: Push, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", str(LOCAL), images.manifest(stated=False), images)
    staging = push(reference=LOCAL).command[4]
    containerd.namespaces[staging] = Namespace()
    containerd.put(staging, "docker.io/library/left:over", images.manifest(layers=[b"left over"]), images)
    leased = str(Digest.of(b"kept by a lease alone"))
    containerd.namespaces[staging].held.add(leased)
    containerd.namespaces[staging].leases["of a killed task"] = {leased}
    containerd.blobs[leased] = b"kept by a lease alone"
    containerd.put("default", str(LOCAL), images.manifest(layers=[b"new"], stated=False), images)
    assert push(reference=LOCAL).plan.changed
    assert list(containerd.namespaces) == ["default"]


def test_what_did_not_arrive_is_no_success(
    push: Push, containerd: FakeContainerd, remote: FakeRegistry, images: ImageFactory
) -> None:
    containerd.put("default", str(APP), images.manifest(stated=False), images)
    remote.stale = True
    with pytest.raises(IntegrityError, match="the registry has something else under its name"):
        push()


def test_an_unknown_image_is_no_question_for_a_registry(push: Push, runner: FakeRunner) -> None:
    with pytest.raises(NotFound, match="no such image in namespace default"):
        push()
    assert runner.commands("nerdctl", "manifest") == []


def test_the_only_platform_of_an_image_is_the_image_itself(
    push: Push, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    image = images.manifest(stated=False)
    containerd.put("default", str(APP), image, images)
    assert push(platform=AMD64).digest == str(image.digest)
    assert changing(runner) == ["push"]
