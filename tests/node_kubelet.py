# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's kubelet says of its Pods, and how it is asked for others. The Pods are files: it has no API server."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from testinfra.host import Host

MANIFESTS = "/etc/kubernetes/manifests"
# What the kubelet appends to the name of a static Pod.
NODE = "node"
PATIENCE_SECONDS = 60
POLL_SECONDS = 0.25

# It waits for a kubelet that is just starting.
_ASK = f"""\
import ssl, time, urllib.error, urllib.request
deadline = time.monotonic() + {PATIENCE_SECONDS}
while True:
    try:
        answer = urllib.request.urlopen('https://127.0.0.1:10250/pods', context=ssl._create_unverified_context())
        break
    except urllib.error.URLError:
        if time.monotonic() > deadline:
            raise
        time.sleep({POLL_SECONDS})
print(answer.read().decode())
"""


@dataclass(frozen=True)
class Pod:
    """A Pod of one container.

    :param phase: as Kubernetes names it; ``Pending`` as long as nothing else is known.
    :param waiting: why its container waits; empty if it does not.
    :param container: containerd's id of its container; empty if there is none.
    :param restarts: how often the kubelet started the container again.
    """

    phase: str
    waiting: str
    container: str
    restarts: int

    @property
    def running(self) -> bool:
        return self.phase == "Running" and not self.waiting


def pods(host: Host) -> dict[str, Pod]:
    """The Pods that the kubelet knows, by their names in the manifests."""
    document = json.loads(host.check_output("python3 -c %s", _ASK))
    return {
        each["metadata"]["name"].removesuffix(f"-{NODE}"): _described(each["status"])
        for each in document["items"] or []
    }


def await_pod(host: Host, name: str, condition: Callable[[Pod], bool]) -> Pod:
    """Wait until a Pod is as it should be, and return it; after :data:`PATIENCE_SECONDS` seconds, as it is."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        pod = pods(host).get(name, Pod("Pending", "", "", 0))
        if condition(pod) or time.monotonic() > deadline:
            return pod
        time.sleep(POLL_SECONDS)


def pod_spec(name: str, image: str, **more: Any) -> dict[str, Any]:
    """What a Pod of one container is to be that may pull nothing.

    :param more: further fields of its ``spec``.
    """
    container = {"name": name, "image": image, "imagePullPolicy": "Never"}
    return {"terminationGracePeriodSeconds": 0, "containers": [container], **more}


def manifest(name: str, image: str) -> str:
    """A static Pod of one container that may pull nothing."""
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod_spec(name, image)}
    return json.dumps(pod)


def ask_for_pod(name: str, image: str) -> str:
    """The command that asks for a Pod. The kubelet overlooks files whose names begin with a dot."""
    hidden, shown = f"{MANIFESTS}/.{name}.yaml", f"{MANIFESTS}/{name}.yaml"
    return f"printf %s {shlex.quote(manifest(name, image))} > {hidden} && mv {hidden} {shown}"


def pid(host: Host, container: str) -> int:
    """The process id of a container's first process, in the node."""
    return int(host.check_output("crictl inspect --output go-template --template '{{.info.pid}}' %s", container))


def _described(status: dict[str, Any]) -> Pod:
    container: dict[str, Any] = next(iter(status.get("containerStatuses") or []), {})
    return Pod(
        phase=status.get("phase", "Pending"),
        waiting=container.get("state", {}).get("waiting", {}).get("reason", ""),
        container=container.get("containerID", "").removeprefix("containerd://"),
        restarts=container.get("restartCount", 0),
    )
