# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deployments that may pull nothing, over all nodes of a cluster. The tests build on one another."""

from __future__ import annotations

import json
import re

import node_cluster
from node_cluster import NAMESPACE, Cluster, Object
from node_playbooks import run_playbook
from testinfra.host import Host

BUILDER = "nephoran-builder"
NODES = ("nephoran-node1", "nephoran-node2", "nephoran-node3", "nephoran-node4")
APP = "web"
IMAGE = "docker.io/library/web:v1"
DOCKERFILE = 'FROM alpine:latest\nCOPY line /line\nCMD ["sh", "-c", "cat /line; exec sleep inf"]\n'


def place(hosts: dict[str, Host], registry: str, line: str) -> None:
    """Build the image once, with this line in it, and place it on all nodes."""
    hosts[BUILDER].check_output("mkdir -p /srv/web && echo %s > /srv/web/line", line)
    variables = {
        "distribute_image": IMAGE,
        "distribute_nodes": "rack:direct",
        "distribute_build": {"path": "/srv/web", "dockerfile_content": DOCKERFILE},
        "distribute_repository": f"{registry}/team/web",
    }
    run = run_playbook("distribute", f"--extra-vars={json.dumps(variables)}")
    assert run.status == 0, run.output


def logs(hosts: dict[str, Host], pods: list[Object]) -> dict[str, str]:
    """What the containers of Pods said, by the names of their nodes."""
    containers = {pod.spec.node_name: pod.status.container_statuses[0].container_id for pod in pods}
    return {
        node: hosts[node].check_output("crictl logs %s", container.removeprefix("containerd://"))
        for node, container in containers.items()
    }


def assert_one_a_node_from_what_was_placed(cluster: Cluster, hosts: dict[str, Host]) -> list[Object]:
    deployment = cluster.await_deployment(APP)
    assert node_cluster.is_complete(deployment), deployment.status
    pods = cluster.pods(APP)
    assert tuple(pod.spec.node_name for pod in pods) == NODES
    for pod in pods:
        placed = hosts[pod.spec.node_name].check_output("crictl inspecti --output json %s", IMAGE)
        assert pod.status.container_statuses[0].image_id == json.loads(placed)["status"]["id"]
    return pods


def assert_found_not_pulled(cluster: Cluster, pods: list[Object]) -> None:
    for pod in pods:
        events = cluster.core.list_namespaced_event(
            NAMESPACE, field_selector=f"involvedObject.uid={pod.metadata.uid}"
        ).items
        assert "Pulling" not in {event.reason for event in events}
        (found,) = (event.message for event in events if event.reason == "Pulled")
        assert re.search(r"already present on machine", found), found


def test_a_deployment_runs_on_every_node_from_what_was_placed(
    cluster: Cluster, hosts: dict[str, Host], registry: str
) -> None:
    place(hosts, registry, "first")
    cluster.create(node_cluster.deployment(APP, IMAGE, len(NODES)))
    pods = assert_one_a_node_from_what_was_placed(cluster, hosts)
    assert_found_not_pulled(cluster, pods)
    assert logs(hosts, pods) == dict.fromkeys(NODES, "first")


def test_an_image_that_was_not_placed_is_not_found_on_any_node(cluster: Cluster) -> None:
    cluster.create(node_cluster.deployment("nowhere", "docker.io/library/nowhere:v1", len(NODES)))
    waiting = cluster.await_waiting("nowhere", "ErrImageNeverPull", len(NODES))
    assert len(waiting) == len(NODES)
    assert not cluster.apps.read_namespaced_deployment("nowhere", NAMESPACE).status.available_replicas
    cluster.apps.delete_namespaced_deployment("nowhere", NAMESPACE)


def test_a_changed_line_is_in_every_pod_when_the_deployment_has_been_rolled(
    cluster: Cluster, hosts: dict[str, Host], registry: str
) -> None:
    before = {pod.metadata.uid for pod in cluster.pods(APP)}
    place(hosts, registry, "second")
    # As `kubectl rollout restart` does.
    restart = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
    cluster.apps.patch_namespaced_deployment(APP, NAMESPACE, {"spec": {"template": restart}})
    pods = assert_one_a_node_from_what_was_placed(cluster, hosts)
    assert before.isdisjoint(pod.metadata.uid for pod in pods)
    assert_found_not_pulled(cluster, pods)
    assert logs(hosts, pods) == dict.fromkeys(NODES, "second")
