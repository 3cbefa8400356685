# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removals: what goes, what goes with it, and what is refused."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, NotFound, Refused
from ansible_collections.nephoran.container_build.plugins.module_utils._image_remove import (
    ImageRemover,
    Removed,
    RemoveRequest,
    parse_wanted,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
    PINNED_LABEL,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP, OTHER = "docker.io/library/app:v1", "docker.io/library/app:v2"
REQUEST = RemoveRequest("k8s.io", (Reference.parse(APP),))
MANAGED = {MANAGED_LABEL: "managed"}
OF_THE_CRI = f"sha256:{'c' * 64}"

Remove = t.Callable[..., Removed]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
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
def remove(runner: FakeRunner, containerd: FakeContainerd) -> Remove:
    def run(request: RemoveRequest = REQUEST, *, check: bool = False, **changes: t.Any) -> Removed:
        remover = ImageRemover(ImageStore.connect(runner, SOCKET, "overlayfs"))
        return remover.run(dataclasses.replace(request, **changes), check=check)

    return run


def removals(runner: FakeRunner) -> list[str]:
    """What was removed, and whether the garbage collection was waited for."""
    requests = (Message(call.data or b"") for call in runner.commands("containerd", "images.Delete"))
    return [request.text(1) + (" and wait" if request.number(2) else "") for request in requests]


def test_a_name_goes_and_the_others_stay(
    remove: Remove, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    image = images.manifest()
    containerd.put("k8s.io", APP, image, images, labels=MANAGED)
    containerd.put("k8s.io", OTHER, image, images, labels=MANAGED)
    containerd.put("k8s.io", OF_THE_CRI, image, images, labels=MANAGED)
    containerd.put("default", APP, image, images)
    removed = remove()
    assert removed.images == {APP: str(image.digest)}
    assert removed.plan.action_lines() == [f"remove {APP} from k8s.io ({image.digest})"]
    assert removed.plan.before == {f"{APP} in k8s.io": {"present": True, "digest": str(image.digest)}}
    assert removed.plan.after == {f"{APP} in k8s.io": {"present": False}}
    assert containerd.names("k8s.io") == [OTHER, OF_THE_CRI]
    assert containerd.names("default") == [APP]
    assert removals(runner) == [f"{APP} and wait"]


def test_the_cris_own_name_goes_with_the_last_one(
    remove: Remove, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("k8s.io", APP, images.manifest(), images, labels=MANAGED)
    containerd.put("k8s.io", OF_THE_CRI, images.manifest(), images, labels=MANAGED)
    removed = remove()
    assert list(removed.images) == [APP, OF_THE_CRI]
    assert "the CRI plugin's own name" in removed.plan.action_lines()[1]
    assert containerd.names("k8s.io") == []
    # Once, at the end: nothing is free before the last name is gone.
    assert removals(runner) == [APP, f"{OF_THE_CRI} and wait"]
    assert containerd.namespaces["k8s.io"].held == set()


def test_a_name_by_digest_keeps_the_image(remove: Remove, containerd: FakeContainerd, images: ImageFactory) -> None:
    image = images.manifest()
    by_digest = f"docker.io/library/app@{image.digest}"
    for name in (APP, by_digest, OF_THE_CRI):
        containerd.put("k8s.io", name, image, images, labels=MANAGED)
    assert list(remove().images) == [APP]
    assert containerd.names("k8s.io") == [by_digest, OF_THE_CRI]


def test_a_digest_stands_for_all_names(remove: Remove, containerd: FakeContainerd, images: ImageFactory) -> None:
    image, another = images.manifest(), images.manifest(layers=[b"another"])
    for name in (OF_THE_CRI, APP, OTHER):
        containerd.put("k8s.io", name, image, images)
    containerd.put("k8s.io", "docker.io/library/another:v1", another, images)
    removed = remove(images=(image.digest,))
    assert list(removed.images) == [APP, OTHER, OF_THE_CRI]
    assert containerd.names("k8s.io") == ["docker.io/library/another:v1"]


@pytest.mark.parametrize("wanted", [Reference.parse(APP), Digest.of(b"nothing")])
def test_what_is_not_there_needs_not_be_removed(remove: Remove, runner: FakeRunner, wanted: Reference | Digest) -> None:
    removed = remove(images=(wanted,))
    assert not removed.plan.changed
    assert removed.images == {}
    assert removals(runner) == []


def test_check_mode_says_the_same_and_removes_nothing(
    remove: Remove, containerd: FakeContainerd, images: ImageFactory, runner: FakeRunner
) -> None:
    containerd.put("k8s.io", APP, images.manifest(), images)
    checked = remove(check=True)
    assert removals(runner) == []
    assert containerd.names("k8s.io") == [APP]
    assert remove() == checked
    assert not remove().plan.changed


def test_a_pinned_image_stays_with_all_others_that_were_asked_for(
    remove: Remove, containerd: FakeContainerd, images: ImageFactory
) -> None:
    both = (Reference.parse(APP), Reference.parse(OTHER))
    containerd.put("k8s.io", APP, images.manifest(), images)
    containerd.put("k8s.io", OTHER, images.manifest(), images, labels={PINNED_LABEL: "pinned"})
    with pytest.raises(Refused, match=rf"The image is pinned: {OTHER} in k8s.io\. To do: set remove_pinned"):
        remove(images=both, force=True)
    assert containerd.names("k8s.io") == [APP, OTHER]
    remove(images=both, pinned=True)
    assert containerd.names("k8s.io") == []


@pytest.mark.parametrize("used", [APP, OTHER, OF_THE_CRI])
def test_containers_keep_an_image_whichever_of_its_names_they_were_made_from(
    remove: Remove, containerd: FakeContainerd, images: ImageFactory, used: str
) -> None:
    for name in (APP, OTHER, OF_THE_CRI):
        containerd.put("k8s.io", name, images.manifest(), images)
    containerd.namespaces["k8s.io"].containers = {f"{number:064}": used for number in range(7)}
    with pytest.raises(Refused, match=r"Containers were made from the image: .*app:v1 in k8s\.io: 000.* and 2 more"):
        remove(pinned=True)
    with pytest.raises(Refused):
        remove(check=True)
    assert containerd.names("k8s.io") == [APP, OTHER, OF_THE_CRI]
    assert list(remove(force=True).images) == [APP]


def test_containers_of_other_images_do_not_matter(
    remove: Remove, containerd: FakeContainerd, images: ImageFactory
) -> None:
    containerd.put("k8s.io", APP, images.manifest(), images)
    containerd.put("k8s.io", OTHER, images.manifest(layers=[b"other"]), images)
    containerd.namespaces["k8s.io"].containers = {"1" * 64: OTHER}
    assert remove().plan.changed


def test_an_unknown_namespace(remove: Remove) -> None:
    with pytest.raises(NotFound, match="no such namespace: staging"):
        remove(namespace="staging")


def test_names_and_digests_are_told_apart() -> None:
    digest = f"sha256:{'a' * 64}"
    assert parse_wanted(digest) == Digest.parse(digest)
    assert parse_wanted("app:v1") == Reference.parse("app:v1")
    assert parse_wanted(f"app@{digest}") == Reference.parse(f"app@{digest}")


@pytest.mark.parametrize("text", ["sha256:abc", "", "--all", "App"])
def test_what_is_neither(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_wanted(text)
