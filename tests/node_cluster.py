# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster's API server says, and how it is asked for Pods that may pull nothing. It is watched, not polled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kubernetes import client, config, utils, watch
from node_kubelet import pod_spec

NAMESPACE = "default"
PATIENCE_SECONDS = 90

# What the client returns. By its types, each field of each may be None.
Object = Any
Listing = Callable[..., Any]


class Cluster:
    """A cluster, by the kubeconfig of somebody who may do everything there.

    What its methods return are the objects of Kubernetes's own Python client.
    """

    def __init__(self, kubeconfig: Path) -> None:
        self.kubeconfig = kubeconfig
        self._api = config.new_client_from_config(str(kubeconfig))
        self.core: Object = client.CoreV1Api(self._api)
        self.apps: Object = client.AppsV1Api(self._api)
        self.policy: Object = client.PolicyV1Api(self._api)

    def create(self, manifest: dict[str, Any]) -> None:
        utils.create_from_dict(self._api, manifest, namespace=NAMESPACE)

    def pods(self, app: str) -> list[Object]:
        """The Pods of a workload that are not about to end, by the names of their nodes."""
        found = self.core.list_namespaced_pod(NAMESPACE, label_selector=f"app={app}").items
        staying = [pod for pod in found if not pod.metadata.deletion_timestamp]
        return sorted(staying, key=lambda pod: pod.spec.node_name or "")

    def await_deployment(self, name: str) -> Object:
        """Wait until a Deployment is complete, and return it; after the time, as it is."""
        selected = {"namespace": NAMESPACE, "field_selector": f"metadata.name={name}"}
        deployment = None
        for deployment in self._watched(self.apps.list_namespaced_deployment, **selected):
            if is_complete(deployment):
                break
        return deployment

    def await_cordon(self, name: str) -> None:
        """Wait until a node takes no Pods any more."""
        for node in self._watched(self.core.list_node, field_selector=f"metadata.name={name}"):
            if node.spec.unschedulable:
                break

    def await_waiting(self, app: str, reason: str, count: int) -> set[str]:
        """Wait until so many Pods of a workload wait for this reason. Return the names of those that do."""
        waiting: set[str] = set()
        selected = {"namespace": NAMESPACE, "label_selector": f"app={app}"}
        for pod in self._watched(self.core.list_namespaced_pod, **selected):
            if reason in _waiting_reasons(pod):
                waiting.add(pod.metadata.name)
            if len(waiting) == count:
                break
        return waiting

    def changes(self, listing: Listing, since: int) -> list[Object]:
        """Each state that each object of a list had since then, in their order.

        :param since: a :meth:`moment`.
        """
        last = max(version(item) for item in listing().items)
        states: list[Object] = []
        if last <= since:
            return states
        for state in self._watched(listing, resource_version=str(since)):
            states.append(state)
            if version(state) >= last:
                break
        return states

    def moment(self) -> int:
        """Now, as :meth:`changes` takes it."""
        return int(self.core.list_node().metadata.resource_version)

    @staticmethod
    def _watched(listing: Listing, **selected: Any) -> Iterator[Object]:
        watcher = watch.Watch()
        try:
            for event in watcher.stream(listing, timeout_seconds=PATIENCE_SECONDS, **selected):
                yield event["object"]
        finally:
            watcher.stop()


def version(state: Object) -> int:
    return int(state.metadata.resource_version)


def is_complete(deployment: Object) -> bool:
    """Whether all Pods of a Deployment, and no others, are as it asks now, and available."""
    status, wanted = deployment.status, deployment.spec.replicas
    return (
        status.observed_generation == deployment.metadata.generation
        and (status.updated_replicas, status.replicas, status.available_replicas) == (wanted,) * 3
    )


def _waiting_reasons(pod: Object) -> set[str]:
    states = [container.state for container in pod.status.container_statuses or []]
    return {state.waiting.reason for state in states if state.waiting}


def deployment(name: str, image: str, replicas: int, **pod: Any) -> dict[str, Any]:
    """A Deployment that has at most one Pod on a node.

    Not by ``topologySpreadConstraints``: the scheduler hears that a Pod is to end and that another takes its place in
    two goroutines. If it places the new one first, it counts the old one still, and the new one may go to a node
    that has one.

    :param pod: further fields of the ``spec`` of its Pods.
    """
    term = {
        "topologyKey": "kubernetes.io/hostname",
        "labelSelector": {"matchLabels": {"app": name}},
        # While one Pod takes another's place, both kinds may be on a node.
        "matchLabelKeys": ["pod-template-hash"],
    }
    apart = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}
    spec = {"replicas": replicas, **_workload(name, image, affinity=apart, **pod)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def daemon_set(name: str, image: str) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": {"name": name}, "spec": _workload(name, image)}


def budget(app: str, max_unavailable: int) -> dict[str, Any]:
    """What limits how many Pods of a workload may be evicted at a time."""
    spec = {"maxUnavailable": max_unavailable, "selector": {"matchLabels": {"app": app}}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": app}, "spec": spec}


def _workload(name: str, image: str, **pod: Any) -> dict[str, Any]:
    labels = {"app": name}
    # They ask the API server for nothing, and the cluster has no DNS.
    pod = {"automountServiceAccountToken": False, "dnsPolicy": "Default", **pod}
    template = {"metadata": {"labels": labels}, "spec": pod_spec(name, image, **pod)}
    return {"selector": {"matchLabels": labels}, "template": template}
