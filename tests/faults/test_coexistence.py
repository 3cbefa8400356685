# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes that have a containerd of somebody else's."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from faults import archives
from faults.lab_node import FOLDER, LabNode
from faults.small_installation import SmallInstallation

OBSERVE = """
systemctl show --property MainPID,NRestarts,FragmentPath,ExecMainStartTimestampMonotonic containerd docker
sha256sum /usr/bin/containerd /usr/bin/containerd-shim-runc-v2 /usr/sbin/runc
command -v containerd containerd-shim-runc-v2 ctr runc
docker info --format '{{.ID}} {{.ServerVersion}}'
"""
LISTENER = """
import os, socket, sys, time
os.makedirs(os.path.dirname(sys.argv[1]), exist_ok=True)
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
time.sleep(600)
"""


@pytest.fixture
def serve(bare: LabNode) -> Iterator[Callable[[str, str], None]]:
    """Let a service of the node listen at a socket, as a containerd would."""
    bare.write(f"{FOLDER}/listener.py", LISTENER.encode())
    started = []

    def start(unit: str, socket: str) -> None:
        bare.shell(
            f"systemd-run --quiet --unit {unit} python3 {FOLDER}/listener.py {socket}"
            f" && timeout 10 bash -c 'until [ -S {socket} ]; do sleep 0.1; done'"
        )
        started.append((unit, socket))

    yield start
    for unit, socket in started:
        bare.shell(f"systemctl stop {unit} && rm {socket}")


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    ("unit", "socket", "source"),
    [
        ("k3s", "/run/k3s/containerd/containerd.sock", ""),
        ("rke2-agent", "/run/k3s/containerd/containerd.sock", ""),
        ("k3s", "/run/elsewhere/containerd.sock", "/etc/rancher/k3s/config.yaml"),
        ("rke2-server", "/run/elsewhere/containerd.sock", "/var/lib/kubelet/config.yaml"),
    ],
)
def test_a_kubernetes_of_somebody_else_is_found_and_left_alone(
    bare: LabNode, serve: Callable[[str, str], None], unit: str, socket: str, source: str
) -> None:
    serve(unit, socket)
    if source:
        key = "containerRuntimeEndpoint" if "kubelet" in source else "container-runtime-endpoint"
        bare.shell(f"mkdir -p $(dirname {source}) && echo '{key}: unix://{socket}' > {source}")
    try:
        owner = bare.module("toolchain_info", {})["containerd"]
        assert (owner["owner"], owner["provider"], owner["running"]) == ("foreign", unit.partition("-")[0], True)
        assert owner["socket"] == socket
        place = SmallInstallation(bare, "beside")
        skipped = place.install(archives.make("1.0.0"), address=None)["not_linked"]
        withheld = {item["path"].rpartition("/")[2] for item in skipped}
        assert {"containerd", "containerd-shim-runc-v2"} <= withheld
    finally:
        bare.shell(f"rm -rf {FOLDER}/beside {source}")


@pytest.mark.fault(20)
def test_docker_is_named_and_its_containerd_untouched(adopted: LabNode) -> None:
    before = adopted.shell(OBSERVE)
    done = adopted.playbook("install")
    assert done.status == 0, done.output
    assert "is used as it is" in done.output
    assert adopted.shell(OBSERVE) == before
    owner = adopted.module("toolchain_info", {})["containerd"]
    assert (owner["owner"], owner["provider"]) == ("foreign", "distribution")


@pytest.mark.fault(19)
@pytest.mark.parametrize(
    "test",
    [
        "test_an_install_leaves_the_distributions_containerd_alone",
        "test_nothing_shadows_its_programs",
        "test_builders_come_beside_it",
        "test_it_builds_runs_and_hands_over",
        "test_an_upgrade_leaves_it_alone_and_finds_the_node_healthy",
    ],
)
def test_a_distributions_containerd_is_adopted(adopted: LabNode, test: str) -> None:
    done = adopted.molecule_tests("adopted", test)
    assert done.status == 0, done.output[-3000:]


@pytest.mark.fault(19, 48)
def test_an_uninstall_leaves_it_with_its_containers(adopted: LabNode) -> None:
    done = adopted.molecule_tests("adopted", "test_an_uninstall_leaves_it_alone_and_with_its_containers")
    assert done.status == 0, done.output[-3000:]
