# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role nerdctl_full makes of facts and variables."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.tests.unit.roles.rendering import Case, Render, Rendered

tomllib = pytest.importorskip("tomllib")

AMD64 = "sha256:cf4720a290f098f1a66d34a1b2e1d3736c9014fceca737861fb7a069c66c01c2"
ARM64 = "sha256:2c4b97312acd41c4dfe80db6e82592367b3862b5db4c51ce67a6d79bf6ee00ee"
PARTS = {
    "obstacles": "{{ __nerdctl_full_requirements | rejectattr('met') | map(attribute='otherwise') | list }}",
    "checksum": "{{ nerdctl_full_checksum }}",
    "url": "{{ nerdctl_full_archive_url }}",
    "config": "{{ __nerdctl_full_config_text }}",
}
RELEASES = "https://github.com/containerd/nerdctl/releases/download"


def node(machine: str = "x86_64", system: str = "Linux", service_mgr: str = "systemd") -> dict[str, t.Any]:
    return {"ansible_facts": {"architecture": machine, "system": system, "service_mgr": service_mgr}}


@pytest.fixture(scope="module")
def rendered(render: Render) -> Rendered:
    given = {
        "amd64": node(),
        "arm64": node("aarch64"),
        "facts missing": {"ansible_facts": {}},
        "another system": node(system="FreeBSD"),
        "another manager": node(service_mgr="openrc"),
        "unknown machine": node("riscv64"),
        "unknown machine, checksum given": {**node("riscv64"), "nerdctl_full_checksum": f"sha256:{'0' * 64}"},
        "unknown machine, absent": {**node("riscv64"), "nerdctl_full_state": "absent"},
        "unknown version": {**node(), "nerdctl_full_version": "2.3.3"},
        "known by the user": {
            **node(),
            "nerdctl_full_version": "2.3.3",
            "nerdctl_full_checksums": {"2.3.3": {"amd64": f"sha256:{'1' * 64}"}},
        },
        "given twice": {**node(), "nerdctl_full_archive": "/a", "nerdctl_full_archive_remote": "/b"},
        "configured": {
            **node(),
            "nerdctl_full_prefix": "/opt/tools",
            "nerdctl_full_address": "/run/k3s/containerd/containerd.sock",
            "nerdctl_full_config": {"snapshotter": "native", "cni_netconfpath": None},
        },
    }
    return render({name: Case("nerdctl_full", variables, PARTS) for name, variables in given.items()})


@pytest.mark.parametrize(("machine", "checksum"), [("amd64", AMD64), ("arm64", ARM64)])
def test_a_known_release_needs_nothing(rendered: Rendered, machine: str, checksum: str) -> None:
    assert rendered[machine]["obstacles"] == []
    assert rendered[machine]["checksum"] == checksum
    assert rendered[machine]["url"] == f"{RELEASES}/v2.2.1/nerdctl-full-2.2.1-linux-{machine}.tar.gz"


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("facts missing", "gather_facts: true"),
        ("another system", "The node runs FreeBSD. Expected: Linux."),
        ("another manager", "managed by openrc. Expected: systemd."),
        ("unknown machine", "No checksum is known for nerdctl-full 2.2.1 on riscv64"),
        ("unknown version", "No checksum is known for nerdctl-full 2.3.3 on amd64"),
        ("given twice", "set either nerdctl_full_archive"),
    ],
)
def test_what_is_in_the_way_is_said_with_a_remedy(rendered: Rendered, case: str, words: str) -> None:
    assert any(words in obstacle and "To do:" in obstacle for obstacle in rendered[case]["obstacles"])


@pytest.mark.parametrize(
    "case", ["unknown machine, checksum given", "unknown machine, absent", "known by the user", "configured"]
)
def test_what_is_given_is_enough(rendered: Rendered, case: str) -> None:
    assert rendered[case]["obstacles"] == []


def test_nerdctl_keeps_its_networks_apart_from_the_cluster_s(rendered: Rendered) -> None:
    assert tomllib.loads(rendered["amd64"]["config"]) == {
        "address": "/run/containerd/containerd.sock",
        "cni_path": "/usr/local/libexec/cni",
        "cni_netconfpath": "/etc/nerdctl/net.d",
    }


def test_the_configuration_can_be_changed(rendered: Rendered) -> None:
    assert tomllib.loads(rendered["configured"]["config"]) == {
        "address": "/run/k3s/containerd/containerd.sock",
        "cni_path": "/opt/tools/libexec/cni",
        "snapshotter": "native",
    }
