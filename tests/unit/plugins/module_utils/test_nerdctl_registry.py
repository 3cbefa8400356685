# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries: what nerdctl is asked, what its answers mean, and when it is asked again."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry, fatal
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("registry.example.com:5000/team/app:v1")
NERDCTL = ("nerdctl", "--address", SOCKET, "--namespace")
URL = "https://registry.example.com:5000/v2/team/app/manifests/v1"


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
def images() -> ImageFactory:
    return ImageFactory()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def access(tmp_path: pathlib.Path, pauses: list[float]) -> RegistryAccess:
    return RegistryAccess(str(tmp_path), pause=pauses.append)


@pytest.fixture
def registry(runner: FakeRunner, access: RegistryAccess) -> NerdctlRegistry:
    return NerdctlRegistry(Nerdctl(runner, SOCKET, timeout=7), access)


def test_a_manifest_is_told_with_its_digest(
    registry: NerdctlRegistry, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    image = images.manifest(labels={"a": "b"}, stated=False)
    remote.put(str(APP), image, images)
    found = registry.find(APP)
    assert found is not None
    assert found.digest == image.digest
    manifest = oci.Manifest.parse(images.read(image))
    assert found.is_same(image, manifest)
    assert found.has_config(str(manifest.config.digest))
    assert found.shown() == {"present": True, "digest": str(image.digest)}
    asked = [*NERDCTL, "default", "manifest", "inspect"]
    assert [list(call.argv) for call in runner.calls] == [[*asked, str(APP)], [*asked, "--verbose", str(APP)]]
    assert [call.timeout for call in runner.calls] == [7, 7]


def test_another_manifest_is_another_image(
    registry: NerdctlRegistry, remote: FakeRegistry, images: ImageFactory
) -> None:
    image, other = images.manifest(stated=False), images.manifest(layers=[b"other"], stated=False)
    remote.put(str(APP), image, images)
    found = registry.find(APP)
    assert found is not None
    assert not found.is_same(other, oci.Manifest.parse(images.read(other)))
    assert not found.has_config(str(oci.Manifest.parse(images.read(other)).config.digest))
    index = images.index(image)
    assert not found.is_same(index, oci.Index.parse(images.read(index)))


def test_an_index_is_known_by_what_it_lists(
    registry: NerdctlRegistry, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
    index = images.index(own, foreign, images.attestation(own))
    remote.put(str(APP), index, images)
    found = registry.find(APP)
    assert found is not None
    assert found.digest is None
    assert len(runner.calls) == 1
    assert found.is_same(index, oci.Index.parse(images.read(index)))
    assert found.shown() == {
        "present": True,
        "manifests": {"linux/amd64": str(own.digest), "linux/arm64": str(foreign.digest)},
    }
    for another in (
        images.index(own, foreign),
        images.index(foreign, own, images.attestation(own)),
        images.index(own, foreign, images.attestation(foreign)),
        images.index(own, foreign, images.attestation(own), docker=True),
    ):
        assert not found.is_same(another, oci.Index.parse(images.read(another)))
    assert not found.is_same(own, oci.Manifest.parse(images.read(own)))
    assert not found.has_config(str(oci.Manifest.parse(images.read(own)).config.digest))


def test_annotations_of_an_index_count(images: ImageFactory, registry: NerdctlRegistry, runner: FakeRunner) -> None:
    plain = images.index(images.manifest())
    raw = images.read(plain)[:-1] + b', "annotations": {"a": "1"}}'
    runner.on("nerdctl", stdout=raw)
    found = registry.find(APP)
    assert found is not None
    assert found.is_same(plain, oci.Index.parse(raw))
    assert not found.is_same(plain, oci.Index.parse(images.read(plain)))


def test_a_name_without_an_image(registry: NerdctlRegistry, remote: FakeRegistry) -> None:
    assert registry.find(APP) is None


@pytest.mark.parametrize("stdout", ["", "Usage: nerdctl manifest", "[]", '{"schemaVersion": 2}', '{"manifests": {}}'])
def test_an_unknown_answer(registry: NerdctlRegistry, runner: FakeRunner, stdout: str) -> None:
    runner.on("nerdctl", stdout=stdout)
    with pytest.raises(IntegrityError, match="app:v1 at its registry"):
        registry.find(APP)


@pytest.mark.parametrize("verbose", ["", "[]", "{}", '{"Raw": 7}', '{"Raw": "&"}'])
def test_an_unknown_manifest(
    registry: NerdctlRegistry, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner, verbose: str
) -> None:
    remote.put(str(APP), images.manifest(stated=False), images)
    runner.on("nerdctl", "manifest", "inspect", "--verbose", stdout=verbose)
    with pytest.raises(IntegrityError, match=r"not what this collection knows.*nerdctl 2\.2"):
        registry.find(APP)


@pytest.mark.parametrize(
    ("platform", "which"), [(None, ["--all-platforms"]), ("linux/arm64", ["--platform", "linux/arm64"])]
)
def test_pull(
    registry: NerdctlRegistry,
    remote: FakeRegistry,
    images: ImageFactory,
    runner: FakeRunner,
    platform: str | None,
    which: list[str],
) -> None:
    remote.put(str(APP), images.index(images.manifest("linux/arm64")), images)
    registry.pull("staging", APP, Platform.parse(platform) if platform else None)
    assert runner.argv == [*NERDCTL, "staging", "pull", "--quiet", "--unpack=false", *which, str(APP)]


def test_push(
    registry: NerdctlRegistry,
    remote: FakeRegistry,
    containerd: FakeContainerd,
    images: ImageFactory,
    runner: FakeRunner,
) -> None:
    image = images.manifest(stated=False)
    containerd.put("default", str(APP), image, images)
    assert registry.push("default", APP).argv == tuple(runner.argv)
    assert runner.argv == [*NERDCTL, "default", "push", "--quiet", "--all-platforms", str(APP)]
    assert remote.images[str(APP)] == image


def test_a_name_with_tag_and_digest_is_asked_for_by_the_digest(
    registry: NerdctlRegistry, remote: FakeRegistry, runner: FakeRunner
) -> None:
    digest = f"sha256:{'a' * 64}"
    assert registry.find(Reference.parse(f"app:v1@{digest}")) is None
    assert runner.argv[-1] == f"docker.io/library/app@{digest}"


class TestAccess:
    """How nerdctl is told of credentials and exceptions."""

    def test_nothing_is_said_without_need(
        self, registry: NerdctlRegistry, remote: FakeRegistry, runner: FakeRunner
    ) -> None:
        registry.find(APP)
        assert runner.calls[0].environ == {}
        assert "--hosts-dir" not in runner.argv

    def test_credentials_are_named_by_their_folder(
        self, remote: FakeRegistry, runner: FakeRunner, tmp_path: pathlib.Path
    ) -> None:
        access = RegistryAccess(str(tmp_path), docker_config="/scratch/credentials")
        NerdctlRegistry(Nerdctl(runner, SOCKET), access).find(APP)
        assert runner.calls[0].environ == {
            "DOCKER_CONFIG": "/scratch/credentials",
            "REGISTRY_AUTH_FILE": "/scratch/credentials/config.json",
        }

    @pytest.mark.parametrize(
        ("name", "domain", "host"),
        [
            (str(APP), "registry.example.com:5000", "registry.example.com:5000"),
            ("app", "docker.io", "registry-1.docker.io"),
        ],
    )
    def test_an_insecure_registry_has_a_hosts_file_of_its_own(
        self, remote: FakeRegistry, runner: FakeRunner, tmp_path: pathlib.Path, name: str, domain: str, host: str
    ) -> None:
        registry = NerdctlRegistry(Nerdctl(runner, SOCKET), RegistryAccess(str(tmp_path), insecure=True))
        for _twice in range(2):
            registry.find(Reference.parse(name))
        (folder,) = {call.value_of("--hosts-dir") for call in runner.calls}
        assert runner.calls[0].argv[:7] == (*NERDCTL, "default", "--hosts-dir", folder)
        (hosts,) = pathlib.Path(folder).rglob("hosts.toml")
        assert hosts.relative_to(folder) == pathlib.Path(domain, "hosts.toml")
        assert hosts.read_text() == f'server = "http://{host}"\nskip_verify = true\n'


BUSY = [
    f"failed to resolve {APP}: unexpected status from HEAD request to {URL}: {status}"
    for status in (
        "429 Too Many Requests",
        "500 Internal Server Error",
        "502 Bad Gateway",
        "503 Service Unavailable",
        "504 Gateway Timeout",
    )
]
DENIED = "does not accept the credentials"
REQUEST = f'failed to do request: Head "{URL}"'
NO_TOKEN = "failed to authorize: failed to fetch anonymous token"
NOT_BUSY = [
    (f"unexpected status from HEAD request to {URL}: 401 Unauthorized", DENIED),
    (f"unexpected status from PUT request to {URL}: 403 Forbidden", DENIED),
    ("push access denied, repository does not exist: authorization failed: no basic auth credentials", DENIED),
    (f"{NO_TOKEN}: unexpected status from GET request to https://a/token: 401 Unauthorized", DENIED),
    (f"{REQUEST}: http: server gave HTTP response to HTTPS client", "HTTP without TLS"),
    (f"{REQUEST}: tls: failed to verify certificate: x509: certificate signed by unknown authority", "be verified"),
    (f"{REQUEST}: dial tcp: lookup registry.example.com on 10.0.0.1:53: no such host", "cannot be reached"),
    (f"{REQUEST}: dial tcp 10.0.0.9:5000: connect: connection refused", "cannot be reached"),
]


class TestTrouble:
    """What goes wrong at registries."""

    @pytest.mark.parametrize("message", BUSY)
    def test_a_busy_registry_is_asked_again(
        self,
        registry: NerdctlRegistry,
        remote: FakeRegistry,
        images: ImageFactory,
        pauses: list[float],
        message: str,
    ) -> None:
        remote.put(str(APP), images.index(images.manifest()), images)
        remote.troubles = [fatal(message)] * 3
        assert registry.find(APP) is not None
        assert pauses == [1, 2, 4]

    @pytest.mark.parametrize("message", BUSY)
    def test_not_for_ever(
        self, registry: NerdctlRegistry, remote: FakeRegistry, runner: FakeRunner, message: str
    ) -> None:
        remote.troubles = [fatal(message)] * 5
        with pytest.raises(Unavailable, match=r"overloaded or out of order: .*app:v1\. .*raise the option retries"):
            registry.find(APP)
        assert len(runner.calls) == 4

    def test_pauses_have_an_end(self, runner: FakeRunner, remote: FakeRegistry, pauses: list[float]) -> None:
        remote.troubles = [fatal(BUSY[0])] * 8
        access = RegistryAccess("/nowhere", retries=8, pause=pauses.append)
        assert NerdctlRegistry(Nerdctl(runner, SOCKET), access).find(APP) is None
        assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]

    @pytest.mark.parametrize(("message", "meaning"), NOT_BUSY)
    @pytest.mark.parametrize(
        "do",
        [
            lambda registry: registry.find(APP),
            lambda registry: registry.pull("default", APP, None),
            lambda registry: registry.push("default", APP),
        ],
    )
    def test_what_no_patience_helps_is_told_at_once(
        self,
        registry: NerdctlRegistry,
        remote: FakeRegistry,
        runner: FakeRunner,
        message: str,
        meaning: str,
        do: t.Callable[[NerdctlRegistry], object],
    ) -> None:
        remote.troubles = [fatal(message)] * 2
        with pytest.raises(Unavailable, match=meaning) as caught:
            do(registry)
        assert caught.value.remedy
        assert message.rsplit(": ", 1)[-1] in caught.value.tail
        assert len(runner.calls) == 1

    def test_of_two_questions_the_second_may_fail(
        self, registry: NerdctlRegistry, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
    ) -> None:
        remote.put(str(APP), images.manifest(stated=False), images)
        runner.on("nerdctl", "manifest", "inspect", "--verbose", rc=1, stderr=fatal(NOT_BUSY[0][0]))
        with pytest.raises(Unavailable, match="does not accept the credentials"):
            registry.find(APP)

    def test_what_is_wrong_with_containerd_is_no_fault_of_the_registry(
        self, registry: NerdctlRegistry, remote: FakeRegistry
    ) -> None:
        remote.troubles = [fatal('cannot access containerd socket "/run/containerd/containerd.sock": no such file')]
        with pytest.raises(Unavailable, match="containerd does not answer on its socket"):
            registry.push("default", APP)

    def test_any_other_failure_is_told_as_it_is(self, registry: NerdctlRegistry, remote: FakeRegistry) -> None:
        remote.troubles = [fatal("something new")]
        with pytest.raises(ToolFailed, match="something new"):
            registry.push("default", APP)

    def test_a_missing_image_is_no_absence_for_a_pull(self, registry: NerdctlRegistry, remote: FakeRegistry) -> None:
        with pytest.raises(ContainerBuildError, match="could not be pulled"):
            registry.pull("default", APP, None)
