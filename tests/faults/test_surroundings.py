# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node without a network, and a node whose clock is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from collection_archive import build_collection
from lab import toolchain

from faults.builds import CONTEXT, build, fresh_name
from faults.lab_node import LabNode

CHAIN = "FAULTS"
DROPPED = f"iptables -nvxL {CHAIN} | awk '$3 == \"DROP\" {{ print $1 }}'"
SKEWS = ("-400d", "+400d")


@pytest.fixture
def bundle(installed: LabNode, tmp_path: Path) -> Path:
    """A bundle for the node, with buildah's packages as the node's own sources have them."""
    full = toolchain.ensure()
    known = {"src": str(full.path), "version": full.version, "checksum": f"sha256:{full.sha256}"}
    variables = {
        "bundle_path": str(tmp_path / "bundle.tar"),
        "bundle_folder": str(tmp_path / "collected"),
        "bundle_collection": str(build_collection(tmp_path)),
        "bundle_archives": [{**known, "architecture": full.arch}],
        "bundle_package_hosts": installed.name,
    }
    made = installed.playbook("bundle", "--extra-vars", json.dumps(variables))
    assert made.status == 0, made.output
    return tmp_path / "bundle.tar"


@pytest.fixture
def air_gap(installed: LabNode, bundle: Path) -> Iterator[LabNode]:  # noqa: ARG001 - it is made with a network
    """A node from which only answers to the controller's SSH go out; what else would, is counted and dropped."""
    rules = [
        f"-N {CHAIN}",
        f"-A {CHAIN} -o lo -j RETURN",
        f"-A {CHAIN} -p tcp --sport 22 -j RETURN",
        f"-A {CHAIN} -j DROP",
        f"-I OUTPUT -j {CHAIN}",
        f"-I FORWARD -j {CHAIN}",
    ]
    # BuildKit keeps the connections of earlier builds to the registry; their end would be counted.
    installed.shell("systemctl stop buildkit && systemctl start buildkit")
    installed.shell(" && ".join(f"iptables {rule}" for rule in rules))
    yield installed
    ends = [f"-D OUTPUT -j {CHAIN}", f"-D FORWARD -j {CHAIN}", f"-F {CHAIN}", f"-X {CHAIN}"]
    installed.shell(" && ".join(f"iptables {rule}" for rule in ends))


@pytest.mark.fault(42)
def test_no_packet_leaves_while_all_is_installed_and_used(
    air_gap: LabNode, bundle: Path, tell: Callable[[str], None]
) -> None:
    gone = air_gap.playbook("uninstall")
    assert gone.status == 0, gone.output
    assert air_gap.try_shell("command -v buildah").status != 0
    words = ["-e", f"container_build_bundle={bundle}", "-e", f"container_build_bundle_folder={bundle.parent}/opened"]
    back = air_gap.playbook("install", *words)
    assert back.status == 0, back.output
    air_gap.shell(f"mkdir -p {CONTEXT} && echo air > {CONTEXT}/air")
    name = fresh_name("air")
    built = build(air_gap, name, "FROM scratch\nCOPY air /\n")
    assert built.get("changed"), built
    placed = air_gap.module("image_import", {"name": [name]})
    assert placed.get("changed"), placed
    with_buildah = build(air_gap, fresh_name("air-buildah"), "FROM scratch\nCOPY air /\n", backend="buildah")
    assert with_buildah.get("changed"), with_buildah
    assert air_gap.shell(DROPPED).split() == ["0"]
    tell("0 packets dropped; buildah from the bundle")
    air_gap.shell("timeout 3 getent hosts example.org || true")
    assert air_gap.shell(DROPPED).split() != ["0"], "this test would not see packets"


@pytest.mark.fault(50)
def test_a_wrong_clock_changes_nothing(installed: LabNode) -> None:
    installed.shell("dpkg --status libfaketime > /dev/null 2>&1 || apt-get install --yes libfaketime")
    preload = installed.shell("dpkg --listfiles libfaketime | grep 'libfaketime.so.1$'").strip()
    installed.shell(f"mkdir -p {CONTEXT} && echo clock > {CONTEXT}/clock")
    dockerfile = "FROM alpine:latest\nCOPY clock /\n"
    name = fresh_name("clock")
    assert build(installed, name, dockerfile).get("changed")
    assert installed.module("image_import", {"name": [name]}).get("changed")
    module = "nephoran.container_build"
    arguments = {"name": name, "path": CONTEXT, "dockerfile_content": dockerfile}
    works: list[dict[str, Any]] = [
        {f"{module}.image_build": arguments},
        {f"{module}.image_import": {"name": [name]}},
        {
            f"{module}.nerdctl_full": {
                "version": "{{ nerdctl_full_version }}",
                "checksum": "{{ nerdctl_full_checksum }}",
                "src": "{{ nerdctl_full_archive }}",
            }
        },
        # Shows that the clock is wrong for a module.
        {"ansible.builtin.setup": {"gather_subset": ["!all", "!min", "date_time"]}},
    ]
    environment = {"LD_PRELOAD": preload, "FAKETIME": "{{ item }}"}
    tasks = [
        {**work, "loop": list(SKEWS), "register": f"work{number}", "environment": environment}
        for number, work in enumerate(works)
    ]
    unchanged = [f"work{number}.results | selectattr('changed') | length == 0" for number in range(len(works))]
    years = "work3.results | map(attribute='ansible_facts.ansible_date_time.year') | unique | length == 2"
    done = installed.tasks([*tasks, {"ansible.builtin.assert": {"that": [*unchanged, years]}}])
    assert done.status == 0, done.output[-3000:]


@pytest.mark.fault(50)
@pytest.mark.parametrize("backend", ["nerdctl", "buildctl", "buildah"])
def test_files_from_the_future_and_the_past_are_no_change(installed: LabNode, backend: str) -> None:
    name, dockerfile = fresh_name(f"times-{backend}"), "FROM alpine:latest\nCOPY times /\n"
    installed.shell(f"mkdir -p {CONTEXT} && echo times > {CONTEXT}/times")
    assert build(installed, name, dockerfile, backend=backend).get("changed")
    for when in ("+2 years", "1970-01-02"):
        installed.shell(f"touch --date '{when}' {CONTEXT}/times")
        again = build(installed, name, dockerfile, backend=backend)
        assert not again.get("failed"), again
        assert not again["changed"]
