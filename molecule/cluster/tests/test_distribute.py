# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Built once, placed on many: what moves, when, and what happens where it does not. The tests build on one another.

What moved, and how long it took, are properties of the JUnit report. NEPHORAN_CLUSTER_MEGABYTES says how large the
image is to be.
"""

from __future__ import annotations

import json
import os
import re
import resource
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from node_playbooks import Run, run_playbook
from testinfra.host import Host

BUILDER = "nephoran-builder"
RACK = ("nephoran-node1", "nephoran-node2")
DIRECT = ("nephoran-node3", "nephoran-node4")
PLACED = (*RACK, *DIRECT)
IMAGE = "docker.io/library/app:v1"
MEGABYTE = 10**6
BALLAST = int(os.environ.get("NEPHORAN_CLUSTER_MEGABYTES", "100")) * MEGABYTE
# Manifests, configs and headers, beside the layers.
DOCUMENTS = MEGABYTE // 10
BASE = 3 * MEGABYTE
DOCKERFILE = f"FROM alpine:latest\nRUN head -c {BALLAST} /dev/urandom > /ballast\nCOPY line /line\n"
LOG = "/var/log/registry/{}.log"
_REQUEST = re.compile(r'^(?P<client>\S+) \S+ \S+ \[[^]]*\] "GET \S+ \S+" \d+ (?P<bytes>\d+) ', re.MULTILINE)


Record = Callable[[str, object], None]


@pytest.fixture
def sent(hosts: dict[str, Host], addresses: dict[str, str]) -> Callable[[str], Counter[str]]:
    """What a service has sent since the test began: bytes by the name of who got them. The cache is on the builder."""
    builder = hosts[BUILDER]
    builder.check_output("truncate --size 0 /var/log/registry/*.log")

    def count(service: str) -> Counter[str]:
        bytes_sent: Counter[str] = Counter()
        for request in _REQUEST.finditer(builder.file(LOG.format(service)).content_string):
            bytes_sent[addresses[request["client"]]] += int(request["bytes"])
        return bytes_sent

    return count


@pytest.fixture
def note(sent: Callable[[str], Counter[str]], record_testsuite_property: Record) -> Callable[[str, Run], None]:
    """Puts what a run took into the report: time, the controller's share of it, and bytes by who got them."""
    before = _processor_seconds()

    def note(what: str, run: Run) -> None:
        record_testsuite_property(f"{what}: seconds", round(run.seconds, 1))
        # The nodes' processes are no children of this one, whatever machine they run on.
        record_testsuite_property(
            f"{what}: processor seconds of the controller", round(_processor_seconds() - before, 1)
        )
        for service in ("origin", "cache"):
            record_testsuite_property(f"{what}: bytes out of the {service}", dict(sorted(sent(service).items())))

    return note


def _processor_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def distribute(registry: str, *arguments: str, **options: Any) -> Run:
    variables = {
        "distribute_image": IMAGE,
        "distribute_nodes": "rack:direct",
        "distribute_build": {"path": "/srv/app"},
        "distribute_repository": f"{registry}/team/app",
        **options,
    }
    return run_playbook("distribute", f"--extra-vars={json.dumps(variables)}", *arguments)


def write_line(hosts: dict[str, Host], line: str) -> None:
    hosts[BUILDER].check_output("printf %%s %s > /srv/app/line", line)


def digests(hosts: dict[str, Host], image: str = IMAGE) -> dict[str, str]:
    listing = {name: hosts[name].check_output("ctr -n k8s.io images ls name==%s", image) for name in PLACED}
    return {name: "".join(re.findall(r" (sha256:\S+) ", listed)) for name, listed in listing.items()}


def received(hosts: dict[str, Host]) -> dict[str, int]:
    """Bytes that have come in over each node's network."""
    counters = "cat /sys/class/net/e*/statistics/rx_bytes"
    return {name: sum(map(int, hosts[name].check_output(counters).split())) for name in PLACED}


def changed(run: Run) -> set[str]:
    return {name for name, recap in run.recaps.items() if recap.changed}


def test_check_mode_says_what_would_be(hosts: dict[str, Host], registry: str) -> None:
    hosts[BUILDER].check_output("printf %%s %s > /srv/app/Dockerfile", DOCKERFILE)
    write_line(hosts, "first")
    run = distribute(registry, "--check")
    assert run.status == 0, run.output
    assert run.output.count("would get it") == len(PLACED)
    assert digests(hosts) == dict.fromkeys(PLACED, "")


def test_every_node_gets_it_once_and_a_rack_shares_its_cache(
    hosts: dict[str, Host],
    registry: str,
    sent: Callable[[str], Counter[str]],
    note: Callable[[str, Run], None],
) -> None:
    # One node of the rack goes first: of two at once, the cache would fetch what it lacks for each.
    run = distribute(registry, distribute_serial=[1, "100%"])
    assert run.status == 0, run.output
    assert len(set(digests(hosts).values())) == 1, digests(hosts)
    origin, cache = sent("origin"), sent("cache")
    note("the image", run)
    # The cache is on the builder.
    for name in (*DIRECT, BUILDER):
        assert BALLAST < origin[name] < BALLAST + BASE + DOCUMENTS
    for name in RACK:
        assert origin[name] == 0
        assert BALLAST < cache[name] < BALLAST + BASE + DOCUMENTS


def test_it_is_pinned_and_the_name_that_it_came_by_is_gone(hosts: dict[str, Host]) -> None:
    for name in PLACED:
        listed = hosts[name].check_output("ctr -n k8s.io images ls")
        (line,) = (line for line in listed.splitlines() if line.startswith(IMAGE))
        assert "io.cri-containerd.pinned=pinned" in line
        assert ":5000/team/app" not in listed


def test_again_nothing_moves(
    hosts: dict[str, Host],
    registry: str,
    sent: Callable[[str], Counter[str]],
    note: Callable[[str, Run], None],
) -> None:
    before = digests(hosts)
    run = distribute(registry)
    note("again", run)
    assert run.status == 0, run.output
    assert changed(run) == set(), run.output
    assert run.output.count("had it already") == len(PLACED)
    assert digests(hosts) == before
    # The builder asks the registry what it has; the nodes ask nobody.
    assert sent("cache") == Counter()
    assert set(sent("origin")) <= {BUILDER}
    assert sent("origin")[BUILDER] < DOCUMENTS


def test_a_run_for_one_node_leaves_the_others_alone(registry: str, note: Callable[[str, Run], None]) -> None:
    run = distribute(registry, distribute_nodes=PLACED[0])
    note("again, one node", run)
    assert run.status == 0, run.output
    assert set(run.recaps) == {BUILDER, PLACED[0]}
    assert re.findall(r"✔ +(\S+) +had it already", run.output) == [PLACED[0]]


def test_of_a_changed_image_one_layer_moves(
    hosts: dict[str, Host],
    registry: str,
    sent: Callable[[str], Counter[str]],
    note: Callable[[str, Run], None],
) -> None:
    before = digests(hosts)
    write_line(hosts, "second")
    run = distribute(registry)
    note("one layer", run)
    assert run.status == 0, run.output
    after = digests(hosts)
    assert len(set(after.values())) == 1
    assert after != before
    for name in DIRECT:
        assert 0 < sent("origin")[name] < DOCUMENTS
    for name in RACK:
        assert 0 < sent("cache")[name] < DOCUMENTS


def test_one_node_fails_and_the_others_are_served(hosts: dict[str, Host], registry: str) -> None:
    broken, sound = PLACED[-1], PLACED[:-1]
    write_line(hosts, "third")
    hosts[broken].check_output("systemctl stop containerd")
    try:
        run = distribute(registry)
    finally:
        hosts[broken].check_output("systemctl start containerd")
    assert run.status != 0
    assert {name for name in PLACED if run.recaps[name].failed} == {broken}
    assert set(re.findall(r"✔ +(\S+) +has it now", run.output)) == set(sound), run.output
    assert re.search(rf"✘ +{broken} +lacks it", run.output), run.output
    after = digests(hosts)
    assert len({after[name] for name in sound}) == 1
    assert after[broken] not in {after[name] for name in sound}
    # And the next run brings what is missing, to that node alone.
    again = distribute(registry)
    assert again.status == 0, again.output
    assert changed(again) == {broken}
    assert len(set(digests(hosts).values())) == 1


def test_without_a_registry_the_controller_brings_it(hosts: dict[str, Host], registry: str) -> None:
    options: dict[str, Any] = {
        "distribute_image": "archived:v1",
        "distribute_repository": "",
        "distribute_build": {"path": "/srv/app", "dockerfile_content": DOCKERFILE},
        "distribute_controller_dir": "/run/nephoran-distribute",
    }
    run = distribute(registry, **options)
    assert run.status == 0, run.output
    placed = digests(hosts, "docker.io/library/archived:v1")
    assert len(set(placed.values())) == 1
    assert "" not in placed.values()
    for name in PLACED:
        assert hosts[name].check_output("find /var/tmp -name 'nephoran-distribute*'") == ""
    again = distribute(registry, **options)
    assert again.status == 0, again.output
    assert changed(again) == set(), again.output
    # A line changes: no layer is sent to a node that has it.
    write_line(hosts, "without a registry")
    before = received(hosts)
    moved = distribute(registry, **options)
    assert moved.status == 0, moved.output
    assert changed(moved) == {BUILDER, *PLACED}
    for name, bytes_before in before.items():
        assert received(hosts)[name] - bytes_before < BALLAST // 10
    assert set(digests(hosts, "docker.io/library/archived:v1").values()).isdisjoint(placed.values())


def test_an_image_that_the_builder_lacks_is_named(registry: str) -> None:
    run = distribute(registry, distribute_image="nowhere:v1", distribute_build={})
    assert run.status != 0
    assert "nephoran-builder has no nowhere:v1 in the namespace default" in run.output
    assert set(run.recaps) == {BUILDER}
