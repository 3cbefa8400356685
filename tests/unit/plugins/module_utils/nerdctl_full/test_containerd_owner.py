# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose containerd a node runs."""

from __future__ import annotations

import os
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    NONE,
    OURS,
    ContainerdOwner,
    OwnerFinder,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._systemd import Systemd

from .conftest import FakeRunner, Node

ADDRESS = "/run/test/containerd.sock"
K3S_ADDRESS = "/run/k3s/containerd/containerd.sock"
DEBIANS = "containerd github.com/containerd/containerd 1.6.20~ds1 1.6.20~ds1-1+deb12u1\n"


class Scene:
    """A node on which somebody serves a socket, or has a service installed."""

    def __init__(self, node: Node, root: pathlib.Path) -> None:
        self.node = node
        self.root = root
        self.listeners: dict[str, int] = {}
        self.systemd_runs = root / "booted"
        self.systemd_runs.mkdir()

    def program(self, path: str) -> str:
        full = self.root / path
        full.parent.mkdir(parents=True, exist_ok=True)
        full.touch(mode=0o755)
        return str(full)

    def serve(self, executable: str, address: str = ADDRESS, unit: str = "containerd.service") -> None:
        self.node.start(100, executable)
        (self.node.proc / "100/cgroup").write_text(f"0::/system.slice/{unit}\n")
        (self.node.proc / "100/environ").write_bytes(b"PATH=/usr/local/bin:/usr/bin\0")
        self.listeners[address] = 100

    def install_unit(self, executable: str, unit: str = "containerd.service") -> None:
        shown = f"Id={unit}\nLoadState=loaded\nExecStart={{ path={executable} ; argv[]={executable} ; }}\n"
        names = [
            "containerd.service",
            "k3s.service",
            "k3s-agent.service",
            "rke2-server.service",
            "rke2-agent.service",
            "snap.microk8s.daemon-containerd.service",
            "k0scontroller.service",
            "k0sworker.service",
        ]
        blocks = [shown if name == unit else f"Id={name}\nLoadState=not-found\n" for name in names]
        self.answer(("systemctl", "show"), "\n".join(blocks))

    def answer(self, words: tuple[str, ...], stdout: str, rc: int = 0) -> None:
        self.node.runner.answers[words] = (rc, stdout, "")

    def find(self) -> ContainerdOwner:
        finder = OwnerFinder(
            self.node.layout,
            self.node.runner,
            ProcessTable(str(self.node.proc)),
            Systemd(self.node.runner, str(self.systemd_runs)),
            peer=self.listeners.get,
            root=str(self.root / "etc-of-node"),
        )
        return finder.find(ADDRESS)


@pytest.fixture
def scene(node: Node, tmp_path: pathlib.Path) -> Scene:
    scene = Scene(node, tmp_path)
    scene.answer(("systemctl", "show"), "")
    return scene


def test_nobody(scene: Scene) -> None:
    assert scene.find() == ContainerdOwner(NONE)


def test_ours_by_the_generation_it_runs_from(scene: Scene) -> None:
    executable = scene.program("node/usr/local/lib/nerdctl-full/generations/2.2.1-cf4720a290f0/bin/containerd")
    scene.answer((executable, "--version"), "containerd github.com/containerd/containerd/v2 v2.2.1 dea7da592f5d\n")
    scene.serve(executable)
    owner = scene.find()
    assert (owner.kind, owner.running, owner.pid, owner.address) == (OURS, True, 100, ADDRESS)
    assert (owner.version, owner.unit, owner.package, owner.provider) == ("2.2.1", "containerd.service", None, None)
    assert owner.search_path == ("/usr/local/bin", "/usr/bin")


def test_ours_although_the_generation_was_removed(scene: Scene) -> None:
    scene.serve(f"{scene.node.layout.generation('2.2.0-cf4720a290f0')}/bin/containerd (deleted)")
    assert scene.find().kind == OURS


def test_the_distribution_s(scene: Scene) -> None:
    executable = scene.program("usr/bin/containerd")
    scene.answer((executable, "--version"), DEBIANS)
    scene.answer(("dpkg-query", "--search", "--", executable), f"containerd: {executable}\n")
    scene.serve(executable)
    owner = scene.find()
    assert (owner.kind, owner.provider, owner.package) == (FOREIGN, "distribution", "containerd")
    assert owner.version == "1.6.20~ds1"
    assert str(owner) == f"containerd {executable} (PID 100, containerd.service, distribution, 1.6.20~ds1)"


def test_docker_s(scene: Scene) -> None:
    executable = scene.program("usr/bin/containerd")
    scene.answer((executable, "--version"), "containerd containerd.io v2.1.5 abc\n")
    scene.answer(("dpkg-query", "--search", "--", executable), f"containerd.io: {executable}\n")
    scene.serve(executable)
    assert (scene.find().provider, scene.find().version) == ("docker", "2.1.5")


def test_a_package_that_rpm_knows(scene: Scene) -> None:
    executable = scene.program("usr/bin/containerd")
    scene.answer((executable, "--version"), DEBIANS)
    scene.answer(("dpkg-query",), "", rc=1)
    scene.answer(("rpm",), "containerd")
    scene.serve(executable)
    assert scene.find().package == "containerd"


def test_one_that_somebody_unpacked(scene: Scene) -> None:
    executable = scene.program("node/usr/local/bin/containerd")
    scene.answer((executable, "--version"), "containerd github.com/containerd/containerd/v2 v2.2.1 dea7\n")
    scene.serve(executable)
    assert (scene.find().kind, scene.find().provider) == (FOREIGN, "unpacked")


@pytest.mark.parametrize(
    ("executable", "unit", "provider"),
    [
        ("usr/local/bin/k3s", "k3s.service", "k3s"),
        ("var/lib/rancher/k3s/data/1/bin/containerd", "k3s-agent.service", "k3s"),
        ("var/lib/rancher/rke2/data/v1/bin/containerd", "rke2-server.service", "rke2"),
        ("snap/microk8s/1/bin/containerd", "snap.microk8s.daemon-containerd.service", "microk8s"),
        ("var/lib/k0s/bin/containerd", "k0sworker.service", "k0s"),
        ("usr/bin/containerd", "docker.service", "docker"),
    ],
)
def test_distributions_of_kubernetes_and_docker(scene: Scene, executable: str, unit: str, provider: str) -> None:
    path = scene.program(executable)
    scene.answer((path, "--version"), DEBIANS)
    scene.serve(path, K3S_ADDRESS, unit)
    owner = scene.find()
    assert (owner.kind, owner.provider, owner.address) == (FOREIGN, provider, K3S_ADDRESS)


def test_the_named_socket_comes_before_the_others(scene: Scene) -> None:
    ours = scene.program("node/usr/local/lib/nerdctl-full/generations/2.2.1-cf4720a290f0/bin/containerd")
    scene.answer((ours, "--version"), "", rc=1)
    scene.serve(ours)
    scene.listeners[K3S_ADDRESS] = 7
    assert (scene.find().kind, scene.find().address) == (OURS, ADDRESS)
    assert scene.find().version is None


def test_one_in_a_container_is_not_ours(scene: Scene, tmp_path: pathlib.Path) -> None:
    executable = f"{scene.node.layout.generation('2.2.1-cf4720a290f0')}/bin/containerd"
    scene.serve(executable)
    (scene.node.proc / "100/root").unlink()
    os.symlink(tmp_path, scene.node.proc / "100/root")
    assert scene.find() == ContainerdOwner(FOREIGN, running=True, address=ADDRESS, pid=100, provider="unpacked")


def test_one_that_cannot_be_seen_is_not_ours(scene: Scene) -> None:
    scene.listeners[ADDRESS] = 0
    owner = scene.find()
    assert (owner.kind, owner.running, owner.pid) == (FOREIGN, True, None)


def test_a_service_that_is_stopped_counts(scene: Scene) -> None:
    executable = scene.program("usr/bin/containerd")
    scene.answer((executable, "--version"), DEBIANS)
    scene.answer(("dpkg-query", "--search", "--", executable), f"containerd: {executable}\n")
    scene.install_unit(executable)
    owner = scene.find()
    assert (owner.kind, owner.running, owner.unit) == (FOREIGN, False, "containerd.service")
    assert owner.address is None


def test_our_own_service_that_is_stopped(scene: Scene) -> None:
    target = scene.program("node/usr/local/lib/nerdctl-full/generations/2.2.1-cf4720a290f0/bin/containerd")
    scene.answer((target, "--version"), "", rc=1)
    link = pathlib.Path(scene.node.layout.commands) / "containerd"
    link.parent.mkdir()
    link.symlink_to(target)
    scene.install_unit(str(link))
    assert (scene.find().kind, scene.find().running) == (OURS, False)


def test_a_unit_without_its_program_is_nobody_s(scene: Scene) -> None:
    scene.install_unit("/nowhere/containerd")
    assert scene.find().kind == NONE


def test_without_permission_nothing_is_guessed(scene: Scene) -> None:
    def forbidden(_path: str) -> t.Any:
        raise PermissionError(13, "Permission denied")

    finder = OwnerFinder(
        scene.node.layout, FakeRunner(), ProcessTable(), Systemd(FakeRunner(), "/nowhere"), peer=forbidden
    )
    with pytest.raises(Unavailable, match="become: true"):
        finder.find(ADDRESS)


def test_a_process_whose_file_gave_way_to_our_link_is_ours(scene: Scene) -> None:
    layout = scene.node.layout
    program = pathlib.Path(layout.generation("2.2.1-000000000001")) / "bin/containerd"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    scene.node.store.switch("2.2.1-000000000001")
    os.makedirs(layout.commands)
    os.symlink(layout.command_target("containerd"), f"{layout.commands}/containerd")
    scene.node.runner.answers[(f"{layout.commands}/containerd",)] = (0, DEBIANS, "")
    scene.serve(f"{layout.commands}/containerd (deleted)")
    assert scene.find().kind == OURS


def test_the_kubelet_s_socket_is_known(scene: Scene) -> None:
    executable = scene.program("opt/vendor/bin/containerd")
    scene.answer((executable, "--version"), DEBIANS)
    scene.serve(executable, "/run/vendor/containerd.sock", "vendor.service")
    assert scene.find().kind == NONE
    flags = scene.root / "etc-of-node/var/lib/kubelet/kubeadm-flags.env"
    flags.parent.mkdir(parents=True)
    flags.write_text('KUBELET_KUBEADM_ARGS="--container-runtime-endpoint=unix:///run/vendor/containerd.sock"\n')
    owner = scene.find()
    assert (owner.kind, owner.address) == (FOREIGN, "/run/vendor/containerd.sock")
    assert owner.as_result()["named_by"] == "/var/lib/kubelet/kubeadm-flags.env"
