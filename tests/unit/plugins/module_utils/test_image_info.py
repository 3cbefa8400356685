# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All that is known of images, and whether Kubernetes sees them."""

from __future__ import annotations

import datetime as dt

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_info
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_info import (
    ImageInfo,
    describe_images,
    judge_names,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_visibility import (
    KubernetesView,
    Visibility,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._kubelet import Kubelet
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
    PINNED_LABEL,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
NAME = str(APP)
MANAGED = {MANAGED_LABEL: "managed"}
# Of a node without a kubelet.
VIEW = KubernetesView(SOCKET, None)


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited for the CRI plugin; what a test appends to it happens meanwhile."""
    slept: list[float] = []
    monkeypatch.setattr(_image_info.time, "sleep", slept.append)
    return slept


@pytest.fixture(autouse=True)
def on_amd64(monkeypatch: pytest.MonkeyPatch, naps: list[float]) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def containerd(runner: FakeRunner) -> FakeContainerd:
    return FakeContainerd(runner, "default", "k8s.io")


@pytest.fixture
def store(runner: FakeRunner, containerd: FakeContainerd) -> ImageStore:
    return ImageStore.connect(runner, SOCKET, "overlayfs")


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


def only(store: ImageStore, namespace: str = "k8s.io") -> ImageInfo:
    (info,) = describe_images(store, [namespace], [APP], VIEW)
    return info


def just_now() -> str:
    return dt.datetime.now(dt.timezone.utc).isoformat().replace("+00:00", "Z")


def test_an_image_as_kubernetes_sees_it(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    amd = images.manifest("linux/amd64", labels={"a": "b"})
    index = images.index(amd, images.attestation(amd))
    labels = {**MANAGED, PINNED_LABEL: "pinned"}
    containerd.put("k8s.io", NAME, index, images, labels=labels, unpacked=True)
    manifest = oci.Manifest.parse(images.read(amd))
    assert only(store) == ImageInfo(
        name=NAME,
        namespace="k8s.io",
        digest=str(index.digest),
        media_type=oci.OCI_INDEX,
        image_id=str(manifest.config.digest),
        created="2026-01-02T03:04:05Z",
        size=index.size + amd.size + manifest.config.size + sum(layer.size for layer in manifest.layers),
        platforms=("linux/amd64",),
        platforms_incomplete=(),
        labels=labels,
        image_labels={"a": "b"},
        pinned=True,
        complete=True,
        missing=(),
        unpacked=True,
        visible_to_kubernetes=True,
        invisible_reasons=(),
    )


@pytest.mark.parametrize(
    ("labels", "pinned"), [({PINNED_LABEL: "pinned"}, True), ({PINNED_LABEL: "x"}, False), ({}, False)]
)
def test_a_pin_is_what_the_kubelet_takes_for_one(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory, labels: dict[str, str], pinned: bool
) -> None:
    containerd.put("k8s.io", NAME, images.manifest(), images, labels=labels)
    assert only(store).pinned is pinned


class TestInvisible:
    """Why Kubernetes does not see an image."""

    def reason(self, store: ImageStore, namespace: str = "k8s.io") -> str:
        info = only(store, namespace)
        assert not info.visible_to_kubernetes
        (reason,) = info.invisible_reasons
        return reason

    def test_another_namespace(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        lost = str(Digest.of(b"layer one"))
        containerd.put("default", NAME, images.manifest(), images, without={lost})
        # One reason is enough: nothing else about it matters there.
        assert "in the namespace default" in self.reason(store, "default")
        assert "image_import" in self.reason(store, "default")

    def test_incomplete(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        lost = str(Digest.of(b"layer one"))
        containerd.put("k8s.io", NAME, images.manifest(), images, labels=MANAGED, without={lost})
        assert self.reason(store) == f"it is incomplete: {lost} missing; import or build it again"
        info = only(store)
        assert (info.complete, info.missing, info.unpacked) == (False, (lost,), False)
        assert (info.platforms, info.platforms_incomplete) == ((), ("linux/amd64",))

    def test_another_platform(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        containerd.put("k8s.io", NAME, images.index(images.manifest("linux/arm64")), images, labels=MANAGED)
        assert "linux/amd64" in self.reason(store)
        info = only(store)
        assert (info.platforms, info.image_id, info.created) == (("linux/arm64",), "", "")

    def test_documents_that_are_gone(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        manifest = images.manifest()
        containerd.put("k8s.io", NAME, manifest, images, labels=MANAGED, without={str(manifest.digest)})
        assert str(manifest.digest) in self.reason(store)
        info = only(store)
        assert (info.platforms, info.platforms_incomplete, info.size) == ((), (), 0)

    def test_not_taken_up(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images)
        assert "the CRI plugin of this containerd has not taken it up" in self.reason(store)

    def test_the_kubelet_of_another_containerd(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images)
        view = KubernetesView(SOCKET, Kubelet(812, "/run/k3s/containerd/containerd.sock"))
        (info,) = describe_images(store, ["k8s.io"], [APP], view)
        (reason,) = info.invisible_reasons
        assert "the kubelet (PID 812) uses another containerd" in reason
        assert "address: /run/k3s/containerd/containerd.sock" in reason

    def test_a_kubelet_that_demands_credentials(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images, labels=MANAGED)
        view = KubernetesView(SOCKET, Kubelet(812, SOCKET, policy="AlwaysVerify"))
        (info,) = describe_images(store, ["k8s.io"], [APP], view)
        (reason,) = info.invisible_reasons
        assert "imagePullCredentialsVerificationPolicy is AlwaysVerify" in reason
        assert "docker.io/library/app in preloadedImagesVerificationAllowlist" in reason

    def test_several_at_once(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images, without={str(Digest.of(b"layer one"))})
        assert len(only(store).invisible_reasons) == 2


class TestNames:
    """What a Pod finds under a name."""

    def judged(self, store: ImageStore, name: str = "app:v1") -> Visibility:
        (visibility,) = judge_names(store, [Reference.parse(name)], VIEW)
        return visibility

    def reason(self, store: ImageStore, name: str = "app:v1") -> str:
        visibility = self.judged(store, name)
        assert not visibility.visible
        (reason,) = visibility.reasons
        return reason

    def test_an_image_that_is_there(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images, labels=MANAGED)
        assert self.judged(store) == Visibility(NAME, visible=True)

    def test_one_that_is_there_and_of_no_use(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        lost = str(Digest.of(b"layer one"))
        containerd.put("k8s.io", NAME, images.manifest(), images, labels=MANAGED, without={lost})
        assert "incomplete" in self.reason(store)

    def test_one_that_is_elsewhere(self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
        containerd.put("default", NAME, images.manifest(), images)
        assert self.reason(store).startswith("it is in default, and Kubernetes looks in k8s.io alone")

    @pytest.mark.parametrize(
        "alike",
        ["localhost/app:v1", "docker.io/team/app:v1", "registry.example.org/app:v1", "docker.io/library/app:v2"],
    )
    def test_a_name_that_is_alike(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory, alike: str
    ) -> None:
        containerd.put("k8s.io", alike, images.manifest(), images, labels=MANAGED)
        assert f"no image is called {NAME}; what is alike is {alike} in k8s.io" in self.reason(store)

    @pytest.mark.parametrize(
        "other", ["docker.io/library/myapp:v1", "docker.io/team/app:v2", "sha256:" + "a" * 64, "-X-"]
    )
    def test_nothing_like_it(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory, other: str
    ) -> None:
        containerd.put("k8s.io", other, images.manifest(), images)
        assert f"no image {NAME} in any namespace" in self.reason(store)

    def test_names_that_are_alike_are_not_listed_without_end(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        for number in range(7):
            containerd.put("k8s.io", f"docker.io/library/app:old{number}", images.manifest(), images)
        assert self.reason(store).count(" in k8s.io") == 5
        assert "and 2 more" in self.reason(store)

    def test_the_kubelet_of_another_containerd_is_named_for_absent_ones(self, store: ImageStore) -> None:
        view = KubernetesView(SOCKET, Kubelet(812, "/run/k3s/containerd/containerd.sock"))
        (visibility,) = judge_names(store, [APP], view)
        assert len(visibility.reasons) == 2
        assert "another containerd" in visibility.reasons[1]

    def test_without_names_there_is_nothing_to_judge(self, store: ImageStore, runner: FakeRunner) -> None:
        assert judge_names(store, [], VIEW) == []
        assert runner.calls == []


class TestFreshRecords:
    """The CRI plugin needs a moment to take an image up."""

    def test_a_fresh_one_is_given_that_moment(
        self,
        store: ImageStore,
        containerd: FakeContainerd,
        images: ImageFactory,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images, updated=just_now())

        def take_up(seconds: float) -> None:
            assert 0 < seconds < 5
            containerd.record("k8s.io", NAME).labels.update(MANAGED)

        monkeypatch.setattr(_image_info.time, "sleep", take_up)
        assert only(store).visible_to_kubernetes

    def test_others_are_not_waited_for(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory, naps: list[float]
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images)
        only(store)
        containerd.put("k8s.io", NAME, images.manifest(), images, labels=MANAGED, updated=just_now())
        only(store)
        containerd.put("k8s.io", NAME, images.manifest(), images, updated="")
        only(store)
        containerd.put("default", NAME, images.manifest(), images, updated=just_now())
        only(store, "default")
        assert naps == []

    def test_a_fresh_one_that_is_not_taken_up_is_waited_for_once(
        self, store: ImageStore, containerd: FakeContainerd, images: ImageFactory, naps: list[float]
    ) -> None:
        containerd.put("k8s.io", NAME, images.manifest(), images, updated=just_now())
        assert not only(store).visible_to_kubernetes
        assert len(naps) == 1


def test_platforms_that_are_all_there_and_others(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory
) -> None:
    amd, arm = images.manifest("linux/amd64", [b"amd"]), images.manifest("linux/arm64", [b"arm"])
    index = images.index(arm, images.attestation(arm), amd, images.attestation(amd))
    containerd.put("k8s.io", NAME, index, images, labels=MANAGED, without={str(Digest.of(b"arm"))})
    info = only(store)
    assert (info.platforms, info.platforms_incomplete) == (("linux/amd64",), ("linux/arm64",))
    assert info.complete


def test_all_images_of_all_namespaces_in_order(
    store: ImageStore, containerd: FakeContainerd, images: ImageFactory
) -> None:
    for namespace, name in (("k8s.io", "b"), ("k8s.io", "a"), ("default", "c")):
        containerd.put(namespace, f"docker.io/library/{name}:v1", images.manifest(layers=[name.encode()]), images)
    found = describe_images(store, ["k8s.io", "default"], [], VIEW)
    assert [(info.namespace, info.name[18:]) for info in found] == [
        ("k8s.io", "a:v1"),
        ("k8s.io", "b:v1"),
        ("default", "c:v1"),
    ]


def test_only_those_that_were_asked_for(store: ImageStore, containerd: FakeContainerd, images: ImageFactory) -> None:
    manifest = images.manifest()
    containerd.put("k8s.io", NAME, manifest, images)
    containerd.put("k8s.io", "docker.io/library/alias:v1", manifest, images)
    found = describe_images(store, ["k8s.io", "default"], [APP, Reference.parse("absent:v1")], VIEW)
    assert [info.name for info in found] == [NAME]


def test_nothing_there(store: ImageStore) -> None:
    assert describe_images(store, ["default"], [], VIEW) == []
    assert describe_images(store, [], [APP], VIEW) == []
