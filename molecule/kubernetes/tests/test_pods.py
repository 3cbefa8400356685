# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Pod that may pull nothing runs from every image that the modules placed, and from no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from node_kubelet import MANIFESTS, Pod, ask_for_pod, await_pod
from node_playbooks import Run, run_playbook
from testinfra.host import Host

WAYS = ("method-1", "method-2", "buildah", "archive")
LACKING = ("kept", "nowhere")
NEVER_PULLED = "ErrImageNeverPull"
KUBELET_CONFIGURATION = "/etc/kubernetes/kubelet.yaml"
DEMANDING = """\
featureGates:
  KubeletEnsureSecretPulledImages: true
imagePullCredentialsVerificationPolicy: AlwaysVerify
"""


def refused(pod: Pod) -> bool:
    return pod.waiting == NEVER_PULLED


@pytest.fixture(scope="module", autouse=True)
def _pods(host: Host) -> None:
    """The document's Method 3, for each image: a Pod that says imagePullPolicy: Never."""
    host.check_output(" && ".join(ask_for_pod(name, f"{name}:v1.0") for name in (*WAYS, *LACKING)))


@pytest.mark.parametrize("way", WAYS)
def test_a_pod_runs_what_was_placed(host: Host, way: str) -> None:
    pod = await_pod(host, way, lambda pod: pod.running)
    assert pod.running, pod
    assert host.check_output("crictl logs %s", pod.container) == f"hello from {way}"


@pytest.mark.parametrize("image", LACKING)
def test_an_image_that_was_not_handed_over_is_not_found(host: Host, image: str) -> None:
    pod = await_pod(host, image, refused)
    assert refused(pod), pod


def test_the_pods_have_addresses_of_their_own(host: Host) -> None:
    container = await_pod(host, "method-1", lambda pod: pod.running).container
    assert "inet 10.85.0." in host.check_output("crictl exec %s ip addr", container)


def verify(host: Host, *arguments: str) -> Run:
    return run_playbook("verify", f"--limit={host.backend.get_hostname()}", *arguments)


def test_a_verification_works_beside_a_kubelet(host: Host) -> None:
    run = verify(host, "--extra-vars={'verify_kubernetes_images': ['method-1:v1.0', 'archive:v1.0']}")
    assert run.status == 0, run.output
    assert "docker.io/library/method-1:v1.0" in run.output


def test_a_verification_names_cause_and_remedy_of_what_pods_do_not_find(host: Host) -> None:
    images = ["method-1:v1.0", "kept:v1.0", "nowhere:v1.0", "localhost/buildah:v1.0"]
    run = verify(host, "--check", f"--extra-vars={{'verify_kubernetes_images': {images}}}")
    assert run.status != 0
    found = re.findall(r"([✔✘])  (\S+:v1\.0)  ", run.output)
    assert dict(map(reversed, found)) == {
        "docker.io/library/method-1:v1.0": "✔",
        "docker.io/library/kept:v1.0": "✘",
        "docker.io/library/nowhere:v1.0": "✘",
        "localhost/buildah:v1.0": "✘",
    }
    said = " ".join(run.output.split())
    assert (
        "It is in default, and Kubernetes looks in k8s.io alone: bring it there with nephoran.container_build." in said
    )
    assert "no image docker.io/library/nowhere:v1.0 in any namespace: build, import or pull it" in said
    assert "what is alike is docker.io/library/buildah:v1.0 in k8s.io" in said


@pytest.fixture
def demanding(host: Host) -> Iterator[None]:
    """The kubelet checks pull credentials of images that are there, as one of 1.35 does if it is told to."""
    host.check_output(f"cp {KUBELET_CONFIGURATION} /root/before.yaml")
    host.check_output("printf %%s %s >> %s && systemctl restart kubelet", DEMANDING, KUBELET_CONFIGURATION)
    yield
    host.check_output(f"mv /root/before.yaml {KUBELET_CONFIGURATION} && systemctl restart kubelet")


@pytest.mark.usefixtures("demanding")
def test_a_kubelet_that_withholds_images_is_named(host: Host) -> None:
    host.check_output(ask_for_pod("withheld", "method-1:v1.0"))
    pod = await_pod(host, "withheld", refused)
    assert refused(pod), pod
    run = verify(host, "--check", "--extra-vars={'verify_kubernetes_images': ['method-1:v1.0']}")
    assert "imagePullCredentialsVerificationPolicy is AlwaysVerify" in " ".join(run.output.split())


def test_the_kubelet_gives_them_out_again(host: Host) -> None:
    assert await_pod(host, "withheld", lambda pod: pod.running).running
    host.check_output(f"rm {MANIFESTS}/withheld.yaml")
