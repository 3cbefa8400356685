# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nodes are upgraded one after the other, each without its Pods. The tests build on one another."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor

import node_cluster
import node_overlays
import pytest
from node_cluster import NAMESPACE, Cluster
from node_overlays import Overlay
from node_playbooks import Run, run_playbook
from testinfra.host import Host

RACK = ("nephoran-node1", "nephoran-node2")
NODES = (*RACK, "nephoran-node3", "nephoran-node4")
WEB, AGENT, SLOW = "served", "agent", "slow"
# It is on every node anyway, and does nothing.
IMAGE = "registry.k8s.io/pause:3.10.1"
CURRENT = "readlink /usr/local/lib/nerdctl-full/current"
# From the moment that a node takes no Pods until one has been refused; it is a request.
REFUSED_SECONDS = 4


@pytest.fixture(scope="module", autouse=True)
def _workloads(cluster: Cluster) -> None:
    """A Pod on every node that may be evicted and takes a second to end, and one that belongs to the node."""
    cluster.create(node_cluster.deployment(WEB, IMAGE, len(NODES), terminationGracePeriodSeconds=1))
    cluster.create(node_cluster.daemon_set(AGENT, IMAGE))
    assert node_cluster.is_complete(cluster.await_deployment(WEB))
    assert tuple(uids(cluster, WEB)) == NODES


@pytest.fixture(scope="module")
def overlay(hosts: dict[str, Host]) -> Overlay:
    """Another containerd for the nodes of the rack, the same on each."""
    made = (node_overlays.another(hosts[name].check_output, "containerd", "containerd", "2.2.5") for name in RACK)
    (overlay,) = set(made)
    return overlay


def upgrade(cluster: Cluster, overlay: Overlay, **options: object) -> Run:
    variables = {
        "container_build_hosts": "rack",
        "container_build_kubeconfig": str(cluster.kubeconfig),
        "nerdctl_full_overlays": [overlay.entry()],
        **options,
    }
    return run_playbook("upgrade", f"--extra-vars={json.dumps(variables)}")


def uids(cluster: Cluster, app: str) -> dict[str, str]:
    """The Pods of a workload by the names of their nodes."""
    return {pod.spec.node_name: pod.metadata.uid for pod in cluster.pods(app)}


def cordons(cluster: Cluster, since: int) -> list[tuple[str, bool]]:
    """Which nodes stopped taking Pods (true) or took them again (false) since then, in their order."""
    told: list[tuple[str, bool]] = []
    now = dict.fromkeys(NODES, False)
    for node in cluster.changes(cluster.core.list_node, since):
        name, unschedulable = node.metadata.name, bool(node.spec.unschedulable)
        if now[name] != unschedulable:
            now[name] = unschedulable
            told.append((name, unschedulable))
    return told


def spare_a_pod_once_refused(cluster: Cluster, node: str) -> None:
    """Let the budget spare a Pod when the node takes none any more and one has certainly been asked for."""
    cluster.await_cordon(node)
    time.sleep(REFUSED_SECONDS)
    cluster.policy.patch_namespaced_pod_disruption_budget(WEB, NAMESPACE, {"spec": {"maxUnavailable": 1}})


def test_a_budget_that_spares_no_pod_ends_the_upgrade_with_the_node_as_it_was(
    cluster: Cluster, hosts: dict[str, Host], overlay: Overlay
) -> None:
    cluster.create(node_cluster.budget(WEB, 0))
    since, before = cluster.moment(), uids(cluster, WEB)
    generation = hosts[RACK[0]].check_output(CURRENT)
    run = upgrade(cluster, overlay, container_build_drain_timeout=3)
    assert run.status != 0
    said = " ".join(run.output.split())
    assert f"{RACK[0]} cannot be drained." in said
    assert "would violate the pod's disruption budget" in said
    assert "That was so for 3 seconds. To do: let the PodDisruptionBudget spare a Pod" in said
    # Nobody else had a turn.
    assert set(run.recaps) == {RACK[0]}
    assert cordons(cluster, since) == [(RACK[0], True), (RACK[0], False)]
    assert uids(cluster, WEB) == before
    assert hosts[RACK[0]].check_output(CURRENT) == generation


def test_a_pod_that_does_not_end_in_time_ends_the_upgrade_with_the_node_as_it_was(
    cluster: Cluster, hosts: dict[str, Host], overlay: Overlay
) -> None:
    node = RACK[1]
    here = {"nodeSelector": {"kubernetes.io/hostname": node}, "terminationGracePeriodSeconds": 20}
    cluster.create(node_cluster.deployment(SLOW, IMAGE, 1, **here))
    assert node_cluster.is_complete(cluster.await_deployment(SLOW))
    # The other Pod of the node may leave at once.
    cluster.policy.delete_namespaced_pod_disruption_budget(WEB, NAMESPACE)
    generation = hosts[node].check_output(CURRENT)
    since = cluster.moment()
    run = upgrade(cluster, overlay, container_build_hosts=node, container_build_drain_timeout=3)
    assert run.status != 0
    said = " ".join(run.output.split())
    assert f"{node} is not drained after 3 seconds. These Pods have been told to end, and have not ended: " in said
    assert f" {NAMESPACE}/{SLOW}-" in said
    assert cordons(cluster, since) == [(node, True), (node, False)]
    assert hosts[node].check_output(CURRENT) == generation
    cluster.apps.delete_namespaced_deployment(SLOW, NAMESPACE)
    assert node_cluster.is_complete(cluster.await_deployment(WEB))
    assert tuple(uids(cluster, WEB)) == NODES


def test_each_node_is_drained_moved_and_has_its_pods_back(cluster: Cluster, overlay: Overlay) -> None:
    # One Pod may be away, and at first not even that.
    cluster.create(node_cluster.budget(WEB, 0))
    since, served, agents = cluster.moment(), uids(cluster, WEB), uids(cluster, AGENT)
    with ThreadPoolExecutor() as beside:
        sparing = beside.submit(spare_a_pod_once_refused, cluster, RACK[0])
        run = upgrade(cluster, overlay)
        sparing.result()
    assert run.status == 0, run.output
    assert f"FAILED - RETRYING: [{RACK[0]} -> localhost]: Drain the node" in run.output
    assert run.output.count("containerd restarted: binary 2.2.1 → 2.2.5") == len(RACK)
    assert cordons(cluster, since) == [(name, unschedulable) for name in RACK for unschedulable in (True, False)]
    deployment = cluster.await_deployment(WEB)
    assert node_cluster.is_complete(deployment), deployment.status
    after = uids(cluster, WEB)
    assert tuple(after) == NODES
    assert {name for name in NODES if after[name] != served[name]} == set(RACK)
    states = cluster.changes(cluster.apps.list_deployment_for_all_namespaces, since)
    assert min(state.status.available_replicas for state in states if state.metadata.name == WEB) == len(NODES) - 1
    # What belongs to a node stays, and containerd's restart ends nothing.
    assert uids(cluster, AGENT) == agents
    assert {pod.status.container_statuses[0].restart_count for pod in cluster.pods(AGENT)} == {0}


def test_a_second_upgrade_drains_nobody(cluster: Cluster, overlay: Overlay) -> None:
    since, before = cluster.moment(), uids(cluster, WEB)
    run = upgrade(cluster, overlay, container_build_hosts=RACK[0])
    assert run.status == 0, run.output
    assert {recap.changed for recap in run.recaps.values()} == {0}, run.output
    assert cordons(cluster, since) == []
    assert uids(cluster, WEB) == before
