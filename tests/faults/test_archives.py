# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that do not arrive as they should: the installation that serves stays as it is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults import archives
from faults.archives import Archive
from faults.lab_node import FOLDER, Done, LabNode
from faults.small_installation import SmallInstallation

PORT = 18190
URL = f"http://127.0.0.1:{PORT}"
UNIT = "faults-stub"
MOST_REQUESTS = 6
LOG = f"{FOLDER}/stub-requests"


@pytest.fixture(scope="module")
def wanted() -> Archive:
    return archives.make("2.0.0")


@pytest.fixture(scope="module")
def served(bare: LabNode, wanted: Archive) -> Iterator[SmallInstallation]:
    """An installation that serves, and a server that gives out the next version badly."""
    installation = SmallInstallation(bare, "served")
    installation.install(archives.make("1.0.0"))
    bare.write(f"{FOLDER}/archives/stub.tar.gz", wanted.content)
    server = f"python3 {FOLDER}/stub_server.py {PORT} {FOLDER}/archives/stub.tar.gz {LOG}"
    bare.shell(
        f"rm -f {LOG} && systemd-run --quiet --collect --unit {UNIT} {server}"
        f" && timeout 10 bash -c 'until echo > /dev/tcp/127.0.0.1/{PORT}; do sleep 0.1; done' 2> /dev/null"
    )
    yield installation
    bare.shell(f"systemctl stop {UNIT}")


def requests(node: LabNode, path: str) -> int:
    return node.shell(f"cat {LOG}").split().count(path)


@pytest.mark.fault(1)
def test_a_download_that_ends_early_is_refused(served: SmallInstallation, wanted: Archive) -> None:
    before = served.look()
    reason = served.refusal(wanted, url=f"{URL}/half")
    assert f"{URL}/half" in reason
    assert "To do:" in reason
    assert served.look() == before


@pytest.mark.fault(2)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_a_bounded_number_of_times(
    served: SmallInstallation, wanted: Archive, status: int
) -> None:
    before = served.look()
    reason = served.refusal(wanted, url=f"{URL}/{status}/forever")
    assert str(status) in reason
    assert 1 < requests(served.node, f"/{status}/forever") <= MOST_REQUESTS
    assert served.look() == before


@pytest.mark.fault(2)
def test_a_server_that_is_busy_for_a_while_is_waited_for(served: SmallInstallation, wanted: Archive) -> None:
    assert served.install(wanted, url=f"{URL}/503/2")["changed"]
    assert requests(served.node, "/503/2") == 3


CASES = [
    pytest.param("Check that each was refused in words", marks=pytest.mark.fault(1, 3, 4, 5, 16), id="refused"),
    pytest.param("Check that it was fetched once", marks=pytest.mark.fault(3), id="fetched"),
    pytest.param("Check that each said what is missing", marks=pytest.mark.fault(5), id="no-checksum"),
    pytest.param("Check that the new generation serves", marks=pytest.mark.fault(6), id="downgrade"),
    pytest.param("Check that the node is as it was", marks=pytest.mark.fault(1, 3, 4, 5, 16, 17), id="untouched"),
    pytest.param("Check that each said why", marks=pytest.mark.fault(10, 12, 13), id="file-systems"),
]


@pytest.fixture(scope="module")
def done(installed: LabNode) -> Done:
    """The module's own target, run once for all that it shows."""
    return installed.target("nerdctl_full")


@pytest.mark.parametrize("task", CASES)
def test_the_modules_own_target(done: Done, task: str) -> None:
    assert done.tasks.get(task), done.output[-3000:]
