# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Further names of an image: what is planned, what is written, and what stays as it is."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tag import Tagged, TagRequest, tag_image
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
    PINNED_LABEL,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
STABLE = Reference.parse("app:stable")
PUSHED = Reference.parse("registry.example.com/app:v1")
REQUEST = TagRequest("default", APP, (STABLE,))
PINNED = {PINNED_LABEL: "pinned"}

Tag = t.Callable[..., Tagged]


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
def tag(runner: FakeRunner, containerd: FakeContainerd, tmp_path: pathlib.Path) -> Tag:
    def run(request: TagRequest = REQUEST, *, check: bool = False, **changes: t.Any) -> Tagged:
        store = ImageStore.connect(runner, SOCKET, "overlayfs")
        return tag_image(store, dataclasses.replace(request, **changes), str(tmp_path), check=check)

    return run


CHANGING = ("images.Create", "images.Update", "images.Delete", "content.Write", "content.Update", "import", "ingest")


def changing(runner: FakeRunner) -> list[str]:
    return [verb for call in runner.calls for verb in CHANGING if verb in call.argv]


def test_a_new_name(tag: Tag, containerd: FakeContainerd, images: ImageFactory) -> None:
    image = images.manifest()
    containerd.put("default", str(APP), image, images)
    tagged = tag(names=(STABLE, PUSHED))
    assert tagged.tagged == (str(STABLE), str(PUSHED))
    assert tagged.kept == ()
    assert tagged.digest == str(image.digest)
    assert tagged.plan.action_lines() == [
        f"name {name} in default (absent → {image.digest})" for name in (STABLE, PUSHED)
    ]
    assert containerd.names("default") == sorted(map(str, (APP, STABLE, PUSHED)))
    assert containerd.record("default", str(PUSHED)).target.digest == image.digest


def test_check_mode_changes_nothing_and_says_the_same(
    tag: Tag, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("default", str(APP), images.manifest(), images)
    checked = tag(check=True)
    assert changing(runner) == []
    assert containerd.names("default") == [str(APP)]
    assert tag() == checked


def test_again_changes_nothing(tag: Tag, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner) -> None:
    containerd.put("default", str(APP), images.manifest(), images)
    tag()
    runner.calls.clear()
    tagged = tag()
    assert not tagged.plan.changed
    assert (tagged.tagged, tagged.kept) == ((), ())
    assert changing(runner) == []


def test_a_name_moves_without_a_moment_of_absence_and_keeps_its_labels(
    tag: Tag, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    old, new = images.manifest(layers=[b"old"]), images.manifest()
    containerd.put("default", str(APP), new, images)
    containerd.put("default", str(STABLE), old, images, labels={**PINNED, "team": "a", MANAGED_LABEL: "managed"})
    tagged = tag()
    assert tagged.plan.action_lines() == [f"name {STABLE} in default ({old.digest} → {new.digest})"]
    assert tagged.plan.before[str(STABLE)]["digest"] == str(old.digest)
    assert tagged.plan.after[str(STABLE)]["digest"] == str(new.digest)
    record = containerd.record("default", str(STABLE))
    assert record.target.digest == new.digest
    assert record.labels == {**PINNED, "team": "a"}
    removed = [call.argv[-1] for call in runner.commands("containerd", "images.Delete")]
    assert str(STABLE) not in removed


def test_a_name_of_another_image_is_kept_if_that_is_asked_for(
    tag: Tag, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    old, new = images.manifest(layers=[b"old"]), images.manifest()
    containerd.put("default", str(APP), new, images)
    containerd.put("default", str(STABLE), old, images)
    tagged = tag(names=(STABLE, PUSHED), keep_existing=True, labels={"a": "1"})
    assert tagged.kept == (str(STABLE),)
    assert tagged.tagged == (str(PUSHED),)
    assert containerd.record("default", str(STABLE)).target.digest == old.digest
    assert containerd.record("default", str(STABLE)).labels == {}
    assert tagged.plan.before[str(STABLE)] == tagged.plan.after[str(STABLE)]


def test_labels_and_pins_of_names_that_are_there(tag: Tag, containerd: FakeContainerd, images: ImageFactory) -> None:
    image = images.manifest()
    containerd.put("default", str(APP), image, images, labels={"of": "the source"})
    containerd.put("default", str(STABLE), image, images, labels={"b": "1"})
    tagged = tag(pinned=True, labels={"a": "1"})
    assert tagged.plan.action_lines() == [f"label {STABLE} (a=1)", f"pin {STABLE}"]
    assert containerd.record("default", str(STABLE)).labels == {"a": "1", "b": "1", **PINNED}
    assert containerd.record("default", str(APP)).labels == {"of": "the source"}


def test_of_several_platforms_one_that_is_there_is_enough(
    tag: Tag, containerd: FakeContainerd, images: ImageFactory
) -> None:
    foreign = images.manifest("linux/arm64", layers=[b"arm"])
    own = images.manifest(layers=[b"amd"])
    index = images.index(own, foreign)
    containerd.put("default", str(APP), index, images, without={str(own.digest), str(Digest.of(b"amd"))})
    assert tag().tagged == (str(STABLE),)
    assert containerd.record("default", str(STABLE)).target.digest == index.digest


def test_an_image_for_another_platform(tag: Tag, containerd: FakeContainerd, images: ImageFactory) -> None:
    containerd.put("default", str(APP), images.manifest("linux/arm64", stated=False), images)
    assert tag().tagged == (str(STABLE),)


@pytest.mark.parametrize("lost", ["layer", "manifest", "config"])
def test_an_image_that_is_not_whole_gets_no_name(
    tag: Tag, containerd: FakeContainerd, images: ImageFactory, lost: str
) -> None:
    image = images.manifest(layers=[b"layer"])
    index = images.index(image)
    digests = {"layer": Digest.of(b"layer"), "manifest": image.digest}
    digests["config"] = next(each for each in images.blobs if each not in {*digests.values(), index.digest})
    containerd.put("default", str(APP), index, images, without={str(digests[lost])})
    with pytest.raises(
        IntegrityError, match=f"does not hold all of the image: {APP} in default: missing.*{digests[lost]}"
    ):
        tag()
    assert containerd.names("default") == [str(APP)]


def test_an_unknown_image_is_told_with_what_is_there(
    tag: Tag, containerd: FakeContainerd, images: ImageFactory
) -> None:
    containerd.put("default", "docker.io/library/app:v2", images.manifest(), images)
    with pytest.raises(NotFound, match=r"docker\.io/library/app:v1.*such as docker\.io/library/app:v2"):
        tag()


def test_an_unknown_namespace(tag: Tag, containerd: FakeContainerd) -> None:
    with pytest.raises(NotFound, match=r"no such namespace: staging.*one of default, k8s\.io"):
        tag(namespace="staging")
