# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds that are disturbed: they end soon, say why, leave no process, and the next run builds."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator

import pytest
from lab.services import registry, service

from faults import builds
from faults.ansible_output import module_result
from faults.builds import SlowBuild, build, digest
from faults.lab_node import CHECKOUT, FOLDER, LabNode

GATE = 5180
FOR_BUILDAH = "/etc/containers/registries.conf.d/99-faults.conf"
MOST_REQUESTS = 60
# BuildKit collects its garbage once a minute at most.
CACHE_SECONDS = 90
SMALL_STORE = {"/var/lib/containerd": "150m", "/var/lib/buildkit": "50m"}


LOST_CONTAINERD = "containerd, which ran its steps, ended meanwhile"
BYSTANDER = "nerdctl inspect --format '{{.State.Pid}} {{.State.Status}}' bystander"
KILL = "pgrep -x {} | xargs kill -KILL"


@pytest.fixture
def bystander(installed: LabNode) -> Iterator[str]:
    """A user's container in the namespace that steps of builds run in: its process and its state."""
    installed.shell("nerdctl run --detach --name bystander --network none alpine:latest sleep 3600")
    yield installed.shell(BYSTANDER)
    installed.shell("nerdctl rm --force bystander")


@pytest.mark.parametrize("backend", ["nerdctl", "buildctl"])
@pytest.mark.parametrize(
    ("blow", "words"),
    [
        pytest.param(
            "systemctl restart containerd", LOST_CONTAINERD, marks=pytest.mark.fault(31), id="containerd-restarts"
        ),
        pytest.param(
            KILL.format("containerd"), LOST_CONTAINERD, marks=pytest.mark.fault(31), id="containerd-is-killed"
        ),
        pytest.param(
            KILL.format("buildkitd"),
            "BuildKit or containerd ended while it was at work",
            marks=pytest.mark.fault(32),
            id="buildkitd-is-killed",
        ),
        pytest.param(KILL.format("buildctl"), "", marks=pytest.mark.fault(33), id="client-is-killed"),
    ],
)
def test_a_build_that_loses_a_part_fails_soon_and_can_be_repeated(
    installed: LabNode,
    bystander: str,
    blow: str,
    words: str,
    backend: str,
    tell: Callable[[str], None],
    request: pytest.FixtureRequest,
) -> None:
    name = builds.fresh_name(request.node.callspec.id)
    slow = SlowBuild(installed, name, backend=backend)
    installed.shell(blow)
    try:
        result, seconds = slow.result()
        assert result.get("failed"), result
        assert "Traceback" not in str(result), result
        assert words in result["msg"]
        assert slow.is_over(), "a process of the step is left"
    finally:
        slow.end()
        installed.shell("timeout 60 bash -c 'until buildctl debug workers; do sleep 0.5; done' 2>&1")
        again = build(installed, name, args={"SECONDS": "0"}, backend=backend)
    assert again.get("changed"), again
    assert digest(installed, name) == again["digest"]
    # Nothing of the step is left in containerd, and nothing else was touched.
    assert len(installed.shell("ctr containers ls -q 2> /dev/null").split()) == 1
    assert len(installed.shell("pgrep --full ^/.*/containerd-shim-runc-v2").split()) == 1
    assert installed.shell(BYSTANDER) == bystander
    tell(f"{request.node.callspec.id}: failed after {seconds:.1f} s")


@pytest.fixture
def small_store(installed: LabNode) -> Iterator[LabNode]:
    """The node with stores that are soon full."""
    mounts = " && ".join(f"mount -t tmpfs -o size={size} none {path}" for path, size in SMALL_STORE.items())
    installed.shell(f"systemctl stop buildkit containerd && {mounts} && systemctl start containerd buildkit")
    yield installed
    installed.shell(f"systemctl stop buildkit containerd && umount --lazy {' '.join(SMALL_STORE)}")
    installed.shell("systemctl start containerd buildkit")


@pytest.mark.fault(11)
def test_a_full_disk_stops_the_build_and_leaves_the_tag(small_store: LabNode) -> None:
    name = "faults/full:1"
    first = build(small_store, name, "FROM alpine:latest\nRUN echo first > /first\n")
    assert first.get("changed"), first
    full = build(small_store, name, "FROM alpine:latest\nRUN dd if=/dev/zero of=/much bs=1M count=400\n")
    assert full.get("failed"), full
    assert "Traceback" not in str(full), full
    assert "No space left on device".lower() in full["msg"].lower()
    assert digest(small_store, name) == first["digest"]
    again = build(small_store, name, "FROM alpine:latest\nRUN echo second > /second\n")
    assert again.get("changed"), again
    assert digest(small_store, name) == again["digest"]


@pytest.fixture
def gate(installed: LabNode) -> Iterator[LabNode]:
    """A registry that fails when told to, on a port of the node."""
    keeper = CHECKOUT / "tests/integration/targets/setup_registry/files/gatekeeper.py"
    installed.write(f"{FOLDER}/gatekeeper.py", keeper.read_bytes())
    insecure = f'[[registry]]\\nlocation = "localhost:{GATE}"\\ninsecure = true\\n'
    installed.shell(f"printf '{insecure}' > {FOR_BUILDAH}")
    upstream = service.url_if_running(registry.ENDPOINT)
    command = f"python3 {FOLDER}/gatekeeper.py --port {GATE} --upstream {upstream}"
    installed.shell(f"systemd-run --quiet --collect --unit faults-gate {command}")
    installed.shell(f"timeout 10 bash -c 'until echo > /dev/tcp/127.0.0.1/{GATE}; do sleep 0.1; done' 2> /dev/null")
    yield installed
    installed.shell(f"systemctl stop faults-gate && rm {FOR_BUILDAH}")


def ask(node: LabNode, path: str, method: str = "GET") -> str:
    script = (
        "import sys, urllib.request as r; print(r.urlopen(r.Request(sys.argv[1], method=sys.argv[2])).read().decode())"
    )
    return node.shell(f"python3 -c '{script}' http://127.0.0.1:{GATE}/gate/{path} {method}")


@pytest.mark.fault(41)
@pytest.mark.parametrize("backend", ["nerdctl", "buildctl", "buildah"])
def test_a_registry_out_of_order_is_named_after_a_bounded_number_of_requests(gate: LabNode, backend: str) -> None:
    name, dockerfile = builds.fresh_name(f"out-of-order-{backend}"), f"FROM localhost:{GATE}/library/alpine:latest\n"
    ask(gate, "requests")
    ask(gate, "fail/503/10000", "POST")
    failed = build(gate, name, dockerfile, backend=backend)
    asked = ask(gate, "requests").count(" 503")
    assert failed.get("failed"), failed
    assert failed["error"]["kind"] == "unavailable"
    assert failed["msg"].startswith("The registry")
    assert f"localhost:{GATE}" in failed["msg"]
    assert 0 < asked <= MOST_REQUESTS
    ask(gate, "fail/503/0", "POST")
    assert build(gate, name, dockerfile, backend=backend).get("changed")


def cache_bytes(node: LabNode) -> int:
    """What BuildKit's cache uses and no image does."""
    records = json.loads(node.shell("buildctl du --format '{{json .}}'"))
    return sum(record["size"] for record in records if not record["shared"])


@pytest.mark.fault(47)
def test_the_cache_stays_below_its_ceiling(installed: LabNode, tell: Callable[[str], None]) -> None:
    ceiling = 100_000_000
    limits = "-e buildkit_cache_max_used_space=100MB -e buildkit_cache_reserved_space=10MB"
    done = installed.playbook("install", "--tags", "buildkit", *limits.split())
    assert done.status == 0, done.output
    try:
        layer = "FROM alpine:latest\nRUN head -c 30000000 /dev/urandom > /much # {}\n"
        names = [builds.fresh_name("cache") for _number in range(6)]
        running = [installed.start_module("image_build", builds.options(name, layer.format(name))) for name in names]
        for each in running:
            said, _nothing = each.communicate()
            assert each.returncode == 0, said
        # What an image holds too, the cache does not use.
        assert not installed.module("image_remove", {"name": names, "namespace": "default"})["failed"]
        deadline = time.monotonic() + CACHE_SECONDS
        looks = [cache_bytes(installed)]
        while looks[-1] > ceiling and time.monotonic() < deadline:
            time.sleep(3)
            looks.append(cache_bytes(installed))
        assert looks[-1] <= ceiling
        tell(
            f"a ceiling of 100 MB: {looks[0] / 1e6:.0f} MB after the builds, {looks[-1] / 1e6:.0f} MB after collection"
        )
    finally:
        back = installed.playbook("install", "--tags", "buildkit")
        assert back.status == 0, back.output


@pytest.mark.fault(49)
def test_builds_of_one_name_at_once_leave_one_of_them_whole(installed: LabNode) -> None:
    name = "faults/contended:1"
    installed.shell(f"mkdir -p {builds.CONTEXT}")
    running = [
        installed.start_module(
            "image_build", builds.options(name, f"FROM alpine:latest\nRUN echo {number} > /number\n")
        )
        for number in range(4)
    ]
    digests = set()
    for each in running:
        said, _nothing = each.communicate()
        assert each.returncode == 0, said
        digests.add(module_result(said)["digest"])
    assert len(digests) == 4
    assert digest(installed, name) in digests
