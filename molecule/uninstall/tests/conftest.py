# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all tests of the scenario look at."""

from __future__ import annotations

import pytest
from node_playbooks import all_nodes
from testinfra.host import Host


@pytest.fixture(scope="session")
def nodes(pytestconfig: pytest.Config) -> dict[str, Host]:
    """All nodes by their names."""
    return all_nodes(pytestconfig)
