# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A generation stays while somebody needs it."""

from __future__ import annotations

import json

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    NONE,
    OURS,
    ContainerdOwner,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation_users import (
    is_shim,
    needed_generations,
    processes_by_generation,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import Process, ProcessTable

from .conftest import Node

OLD, OLDER = "2.0.0-000000000002", "1.0.0-000000000001"
RUNNING = ContainerdOwner(OURS, running=True, address="/run/containerd/containerd.sock", pid=1)


def needed(node: Node, owner: ContainerdOwner = RUNNING) -> dict[str, str]:
    running = processes_by_generation(node.layout, ProcessTable(str(node.proc)))
    return needed_generations([OLD, OLDER], node.layout, running, owner, node.runner)


def let_ctr_answer(node: Node, record: str) -> None:
    ctr = (f"{node.layout.generation(OLD)}/bin/ctr", "--address", "/run/containerd/containerd.sock")
    node.runner.answers.update(
        {
            (*ctr, "namespaces", "ls", "-q"): (0, "default\nk8s.io\n", ""),
            (*ctr, "--namespace", "default", "containers", "ls", "-q"): (0, "web\n", ""),
            (*ctr, "--namespace", "k8s.io", "containers", "ls", "-q"): (0, "", ""),
            (*ctr, "--namespace", "default", "containers", "info", "web"): (0, record, ""),
        }
    )


def hook(node: Node, generation: str) -> str:
    path = f"{node.layout.generation(generation)}/bin/nerdctl"
    return json.dumps({"Spec": {"hooks": {"createRuntime": [{"path": path}]}}})


def test_processes_need_what_they_run_from(node: Node) -> None:
    let_ctr_answer(node, "{}")
    node.start(10, f"{node.layout.generation(OLDER)}/bin/containerd-shim-runc-v2")
    node.start(11, "/usr/bin/containerd-shim-runc-v2")
    assert needed(node) == {OLDER: "process 10 runs from it (containerd-shim-runc-v2)"}


def test_containers_need_what_their_hooks_name(node: Node) -> None:
    let_ctr_answer(node, hook(node, OLDER))
    assert needed(node) == {OLDER: "the container default/web names it"}


def test_containers_that_name_another_need_neither(node: Node) -> None:
    let_ctr_answer(node, hook(node, "2.0.0-00000000000f"))
    assert needed(node) == {}


def test_a_container_that_was_removed_meanwhile_needs_nothing(node: Node) -> None:
    let_ctr_answer(node, "{}")
    info = next(words for words in node.runner.answers if "info" in words)
    node.runner.answers[info] = (1, "", 'ctr: container "web" in namespace "default": not found')
    assert needed(node) == {}


def test_what_cannot_be_asked_may_need_everything(node: Node) -> None:
    let_ctr_answer(node, "{}")
    info = next(words for words in node.runner.answers if "info" in words)
    node.runner.answers[info] = (1, "", "ctr: context deadline exceeded")
    assert set(needed(node)) == {OLD, OLDER}


def test_a_containerd_that_is_stopped_may_need_everything(node: Node) -> None:
    stopped = ContainerdOwner(OURS, executable="/x/containerd")
    assert set(needed(node, stopped)) == {OLD, OLDER}
    assert "does not run" in needed(node, stopped)[OLD]


def test_without_a_containerd_there_are_no_containers(node: Node) -> None:
    assert needed(node, ContainerdOwner(NONE)) == {}
    assert node.runner.argvs == []


@pytest.mark.parametrize(("name", "shim"), [("containerd-shim-runc-v2", True), ("containerd", False)])
def test_shims_are_known_by_name(name: str, shim: bool) -> None:
    assert is_shim(Process(1, f"/x/{name}")) is shim
