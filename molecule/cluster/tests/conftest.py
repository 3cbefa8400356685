# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of the scenario, the registry on the builder, and the cluster of the nodes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from node_cluster import Cluster
from node_playbooks import all_nodes
from testinfra.host import Host

BUILDER = "nephoran-builder"


@pytest.fixture(scope="session")
def hosts(pytestconfig: pytest.Config) -> dict[str, Host]:
    """All hosts by their names."""
    return all_nodes(pytestconfig)


@pytest.fixture(scope="session")
def addresses(pytestconfig: pytest.Config) -> dict[str, str]:
    """The names of all hosts by their addresses."""
    inventory = yaml.safe_load((Path(pytestconfig.option.ansible_inventory) / "hosts.yml").read_text(encoding="utf-8"))
    return {host["ansible_host"]: name for name, host in inventory["nodes"]["hosts"].items()}


@pytest.fixture(scope="session")
def registry(addresses: dict[str, str]) -> str:
    """The address of the registry that runs on the builder."""
    return next(f"{address}:5000" for address, name in addresses.items() if name == BUILDER)


@pytest.fixture(scope="session")
def cluster(hosts: dict[str, Host], tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster of the four nodes, whose control plane is on the builder."""
    kubeconfig = tmp_path_factory.mktemp("cluster") / "kubeconfig"
    kubeconfig.touch(mode=0o600)
    kubeconfig.write_text(hosts[BUILDER].file("/srv/kubernetes/admin.kubeconfig").content_string, encoding="utf-8")
    return Cluster(kubeconfig)
