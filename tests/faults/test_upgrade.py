# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Upgrades that go wrong on a node that works."""

from __future__ import annotations

import json
from collections.abc import Iterator

import node_overlays
import pytest

from faults.lab_node import LabNode


@pytest.fixture
def upgradable(installed: LabNode) -> Iterator[LabNode]:
    """The node, which is as it was afterwards, whatever an upgrade left."""
    before = installed.shell("readlink /usr/local/lib/nerdctl-full/current")
    yield installed
    installed.shell("nerdctl rm --force witness 2> /dev/null || true")
    back = installed.playbook("install", "-e", "nerdctl_full_allow_downgrade=true")
    assert back.status == 0, back.output
    assert installed.shell("readlink /usr/local/lib/nerdctl-full/current") == before


@pytest.mark.fault(26)
def test_a_containerd_that_does_not_start_is_taken_back(upgradable: LabNode) -> None:
    done = upgradable.molecule_tests("upgrade", "test_a_containerd_that_does_not_start_is_taken_back_by_itself")
    assert done.status == 0, done.output[-3000:]


@pytest.mark.fault(27)
def test_a_containerd_without_its_cri_plugin_is_seen(upgradable: LabNode) -> None:
    overlay = node_overlays.another(upgradable.shell, "containerd", "containerd", "2.2.9")
    disabled = {"disabled_plugins": ["io.containerd.grpc.v1.cri"]}
    variables = json.dumps({"nerdctl_full_overlays": [overlay.entry()], "containerd_config": disabled})
    done = upgradable.playbook("upgrade", "-e", variables)
    assert done.status != 0, done.output
    assert "containerd's CRI plugin does not work any more" in done.output
