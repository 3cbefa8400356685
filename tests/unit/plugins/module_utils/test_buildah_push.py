# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes out of buildah's store, where the manifest is made on the way."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah_push import BuildahPusher
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_push import Pushed
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_registry import FakeRegistry
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
STORED = "localhost/app:v1"
DESTINATION = Reference.parse("registry.example.com/app:v1")
BUSY = (
    f'Error: pushing image "{STORED}" to "docker://{DESTINATION}": pinging container registry registry.example.com: '
    "received unexpected HTTP status: 503 Service Unavailable"
)

Push = t.Callable[..., Pushed]


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def remote(runner: FakeRunner) -> FakeRegistry:
    return FakeRegistry(runner, FakeContainerd(runner, "default"))


@pytest.fixture
def image(runner: FakeRunner, remote: FakeRegistry, images: ImageFactory) -> oci.Descriptor:
    """An image in buildah's store, and the way from there to the registry."""
    manifest = images.manifest(stated=False)

    def inspect(call: Call) -> Answer:
        if call.argv[-1] != STORED:
            return Answer(rc=125, stderr=f"Error: {call.argv[-1]}: image not known")
        raw = images.read(manifest)
        config = oci.Manifest.parse(raw).config
        return Answer(
            json.dumps(
                {
                    "FromImageID": config.digest.encoded,
                    "FromImageDigest": str(manifest.digest),
                    "Config": images.read(config).decode(),
                    "Manifest": raw.decode(),
                }
            )
        )

    def push(call: Call) -> Answer:
        assert call.argv[-2:] == (STORED, f"docker://{DESTINATION}")
        remote.take_from_buildah(str(DESTINATION), manifest, images)
        return Answer()

    runner.on("buildah", "inspect", do=inspect)
    runner.on("buildah", "push", do=push)
    return manifest


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def push(runner: FakeRunner, remote: FakeRegistry, tmp_path: pathlib.Path, pauses: list[float]) -> Push:
    def run(*, check: bool = False, **options: t.Any) -> Pushed:
        access = RegistryAccess(str(tmp_path), pause=pauses.append, **options)
        registry = NerdctlRegistry(Nerdctl(runner, SOCKET), access)
        return BuildahPusher(Buildah(runner), registry, access).run(APP, DESTINATION, check=check)

    return run


def image_id(images: ImageFactory, image: oci.Descriptor) -> str:
    return str(oci.Manifest.parse(images.read(image)).config.digest)


def test_an_image_that_the_registry_lacks(
    push: Push, image: oci.Descriptor, remote: FakeRegistry, images: ImageFactory, runner: FakeRunner
) -> None:
    pushed = push()
    config = image_id(images, image)
    assert pushed.plan.action_lines() == [f"push {DESTINATION} (absent → image {config})"]
    assert pushed.plan.before == {str(DESTINATION): {"present": False}}
    assert pushed.plan.after == {str(DESTINATION): {"present": True, "image_id": config}}
    assert pushed.digest == str(remote.images[str(DESTINATION)].digest) != str(image.digest)
    assert pushed.command == ("buildah", "push", "--quiet", STORED, f"docker://{DESTINATION}")


def test_check_mode_pushes_nothing(push: Push, image: oci.Descriptor, remote: FakeRegistry, runner: FakeRunner) -> None:
    checked = push(check=True)
    assert checked.plan.changed
    assert (checked.digest, checked.command) == ("", ())
    assert runner.commands("buildah", "push") == []
    assert push().plan == checked.plan


@pytest.mark.parametrize("check", [False, True])
def test_again(push: Push, image: oci.Descriptor, remote: FakeRegistry, runner: FakeRunner, check: bool) -> None:
    digest = push().digest
    again = push(check=check)
    assert not again.plan.changed
    assert (again.digest, again.command) == (digest, ())
    assert again.plan.before == again.plan.after
    assert len(runner.commands("buildah", "push")) == 1


def test_another_image_is_replaced(
    push: Push, image: oci.Descriptor, remote: FakeRegistry, images: ImageFactory
) -> None:
    old = images.manifest(layers=[b"old"], stated=False)
    remote.put(str(DESTINATION), old, images)
    pushed = push()
    assert pushed.plan.action_lines() == [f"push {DESTINATION} ({old.digest} → image {image_id(images, image)})"]
    assert pushed.plan.before == {str(DESTINATION): {"present": True, "digest": str(old.digest)}}


def test_an_index_is_replaced(push: Push, image: oci.Descriptor, remote: FakeRegistry, images: ImageFactory) -> None:
    remote.put(str(DESTINATION), images.index(image), images)
    assert push().plan.action_lines()[0].startswith(f"push {DESTINATION} (another index → ")


def test_credentials_and_exceptions(
    push: Push, image: oci.Descriptor, runner: FakeRunner, tmp_path: pathlib.Path
) -> None:
    push(docker_config="/scratch/credentials", insecure=True)
    (call,) = runner.commands("buildah", "push")
    assert call.argv == ("buildah", "push", "--quiet", "--tls-verify=false", STORED, f"docker://{DESTINATION}")
    assert call.environ is not None
    assert call.environ["REGISTRY_AUTH_FILE"] == "/scratch/credentials/config.json"


def test_a_busy_registry_is_asked_again(
    push: Push, image: oci.Descriptor, runner: FakeRunner, pauses: list[float]
) -> None:
    runner.on("buildah", "push", rc=125, stderr=BUSY)
    with pytest.raises(Unavailable, match="overloaded or out of order"):
        push(retries=2)
    assert pauses == [1, 2]
    assert len(runner.commands("buildah", "push")) == 3


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        ("checking whether a blob exists in registry.example.com/app: authentication required", "the credentials"),
        ("unable to retrieve auth token: invalid username/password: unauthorized", "the credentials"),
        ('Get "https://a/v2/": tls: failed to verify certificate: x509: certificate signed by', "be verified"),
        ('Get "https://a/v2/": http: server gave HTTP response to HTTPS client', "HTTP without TLS"),
        ('Get "https://a/v2/": dial tcp: lookup a on 10.0.0.1:53: no such host', "cannot be reached"),
    ],
)
def test_what_went_wrong_is_explained(
    push: Push, image: oci.Descriptor, runner: FakeRunner, said: str, meaning: str
) -> None:
    runner.on("buildah", "push", rc=125, stderr=f"Error: pushing image: {said}")
    with pytest.raises(Unavailable, match=f"The image could not be pushed.*{meaning}"):
        push()


def test_what_did_not_arrive_is_no_success(push: Push, image: oci.Descriptor, remote: FakeRegistry) -> None:
    remote.stale = True
    with pytest.raises(IntegrityError, match="the registry has something else under its name"):
        push()


def test_an_unknown_image(push: Push, runner: FakeRunner) -> None:
    runner.on("buildah", "inspect", rc=125, stderr="Error: image not known")
    with pytest.raises(NotFound, match="no such image in buildah's store"):
        push()
