# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets in the configurations of kubelets and of Docker, as their own tools write them."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._configured_sockets import (
    ConfiguredSocket,
    configured_sockets,
)

CONFIG = """\
apiVersion: kubelet.config.k8s.io/v1beta1
authentication:
  anonymous:
    enabled: false
cgroupDriver: systemd
# containerRuntimeEndpoint: unix:///run/old/containerd.sock
containerRuntimeEndpoint: {endpoint}  # set by kubeadm
kind: KubeletConfiguration
"""
FLAGS = 'KUBELET_KUBEADM_ARGS="--container-runtime-endpoint={endpoint} --pod-infra-container-image=r/pause:3"\n'


def write(root: pathlib.Path, path: str, text: str) -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/var/lib/kubelet/kubeadm-flags.env", FLAGS.format(endpoint="unix:///run/x/containerd.sock")),
        ("/var/lib/kubelet/config.yaml", CONFIG.format(endpoint="unix:///run/x/containerd.sock")),
        ("/var/lib/kubelet/config.yaml", CONFIG.format(endpoint='"unix:///run/x/containerd.sock"')),
        ("/var/lib/kubelet/config.yaml", '{"containerRuntimeEndpoint": "unix:///run/x/containerd.sock"}'),
        ("/etc/default/kubelet", "KUBELET_EXTRA_ARGS=--container-runtime-endpoint /run/x/containerd.sock\n"),
        ("/etc/sysconfig/kubelet", "KUBELET_EXTRA_ARGS='--container-runtime-endpoint=/run/x/containerd.sock'\n"),
        ("/etc/rancher/k3s/config.yaml", "container-runtime-endpoint: /run/x/containerd.sock\n"),
        ("/etc/rancher/rke2/config.yaml.d/10.yaml", 'container-runtime-endpoint: "unix:///run/x/containerd.sock"\n'),
        (
            "/etc/rancher/k3s/config.yaml",
            'kubelet-arg:\n  - "container-runtime-endpoint=unix:///run/x/containerd.sock"\n',
        ),
        ("/etc/docker/daemon.json", '{"containerd": "/run/x/containerd.sock"}'),
    ],
)
def test_it_is_found(tmp_path: pathlib.Path, path: str, text: str) -> None:
    write(tmp_path, path, text)
    assert configured_sockets(str(tmp_path)) == [ConfiguredSocket("/run/x/containerd.sock", path)]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/var/lib/kubelet/config.yaml", CONFIG.format(endpoint='""')),
        ("/var/lib/kubelet/kubeadm-flags.env", FLAGS.format(endpoint="unix:///var/run/crio/crio.sock")),
        ("/var/lib/kubelet/kubeadm-flags.env", FLAGS.format(endpoint="npipe:////./pipe/containerd-containerd")),
        ("/etc/default/kubelet", "# KUBELET_EXTRA_ARGS=--container-runtime-endpoint=/run/x/containerd.sock\n"),
        ("/etc/docker/daemon.json", "not JSON"),
        ("/etc/docker/daemon.json", "[]"),
        ("/etc/docker/daemon.json", '{"containerd": 1}'),
    ],
)
def test_other_runtimes_comments_and_damage_are_none(tmp_path: pathlib.Path, path: str, text: str) -> None:
    write(tmp_path, path, text)
    assert configured_sockets(str(tmp_path)) == []


def test_flags_come_before_files_and_each_is_told_once(tmp_path: pathlib.Path) -> None:
    write(tmp_path, "/var/lib/kubelet/config.yaml", CONFIG.format(endpoint="unix:///run/b/containerd.sock"))
    write(tmp_path, "/var/lib/kubelet/kubeadm-flags.env", FLAGS.format(endpoint="unix:///run/a/containerd.sock"))
    write(tmp_path, "/etc/docker/daemon.json", '{"containerd": "/run/b/containerd.sock"}')
    assert [socket.path for socket in configured_sockets(str(tmp_path))] == [
        "/run/a/containerd.sock",
        "/run/b/containerd.sock",
    ]
