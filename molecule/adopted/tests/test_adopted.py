# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A containerd that served the node before is used and left alone, by an install, a verification and an uninstall."""

from __future__ import annotations

import json

import node_overlays
import pytest
from node_playbooks import run_playbook, run_tasks
from testinfra.host import Host


def untouched(host: Host) -> bool:
    before: str = host.file("/root/before").content_string
    return bool(before.strip() == host.check_output("/root/observe"))


def test_an_install_leaves_the_distributions_containerd_alone(host: Host) -> None:
    assert untouched(host)
    assert host.service("containerd").systemd_properties["FragmentPath"] == "/usr/lib/systemd/system/containerd.service"


def test_its_owner_is_found_from_process_package_and_kubelet() -> None:
    expected = {
        "owner": "foreign",
        "running": True,
        "exe": "/usr/bin/containerd",
        "unit": "containerd.service",
        "package": "containerd",
        "provider": "distribution",
        "named_by": "/var/lib/kubelet/kubeadm-flags.env",
    }
    run = run_tasks(
        [
            {"nephoran.container_build.toolchain_info": {}, "register": "found"},
            {
                "ansible.builtin.assert": {
                    "that": [f"found.containerd.{key} == {value!r}" for key, value in expected.items()]
                }
            },
        ]
    )
    assert run.status == 0, run.output


@pytest.mark.parametrize("command", ["containerd", "containerd-shim-runc-v2", "runc", "ctr"])
def test_nothing_shadows_its_programs(host: Host, command: str) -> None:
    assert not host.file(f"/usr/local/bin/{command}").exists
    assert host.check_output(f"command -v {command}").startswith("/usr/")


@pytest.mark.parametrize("command", ["nerdctl", "buildctl", "buildkitd"])
def test_builders_come_beside_it(host: Host, command: str) -> None:
    assert host.file(f"/usr/local/bin/{command}").is_symlink


def test_it_builds_runs_and_hands_over(host: Host) -> None:
    run = run_playbook("verify")
    assert run.status == 0, run.output
    assert "adopted (distribution)" in run.output
    assert untouched(host)


def test_an_upgrade_leaves_it_alone_and_finds_the_node_healthy(host: Host) -> None:
    overlay = node_overlays.another(host.check_output, "buildkitd", "buildkit", "0.27.0")
    variables = {"nerdctl_full_overlays": [overlay.entry()]}
    run = run_playbook("upgrade", f"--extra-vars={json.dumps(variables)}")
    assert run.status == 0, run.output
    assert "containerd not restarted: PID" in run.output
    assert "buildkit restarted: binary 0.26.3 → 0.27.0" in run.output
    assert untouched(host)


def test_an_uninstall_leaves_it_alone_and_with_its_containers(host: Host) -> None:
    image = "docker.io/library/alpine:latest"
    host.check_output(f"nerdctl pull --quiet {image} && ctr run --detach {image} witness sleep 600")
    witness = host.check_output("ctr tasks ls --quiet")
    pid = host.check_output("pgrep -x sleep")
    run = run_playbook("uninstall")
    assert run.status == 0, run.output
    assert untouched(host)
    assert not host.file("/usr/local/bin/nerdctl").exists
    assert host.check_output("ctr tasks ls --quiet") == witness
    assert host.check_output("pgrep -x sleep") == pid
