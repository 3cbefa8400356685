# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""There, back, and back by itself, beside a container that runs and a build. The tests build on one another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from collection_archive import build_collection
from lab import toolchain
from node_playbooks import Recap, Run, run_playbook, run_tasks
from testinfra.host import Host

FOLDER = "/root/upgrade"
# The same containerd with a byte more is another one, and works. One that only fails shows the way back.
MAKE_OVERLAYS = f"""
set -e
mkdir -p {FOLDER}/fixed/bin {FOLDER}/broken/bin
cp /usr/local/lib/nerdctl-full/current/bin/containerd {FOLDER}/fixed/bin/
echo >> {FOLDER}/fixed/bin/containerd
cp /usr/bin/false {FOLDER}/broken/bin/containerd
for name in fixed broken; do tar -C {FOLDER}/$name -c bin | gzip -1 > {FOLDER}/$name.tar.gz; done
"""
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
    host.check_output(MAKE_OVERLAYS)
    host.check_output("nerdctl run --detach --name witness alpine:latest sleep 3600")
    return container_pid(host)


def container_pid(host: Host) -> int:
    return int(host.check_output("nerdctl inspect --format '{{.State.Pid}}' witness"))


def overlay_checksum(host: Host, name: str) -> str:
    return "sha256:" + str(host.check_output(f"sha256sum {FOLDER}/{name}.tar.gz").split()[0])


def overlay(host: Host, name: str, version: str) -> str:
    entry = {"component": "containerd", "version": version, "src": f"{FOLDER}/{name}.tar.gz", "remote_src": True}
    return json.dumps({"nerdctl_full_overlays": [{**entry, "checksum": overlay_checksum(host, name)}]})


@pytest.fixture
def bundle(host: Host, tmp_path: Path) -> Path:
    """A bundle of the archive that is installed and of an overlay; it names the latter for arm64, too."""
    collection = build_collection(tmp_path)
    fetch = {"src": f"{FOLDER}/fixed.tar.gz", "dest": f"{tmp_path}/", "flat": True}
    fetched = run_tasks([{"ansible.builtin.fetch": fetch}])
    assert fetched.status == 0, fetched.output
    full = toolchain.ensure()
    archive = {"architecture": full.arch, "version": full.version, "src": str(full.path)}
    fixed = {"component": "containerd", "version": "2.2.5", "checksum": overlay_checksum(host, "fixed")}
    variables = {
        "bundle_path": str(tmp_path / "bundle.tar"),
        "bundle_folder": str(tmp_path / "collected"),
        "bundle_collection": str(collection),
        "bundle_archives": [{**archive, "checksum": f"sha256:{full.sha256}"}],
        "bundle_overlays": [
            {**fixed, "architecture": architecture, "src": str(tmp_path / "fixed.tar.gz")}
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


def test_a_node_that_builds_is_left_alone(host: Host) -> None:
    host.check_output(START_BUILD)
    before = [daemon(host, name) for name in ("containerd", "buildkit")]
    run = run_playbook(
        "upgrade", "--extra-vars", overlay(host, "fixed", "2.2.5"), "-e", "container_build_busy_timeout=0"
    )
    assert run.status != 0
    assert "BuildKit still builds docker.io/library/slow:1 after 0 seconds" in run.output
    assert counted(run).changed == 0
    assert [daemon(host, name) for name in ("containerd", "buildkit")] == before


def test_an_upgrade_waits_for_the_build_and_restarts_only_what_moved(host: Host, witness: int) -> None:
    assert "SubState=running" in host.check_output(BUILD_RESULT)
    buildkit = daemon(host, "buildkit")
    run = run_playbook("upgrade", "--extra-vars", overlay(host, "fixed", "2.2.5"))
    assert run.status == 0, run.output
    assert "containerd restarted: binary 2.2.1 → 2.2.5" in run.output
    assert "buildkit not restarted: PID" in run.output
    # The generation, and containerd.
    assert counted(run).changed == 2, run.output
    assert daemon(host, "buildkit") == buildkit
    assert host.check_output(BUILD_RESULT).split() == ["Result=success", "SubState=exited"]
    assert host.check_output("nerdctl run --rm slow:1 cat /built") == "built"
    assert_undisturbed(host, witness)


def test_a_second_upgrade_changes_nothing(host: Host) -> None:
    before = [daemon(host, name) for name in ("containerd", "buildkit")]
    run = run_playbook("upgrade", "--extra-vars", overlay(host, "fixed", "2.2.5"))
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


def test_a_containerd_that_does_not_start_is_taken_back_by_itself(host: Host, witness: int) -> None:
    generation = host.check_output("readlink /usr/local/lib/nerdctl-full/current")
    run = run_playbook("upgrade", "--extra-vars", overlay(host, "broken", "9.9.9"))
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
