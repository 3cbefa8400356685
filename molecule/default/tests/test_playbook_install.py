# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where nothing has to change, nothing does: no file, no process, and little time."""

from __future__ import annotations

import os
import sys

import pytest
from node_playbooks import run_playbook
from testinfra.host import Host

MOST_TASKS = 25
MOST_SECONDS_A_NODE = 15
# What the roles lay down and run, and what a restart or a rewrite would move of it.
OBSERVE = """
systemctl show --property Id,MainPID,NRestarts,ExecMainStartTimestampMonotonic containerd buildkit
find /usr/local /opt/cni /etc/containerd /etc/buildkit /etc/nerdctl /etc/containers /etc/systemd/system \
    -printf '%p %i %T@ %C@ %m %u %l\\n' | sort
"""


def crowd() -> float:
    """How many processes share a processor, as the last minute's load tells; 1 if there is no queue."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def observe(nodes: dict[str, Host]) -> dict[str, str]:
    return {name: host.check_output(OBSERVE) for name, host in nodes.items()}


def test_a_second_install_changes_nothing(nodes: dict[str, Host]) -> None:
    before = observe(nodes)
    run = run_playbook("install")
    assert run.status == 0, run.output
    assert set(run.recaps) == set(nodes)
    sys.stdout.write(f"second install of {len(nodes)} nodes: {run.seconds:.1f} s, {run.recaps}\n")
    assert [recap.changed for recap in run.recaps.values()] == [0] * len(nodes), run.output
    assert observe(nodes) == before
    assert max(recap.tasks for recap in run.recaps.values()) <= MOST_TASKS
    assert run.seconds <= MOST_SECONDS_A_NODE * len(nodes) * crowd()


def test_check_mode_predicts_no_change_then(nodes: dict[str, Host]) -> None:
    run = run_playbook("install", "--check", "--diff")
    assert run.status == 0, run.output
    assert [recap.changed for recap in run.recaps.values()] == [0] * len(nodes), run.output


@pytest.mark.parametrize("playbook", ["install", "uninstall"])
def test_without_root_nothing_is_tried(nodes: dict[str, Host], playbook: str) -> None:
    run = run_playbook(playbook, "--extra-vars=ansible_become=false")
    assert run.status != 0
    for name, recap in run.recaps.items():
        assert f"run as operator on {name}" in run.output
        assert (recap.ok, recap.failed) == (0, 1)
    assert set(run.recaps) == set(nodes)
    assert "Expected: root. To do:" in run.output
