# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""There, back, and back by itself, beside a container that runs and a build. The tests build on one another."""

from __future__ import annotations

import json
from pathlib import Path

import node_overlays
import pytest
from collection_archive import build_collection
from lab import toolchain
from node_overlays import Overlay
from node_playbooks import Recap, Run, run_playbook, run_tasks
from testinfra.host import Host

FOLDER = "/root/upgrade"
SLOW_BUILD_SECONDS = 45
START_BUILD = f"""
set -e
mkdir -p {FOLDER}/slow
printf 'FROM alpine:latest\\nRUN sleep {SLOW_BUILD_SECONDS} && echo built > /built\\n' > {FOLDER}/slow/Dockerfile
systemd-run --quiet --unit=slow-build --remain-after-exit --setenv=PATH=/usr/local/bin:/usr/bin:/bin \
    nerdctl build --no-cache --tag slow:1 {FOLDER}/slow
until pgrep -f '^sleep {SLOW_BUILD_SECONDS}$' > /dev/null; do sleep 0.2; done
"""
BUILD_RESULT = "systemctl show slow-build --property Result --property SubState"


@pytest.fixture(scope="module", autouse=True)
def witness(host: Host) -> int:
    """The PID of a container that runs all the time."""
    host.check_output("nerdctl run --detach --name witness alpine:latest sleep 3600")
    return container_pid(host)


def container_pid(host: Host) -> int:
    return int(host.check_output("nerdctl inspect --format '{{.State.Pid}}' witness"))


# All are made of what is installed before the first upgrade.
@pytest.fixture(scope="module", autouse=True)
def fixed(host: Host) -> Overlay:
    return node_overlays.another(host.check_output, "containerd", "containerd", "2.2.5")


@pytest.fixture(scope="module", autouse=True)
def builder(host: Host) -> Overlay:
    return node_overlays.another(host.check_output, "buildkitd", "buildkit", "0.27.0")


@pytest.fixture(scope="module", autouse=True)
def broken(host: Host) -> Overlay:
    return node_overlays.broken(host.check_output, "containerd", "containerd", "9.9.9")


def upgrade(*overlays: Overlay, **options: object) -> Run:
    variables = {"nerdctl_full_overlays": [overlay.entry() for overlay in overlays], **options}
    return run_playbook("upgrade", "--extra-vars", json.dumps(variables))


@pytest.fixture
def bundle(fixed: Overlay, tmp_path: Path) -> Path:
    """A bundle of the archive that is installed and of an overlay; it names the latter for arm64, too."""
    collection = build_collection(tmp_path)
    fetch = {"src": fixed.path, "dest": f"{tmp_path}/fixed.tar.gz", "flat": True}
    fetched = run_tasks([{"ansible.builtin.fetch": fetch}])
    assert fetched.status == 0, fetched.output
    full = toolchain.ensure()
    archive = {"architecture": full.arch, "version": full.version, "src": str(full.path)}
    variables = {
        "bundle_path": str(tmp_path / "bundle.tar"),
        "bundle_folder": str(tmp_path / "collected"),
        "bundle_collection": str(collection),
        "bundle_archives": [{**archive, "checksum": f"sha256:{full.sha256}"}],
        "bundle_overlays": [
            {**fixed.source(), "architecture": architecture, "src": str(tmp_path / "fixed.tar.gz")}
            for architecture in ("amd64", "arm64")
        ],
    }
    made = run_playbook("bundle", "--extra-vars", json.dumps(variables))
    assert made.status == 0, made.output
    return tmp_path / "bundle.tar"


def daemon(host: Host, name: str) -> str:
    text: str = host.check_output(f"systemctl show {name} --property MainPID,NRestarts,ActiveState")
    return text


def counted(run: Run) -> Recap:
    (recap,) = run.recaps.values()
    return recap


def assert_undisturbed(host: Host, witness: int) -> None:
    assert container_pid(host) == witness
    assert host.check_output(f"ps --no-headers -o args -p {witness}") == "sleep 3600"
    assert host.check_output("systemctl --failed --no-legend") == ""


def test_a_node_that_builds_is_left_alone(host: Host, fixed: Overlay) -> None:
    host.check_output(START_BUILD)
    before = [daemon(host, name) for name in ("containerd", "buildkit")]
    run = upgrade(fixed, container_build_busy_timeout=0)
    assert run.status != 0
    assert "BuildKit still builds docker.io/library/slow:1 after 0 seconds" in run.output
    assert counted(run).changed == 0
    assert [daemon(host, name) for name in ("containerd", "buildkit")] == before


def test_an_upgrade_waits_for_the_build_and_restarts_only_what_moved(host: Host, witness: int, fixed: Overlay) -> None:
    assert "SubState=running" in host.check_output(BUILD_RESULT)
    buildkit = daemon(host, "buildkit")
    run = upgrade(fixed)
    assert run.status == 0, run.output
    assert "containerd restarted: binary 2.2.1 → 2.2.5" in run.output
    assert "buildkit not restarted: PID" in run.output
    # The generation, and containerd.
    assert counted(run).changed == 2, run.output
    assert daemon(host, "buildkit") == buildkit
    assert host.check_output(BUILD_RESULT).split() == ["Result=success", "SubState=exited"]
    assert host.check_output("nerdctl run --rm slow:1 cat /built") == "built"
    assert_undisturbed(host, witness)


def test_a_second_upgrade_changes_nothing(host: Host, fixed: Overlay) -> None:
    before = [daemon(host, name) for name in ("containerd", "buildkit")]
    run = upgrade(fixed)
    assert run.status == 0, run.output
    assert counted(run).changed == 0, run.output
    assert "containerd not restarted: PID" in run.output
    assert [daemon(host, name) for name in ("containerd", "buildkit")] == before


def test_the_way_back(host: Host, witness: int) -> None:
    run = run_playbook("rollback")
    assert run.status == 0, run.output
    assert "containerd restarted: binary 2.2.5 → 2.2.1" in run.output
    assert counted(run).changed == 2, run.output
    assert_undisturbed(host, witness)
    again = run_playbook("rollback")
    assert again.status == 0, again.output
    assert counted(again).changed == 0, again.output


def test_a_containerd_that_does_not_start_is_taken_back_by_itself(host: Host, witness: int, broken: Overlay) -> None:
    generation = host.check_output("readlink /usr/local/lib/nerdctl-full/current")
    run = upgrade(broken)
    assert run.status != 0
    assert "The upgrade failed and was taken back" in run.output
    assert "the node is healthy" in run.output
    assert host.check_output("readlink /usr/local/lib/nerdctl-full/current") == generation
    assert host.service("containerd").is_running
    assert_undisturbed(host, witness)
    # Its containers can be started and ended as before.
    assert host.check_output("nerdctl run --rm alpine:latest echo alive") == "alive"


def test_an_upgrade_out_of_a_bundle(host: Host, witness: int, bundle: Path) -> None:
    words = ["-e", f"container_build_bundle={bundle}", "-e", f"container_build_bundle_folder={bundle.parent}/opened"]
    run = run_playbook("upgrade", *words)
    assert run.status == 0, run.output
    assert "containerd restarted: binary 2.2.1 → 2.2.5" in run.output
    assert_undisturbed(host, witness)
    # What was opened on the controller, the generation, and containerd.
    assert counted(run).changed == 3, run.output
    again = run_playbook("upgrade", *words)
    assert again.status == 0, again.output
    assert counted(again).changed == 0, again.output


def test_every_daemon_of_buildkit_runs_with_another_one_and_says_so(
    host: Host, witness: int, fixed: Overlay, builder: Overlay
) -> None:
    containerd = daemon(host, "containerd")
    run = upgrade(fixed, builder)
    assert run.status == 0, run.output
    assert "containerd not restarted: PID" in run.output
    for name in ("buildkit", "buildkit@k8s.io"):
        assert f"{name} restarted: binary 0.26.3 → 0.27.0" in run.output
    # The generation, BuildKit for the first namespace, and BuildKit for the other.
    assert counted(run).changed == 3, run.output
    assert daemon(host, "containerd") == containerd
    assert_undisturbed(host, witness)
