# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection's playbooks on the nodes of a molecule scenario, and reads Ansible's recap."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

CHECKOUT = Path(__file__).resolve().parents[1]
TIMEOUT_SECONDS = 600

_RECAP = re.compile(r"^(?P<host>\S+)\s+: (?P<counts>ok=\d+ .*)$", re.MULTILINE)


@dataclass(frozen=True)
class Recap:
    """What Ansible counted on one host."""

    ok: int
    changed: int
    unreachable: int
    failed: int
    skipped: int
    rescued: int
    ignored: int

    @property
    def tasks(self) -> int:
        """How many tasks the host was asked about, whatever came of them."""
        return self.ok + self.failed + self.skipped


@dataclass(frozen=True)
class Run:
    """A playbook that was run to its end."""

    status: int
    output: str
    seconds: float
    recaps: dict[str, Recap]


def all_nodes(config: pytest.Config) -> dict[str, Host]:
    """The nodes that testinfra was started for, by their names, for what is done to them side by side."""
    hosts = testinfra.get_hosts(config.option.hosts.split(","), ansible_inventory=config.option.ansible_inventory)
    return {host.backend.get_hostname(): host for host in hosts}


def run_playbook(name: str, *arguments: str) -> Run:
    """Run a playbook of the collection on the scenario's nodes, side by side.

    :param name: without the collection's name: ``install``.
    :param arguments: further words for ``ansible-playbook``.
    """
    return _run(f"nephoran.container_build.{name}", *arguments)


def run_tasks(tasks: list[dict[str, Any]], *arguments: str) -> Run:
    """Run tasks on the scenario's nodes, one play of them.

    :param tasks: as in a playbook.
    :param arguments: further words for ``ansible-playbook``.
    """
    play = {"name": "Test", "hosts": "nodes", "gather_facts": False, "tasks": tasks}
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as playbook:
        json.dump([play], playbook)
        playbook.flush()
        return _run(playbook.name, *arguments)


def _run(playbook: str, *arguments: str) -> Run:
    command = [
        str(Path(sys.executable).parent / "ansible-playbook"),
        f"--inventory={os.environ['MOLECULE_SCENARIO_DIRECTORY']}/inventory",
        *arguments,
        playbook,
    ]
    # molecule asks for colours, which would stand between the words.
    environment = {key: value for key, value in os.environ.items() if key not in ("ANSIBLE_FORCE_COLOR", "FORCE_COLOR")}
    started = time.monotonic()
    completed = subprocess.run(
        command,
        cwd=CHECKOUT,
        env={**environment, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    seconds = time.monotonic() - started
    return Run(completed.returncode, completed.stdout, seconds, recaps_of(completed.stdout))


def recaps_of(output: str) -> dict[str, Recap]:
    """Read the recap, by the name of the host."""
    return {
        match["host"]: Recap(**{key: int(count) for key, count in re.findall(r"(\w+)=(\d+)", match["counts"])})
        for match in _RECAP.finditer(output)
    }
