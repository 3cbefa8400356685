# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was placed stays: through garbage collection, rebuilds, imports, and a restart of containerd.

NEPHORAN_REBUILDS says how often an image is rebuilt under the eyes of those who use it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
from node_kubelet import ask_for_pod, await_pod, pid
from node_playbooks import run_tasks
from testinfra.host import Host

REBUILDS = int(os.environ.get("NEPHORAN_REBUILDS", "10"))
CHURN = "/run/churn"
# Another layer each time, without a container that would have to make it.
DOCKERFILE = "FROM alpine:latest\nARG ROUND=0\nCOPY <<END /round\n$ROUND\nEND\nCMD sleep inf\n"
# What the kubelet does for a container: it asks for the image, then creates the container. As fast as it goes.
CHURN_SCRIPT = """
cd {folder}
exec 2> errors
sandbox=$(crictl runp sandbox.json) || exit
while [ ! -e stop ]; do
    if crictl inspecti --quiet {image} > /dev/null && made=$(crictl create $sandbox container.json sandbox.json)
    then
        echo made >> outcomes
        crictl rm $made > /dev/null
    else
        echo failed >> outcomes
    fi
done
crictl rmp --force $sandbox
"""


def build(image: str, **options: Any) -> dict[str, Any]:
    arguments = {
        "name": image,
        "path": "/srv/pause",
        "dockerfile_content": DOCKERFILE,
        "namespace": "k8s.io",
        "progress": False,
        **options,
    }
    return {"nephoran.container_build.image_build": arguments}


def place(image: str, **options: Any) -> dict[str, Any]:
    return {"nephoran.container_build.image_import": {"name": [image], **options}}


def done(*tasks: dict[str, Any]) -> None:
    run = run_tasks(list(tasks))
    assert run.status == 0, run.output


def prune(host: Host) -> set[str]:
    """Remove what no container uses and nothing protects, as the kubelet does on a full disk; return what is left."""
    host.check_output("crictl rmi --prune")
    listed = json.loads(host.check_output("crictl images --output json"))
    return {tag for image in listed["images"] for tag in image["repoTags"]}


def test_a_pinned_image_outlives_garbage_collection_rebuilds_and_imports(host: Host) -> None:
    pinned, free = (f"docker.io/library/{name}:v1" for name in ("pinned", "free"))
    done(build(pinned, pinned=True, args={"ROUND": "1"}), build(free, args={"ROUND": "2"}))
    assert {pinned, free} & prune(host) == {pinned}
    # Who builds or imports it again need not know that it is pinned.
    done(build(pinned, args={"ROUND": "3"}), build(free, args={"ROUND": "2"}))
    assert {pinned, free} & prune(host) == {pinned}
    done(build(pinned, namespace="default", args={"ROUND": "4"}), place(pinned))
    assert {pinned, free} & prune(host) == {pinned}
    done(place(pinned, pinned=False))
    assert pinned not in prune(host)


def test_the_image_of_the_sandboxes_is_pinned(host: Host) -> None:
    assert "registry.k8s.io/pause:3.10.1" in prune(host)


@pytest.fixture
def churn(host: Host) -> Iterator[str]:
    """A folder for containers of the image that it is named after. A kubelet would remove what is not its own."""
    sandbox = {
        "metadata": {"name": "churn", "namespace": "default", "uid": "churn", "attempt": 1},
        "linux": {"cgroup_parent": "churn.slice"},
    }
    container = {"metadata": {"name": "churn"}, "image": {"image": "churn:v1"}, "linux": {}}
    script = CHURN_SCRIPT.format(folder=CHURN, image="churn:v1")
    host.check_output(f"rm -rf {CHURN} && mkdir {CHURN}")
    for name, content in (
        ("sandbox.json", json.dumps(sandbox)),
        ("container.json", json.dumps(container)),
        ("run", script),
    ):
        host.check_output("printf %%s %s > %s", content, f"{CHURN}/{name}")
    host.check_output("systemctl stop kubelet")
    yield CHURN
    host.check_output("systemctl start kubelet")


def test_containers_find_their_image_at_every_moment_of_its_rebuilds(host: Host, churn: str) -> None:
    done(build("churn:v1", pinned=True))
    host.check_output(f"systemd-run --unit churn --collect sh {churn}/run")
    try:
        rebuild = build("churn:v1", args={"ROUND": "{{ item }}"})
        done(
            {**rebuild, "loop": list(range(1, REBUILDS + 1)), "register": "rebuilds"},
            {"ansible.builtin.assert": {"that": f"rebuilds.results | selectattr('changed') | length == {REBUILDS}"}},
        )
    finally:
        host.check_output(f"touch {churn}/stop")
    outcomes = host.check_output(f"cat {churn}/outcomes").split()
    assert "failed" not in outcomes, host.check_output(f"tail -n 5 {churn}/errors")
    # At least one for each rebuild, else this has not looked at every moment.
    assert len(outcomes) > REBUILDS


def test_a_restart_of_containerd_leaves_pods_alone(host: Host) -> None:
    before = await_pod(host, "beforehand", lambda pod: pod.running)
    process = pid(host, before.container)
    host.check_output("systemctl restart containerd")
    # One that is asked for afterwards shows that the kubelet has found containerd again.
    host.check_output(ask_for_pod("afterwards", "method-1:v1.0"))
    assert await_pod(host, "afterwards", lambda pod: pod.running).running
    after = await_pod(host, "beforehand", lambda pod: pod.running)
    assert after == before
    assert pid(host, after.container) == process
    assert host.check_output("crictl exec %s cat /greeting", after.container) == "hello from method-1"
