# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from lab.nodes import inventory
from lab.nodes.node import Node
from lab.nodes.ssh import KeyPair

KEY = KeyPair(Path("/cache/ssh/key"))
NODE = Node("one", "debian13", "running", "10.231.0.2", "0123456789abcdef", "localhost/nephoran-lab/node-debian13:1")


def test_written_files_are_what_ansible_reads(tmp_path: Path) -> None:
    inventory.write(tmp_path, [NODE], KEY, {"nerdctl_full_archive": "/cache/archive"})
    hosts = yaml.safe_load((tmp_path / "hosts.yml").read_text())
    assert hosts["nodes"]["hosts"]["one"]["ansible_host"] == "10.231.0.2"
    assert hosts["nodes"]["vars"]["ansible_user"] == "operator"
    assert hosts["nodes"]["vars"]["ansible_become"] is True
    variables = yaml.safe_load((tmp_path / "group_vars" / "nodes" / "lab.yml").read_text())
    assert variables == {**inventory.LIMITS_VARIABLES, "nerdctl_full_archive": "/cache/archive"}


def test_variables_written_by_hand_stay(tmp_path: Path) -> None:
    mine = tmp_path / "group_vars" / "nodes" / "mine.yml"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine: true\n")
    inventory.write(tmp_path, [NODE], KEY, {})
    assert mine.read_text() == "mine: true\n"


@pytest.mark.parametrize("change", [{"container_id": "fedcba9876543210"}, {"address": "10.231.0.3"}])
def test_connections_of_an_earlier_life_are_not_reused(change: dict[str, str]) -> None:
    paths = {
        inventory.hosts([node], KEY)["nodes"]["hosts"]["one"]["ansible_control_path"]
        for node in (NODE, dataclasses.replace(NODE, **change))
    }
    assert len(paths) == 2
