# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ipaddress import IPv4Network

import pytest
from lab import network
from lab.errors import LabError


def test_first_subnet_that_overlaps_no_route_is_taken() -> None:
    taken = [IPv4Network("10.231.0.0/23"), IPv4Network("10.231.2.7/32"), IPv4Network("192.0.2.0/24")]
    assert network.free_subnet(network.CANDIDATES, taken) == IPv4Network("10.231.3.0/24")


def test_no_free_subnet_says_what_to_do() -> None:
    with pytest.raises(LabError, match="podman network create"):
        network.free_subnet(network.CANDIDATES, [IPv4Network("10.0.0.0/8")])


def test_services_lie_above_the_addresses_of_nodes() -> None:
    subnet = network.CANDIDATES[0]
    nodes = next(subnet.subnets(prefixlen_diff=1))
    for host in (network.REGISTRY_HOST, network.FILES_HOST):
        assert subnet[host] not in nodes
