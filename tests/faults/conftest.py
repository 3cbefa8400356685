# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes of the suite, and the table at its end."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from faults import outcomes, payload
from faults.lab_node import CHECKOUT, LabNode, run
from faults.outcomes import Shown
from faults.rows import FAULTS, NEEDS_A_VM

KIND = "debian13"
SHOWS = "shows"
DETAIL = "fault detail"
DETAIL_CHARACTERS = 200


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the document that a whole run writes its table to."""
    parser.addoption("--keep-nodes", action="store_true", help="Leave the nodes for the next run.")
    parser.addoption("--record", type=Path, metavar="FILE", help="Write the table of faults into this document.")


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", "fault(number, ...): the faults that the test shows to be met")
    config.stash[COLLECTOR] = Collector()
    config.pluginmanager.register(config.stash[COLLECTOR])


def pytest_itemcollected(item: pytest.Item) -> None:
    """See to it that every test names its faults."""
    if not set(_faults(item)) or not set(_faults(item)) <= FAULTS.keys():
        raise pytest.UsageError(f"{item.nodeid} has no marker fault() with numbers that are known")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a test's report say what it shows."""
    report = yield
    detail = str(dict(item.user_properties).get(DETAIL, ""))
    if call.excinfo is not None:
        detail = " ".join(call.excinfo.exconly(tryshort=True).split())[:DETAIL_CHARACTERS]
    report.user_properties.append((SHOWS, [_faults(item), item.name, detail]))
    return report


class Collector:
    """Gathers what the tests show."""

    def __init__(self) -> None:
        self.shown: list[Shown] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take what a report says."""
        if report.when == "call" or report.outcome != "passed":
            properties: dict[str, Any] = dict(report.user_properties)
            faults, name, detail = properties[SHOWS]
            self.shown += [Shown(number, name, report.outcome, detail) for number in faults]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print a line for each fault."""
    shown = config.stash[COLLECTOR].shown
    if not shown:
        return
    rows = outcomes.table(FAULTS, NEEDS_A_VM, shown)
    terminalreporter.section("faults")
    for line in outcomes.lines(rows):
        terminalreporter.write_line(line)
    terminalreporter.write_line(outcomes.summary(rows))
    document = config.getoption("record")
    if document is not None:
        text = f"{outcomes.markdown(rows)}\n{outcomes.summary(rows)}.\n"
        document.write_text(outcomes.replace_table(document.read_text(encoding="utf-8"), text), encoding="utf-8")


def _faults(item: pytest.Item) -> list[int]:
    return [number for marker in item.iter_markers("fault") for number in marker.args]


COLLECTOR = pytest.StashKey[Collector]()


@pytest.fixture
def tell(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Put something into the last column of the table."""

    def note(detail: str) -> None:
        request.node.user_properties.append((DETAIL, detail))

    return note


@pytest.fixture(scope="session")
def bare(pytestconfig: pytest.Config) -> Iterator[LabNode]:
    """A node that nothing is installed on."""
    yield from _node("faults-bare", pytestconfig)


@pytest.fixture(scope="session")
def installed(pytestconfig: pytest.Config) -> Iterator[LabNode]:
    """A node with the toolchain, as the playbook install makes it."""
    for made in _node("faults-node", pytestconfig):
        done = made.playbook("install")
        assert done.status == 0, done.output
        yield made


@pytest.fixture(scope="session")
def adopted(bare: LabNode) -> LabNode:
    """The bare node, once it has Docker and with it a distribution's containerd that serves."""
    prepared = run(["ansible-playbook", "-i", str(bare.inventory), str(CHECKOUT / "molecule/adopted/prepare.yml")])
    assert prepared.status == 0, prepared.output
    # Overlay file systems do not lie on one another; /srv is a volume of the node.
    bare.shell('mkdir -p /etc/docker && echo \'{"data-root": "/srv/docker"}\' > /etc/docker/daemon.json')
    bare.shell("apt-get install --yes --no-install-recommends docker.io docker-cli && systemctl is-active docker")
    return bare


@pytest.fixture(scope="session")
def library(bare: LabNode) -> Callable[[str], str]:
    """Provide the files of a module on the bare node; they are brought once."""
    return functools.cache(functools.partial(payload.bring, bare))


def _node(name: str, config: pytest.Config) -> Iterator[LabNode]:
    made = LabNode(name, KIND)
    try:
        yield made
    finally:
        if not config.getoption("keep_nodes"):
            made.remove()
