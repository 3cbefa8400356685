# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a changed line takes to a running Pod: by the module, and by the document's Method 1, in one run.

The times are properties of the JUnit report; a machine that is slow fails nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from node_commands import build_by_hand, export_by_hand
from node_kubelet import ask_for_pod, await_pod
from node_playbooks import run_tasks
from testinfra.host import Host

FOLDER = "/srv/speed"
# An image of a usual size, of which the last layer changes.
DOCKERFILE = """\
FROM alpine:latest
RUN head -c 100000000 /dev/urandom > /ballast
COPY line /line
CMD cat /line; exec sleep inf
"""
ARCHIVE = "/srv/image.tar"


def by_the_module(_host: Host, name: str, ask: str) -> None:
    build = {"name": name, "path": FOLDER, "namespace": "k8s.io", "pinned": True}
    run = run_tasks([{"nephoran.container_build.image_build": build}, {"ansible.builtin.shell": {"cmd": ask}}])
    assert run.status == 0, run.output


def by_method_1(host: Host, name: str, ask: str) -> None:
    steps = (
        f"nerdctl build -t {name} {FOLDER}",
        export_by_hand(f"docker.io/library/{name}", ARCHIVE),
        f"ctr -n k8s.io images import {ARCHIVE}",
        f"rm {ARCHIVE}",
        ask,
    )
    build_by_hand(host, " && ".join(steps))


@pytest.mark.parametrize("way", [by_the_module, by_method_1])
def test_from_a_changed_line_to_a_running_pod(
    host: Host,
    way: Callable[[Host, str, str], None],
    record_testsuite_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Ansible packs the module as it does everywhere else.
    monkeypatch.delenv("ANSIBLE_CALLBACK_PLUGINS", raising=False)
    name = way.__name__.replace("_", "-")
    image = f"{name}:v1"
    host.check_output(f"mkdir -p {FOLDER}")
    host.check_output("printf %%s %s > %s", DOCKERFILE, f"{FOLDER}/Dockerfile")
    for line in ("first", "second"):
        host.check_output(f"echo {line} > {FOLDER}/line")
        pod_name = f"{name}-{line}"
        started = time.monotonic()
        way(host, image, ask_for_pod(pod_name, image))
        pod = await_pod(host, pod_name, lambda pod: pod.running)
        record_testsuite_property(f"seconds to the Pod, {name}, {line} line", round(time.monotonic() - started, 2))
        assert pod.running, pod
        assert host.check_output("crictl logs %s", pod.container) == line
