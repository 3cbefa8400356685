# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet of a node, as its process and its configuration tell."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._kubelet import (
    Kubelet,
    find_kubelet,
    parse_settings,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

SOCKET = "/run/containerd/containerd.sock"
KUBELET = "/usr/bin/kubelet"
# As kubeadm writes it.
YAML = """\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
clusterDNS:
- 10.96.0.10
containerRuntimeEndpoint: unix:///run/k3s/containerd/containerd.sock # ours
featureGates:
  KubeletEnsureSecretPulledImages: true
imagePullCredentialsVerificationPolicy: NeverVerifyAllowlistedImages

preloadedImagesVerificationAllowlist:
- docker.io/library/app
  # and a team's
- "registry.example.org/team/*"
kind: KubeletConfiguration
"""


class Node:
    """A node with a kubelet."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.runner = FakeRunner()
        self.runner.on(KUBELET, "--version", stdout="Kubernetes v1.34.2\n")

    def runs(self, *arguments: str, configuration: str | None = None) -> Kubelet:
        words = [KUBELET, *arguments]
        if configuration is not None:
            file = self.root / "config"
            file.write_text(configuration, encoding="utf-8")
            words.append(f"--config={file}")
        folder = self.root / "812"
        folder.mkdir()
        (folder / "exe").symlink_to(KUBELET)
        (folder / "root").symlink_to("/")
        (folder / "cmdline").write_bytes(b"".join(word.encode() + b"\0" for word in words))
        found = find_kubelet(ProcessTable(str(self.root)), self.runner)
        assert found is not None
        return found


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


def test_a_node_without_a_kubelet(node: Node) -> None:
    assert find_kubelet(ProcessTable(str(node.root)), node.runner) is None


def test_a_kubelet_that_says_nothing(node: Node) -> None:
    assert node.runs() == Kubelet(812, SOCKET)


def test_a_configuration_is_read(node: Node) -> None:
    assert node.runs(configuration=YAML) == Kubelet(
        812,
        "/run/k3s/containerd/containerd.sock",
        policy="NeverVerifyAllowlistedImages",
        allowlist=("docker.io/library/app", "registry.example.org/team/*"),
    )


def test_a_configuration_that_cannot_be_read_says_nothing(node: Node) -> None:
    assert node.runs("--config", str(node.root / "absent")) == Kubelet(812, SOCKET)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--container-runtime-endpoint=unix:///run/other.sock",),
        ("--container-runtime-endpoint", "/run/other.sock"),
        ("--container-runtime-endpoint=unix:///run/first.sock", "--image-service-endpoint=unix:///run/other.sock"),
    ],
)
def test_flags_win_over_the_configuration(node: Node, arguments: tuple[str, ...]) -> None:
    assert node.runs(*arguments, configuration=YAML).endpoint == "/run/other.sock"


@pytest.mark.parametrize(
    ("version", "arguments", "gates", "checks"),
    [
        ("v1.34.2", (), "", False),
        ("v1.35.0", (), "", True),
        ("v2.0.0", (), "", True),
        ("v1.34.2", ("--feature-gates=A=true,KubeletEnsureSecretPulledImages=true",), "", True),
        ("v1.34.2", (), "featureGates:\n  KubeletEnsureSecretPulledImages: true\n", True),
        ("v1.35.0", (), "featureGates:\n  KubeletEnsureSecretPulledImages: false\n", False),
        ("v1.35.0", ("--feature-gates", "KubeletEnsureSecretPulledImages=false"), "", False),
        ("nonsense", (), "", False),
    ],
)
def test_whether_credentials_are_checked(
    node: Node, version: str, arguments: tuple[str, ...], gates: str, checks: bool
) -> None:
    node.runner.on(KUBELET, "--version", stdout=f"Kubernetes {version}\n")
    kubelet = node.runs(*arguments, configuration=f"imagePullCredentialsVerificationPolicy: AlwaysVerify\n{gates}")
    assert kubelet.demands_credentials("docker.io/library/app") is checks


def test_by_default_preloaded_images_are_given_to_everyone(node: Node) -> None:
    node.runner.on(KUBELET, "--version", stdout="Kubernetes v1.35.0\n")
    kubelet = node.runs()
    assert kubelet.policy == "NeverVerifyPreloadedImages"
    assert not kubelet.demands_credentials("docker.io/library/app")


@pytest.mark.parametrize(
    ("repository", "demands"),
    [
        ("docker.io/library/app", False),
        ("docker.io/library/app2", True),
        ("registry.example.org/team/tool", False),
        ("registry.example.org/teams/tool", True),
    ],
)
def test_an_allowlist_names_repositories_or_all_below_a_folder(repository: str, demands: bool) -> None:
    listed = ("docker.io/library/app", "registry.example.org/team/*")
    kubelet = Kubelet(1, SOCKET, policy="NeverVerifyAllowlistedImages", allowlist=listed)
    assert kubelet.demands_credentials(repository) is demands


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("", {}),
        (json.dumps({"a": "b", "c": ["d"]}), {"a": "b", "c": ["d"]}),
        ("[1]", {}),
        ("---\na: 'b'\nc: \"d # e\"\n", {"a": "b", "c": "d # e"}),
        ("a: b # c\n#d: e\n", {"a": "b"}),
        ("a:\n  - b\n  - c\n", {"a": ["b", "c"]}),
        ("a:\n- b: c\n  d: e\n", {"a": {"d": "e"}}),
        ("a: b\n  c: d\n- e\n", {"a": "b"}),
        ("- a\n  b: c\n", {}),
        ("a: http://b:1/\n", {"a": "http://b:1/"}),
        ("\x00\t: {", {}),
    ],
)
def test_settings_that_are_read(text: str, settings: dict[str, t.Any]) -> None:
    assert parse_settings(text) == settings
