# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs over a node that works: what must not move, and what is put back. The tests leave the node as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from faults.lab_node import Done, LabNode

CONFIG = "/etc/containerd/config.toml"
DROP_INS = "/etc/containerd/conf.d"
DAEMONS = (
    "systemctl show --property Id,MainPID,NRestarts,ActiveState,ExecMainStartTimestampMonotonic containerd buildkit"
)
CONTAINERD = "systemctl show --property Id,MainPID,NRestarts,ActiveState,ExecMainStartTimestampMonotonic containerd"
SETTLED = f"{DAEMONS}; sha256sum {CONFIG} /etc/buildkit/buildkitd.toml"


def apply(node: LabNode, config: dict[str, object], *words: str) -> Done:
    """Run the role containerd with something over the configuration that the lab's nodes have."""
    lab = {"plugins": {"io.containerd.cri.v1.runtime": {"restrict_oom_score_adj": True}}}
    merged = {**lab, **config}
    return node.playbook("install", "--tags", "containerd", "-e", json.dumps({"containerd_config": merged}), *words)


@pytest.fixture
def witness(installed: LabNode) -> Iterator[str]:
    """The process of a container that runs meanwhile."""
    installed.shell("nerdctl run --detach --name witness --network none alpine:latest sleep 600")
    yield installed.shell("nerdctl inspect --format '{{.State.Pid}}' witness").strip()
    installed.shell("nerdctl rm --force witness")


@pytest.mark.fault(22)
def test_a_second_install_changes_nothing(installed: LabNode) -> None:
    done = installed.molecule_tests("default", "test_a_second_install_changes_nothing")
    assert done.status == 0, done.output[-3000:]


@pytest.mark.fault(23)
@pytest.mark.parametrize(
    "path", [CONFIG, "/etc/buildkit/buildkitd.toml", "/usr/local/lib/systemd/system/buildkit.service"]
)
def test_a_comment_restarts_nothing(installed: LabNode, path: str) -> None:
    before = installed.shell(SETTLED)
    installed.shell(f"echo '# a remark' >> {path}")
    done = installed.playbook("install", "--tags", "containerd,buildkit")
    assert done.status == 0, done.output
    assert "changed=1" in done.output
    assert installed.shell(SETTLED) == before


@pytest.mark.fault(24)
@pytest.mark.parametrize(
    "config", [{"oom_score": "low"}, {"plugins": {"io.containerd.cri.v1.images": {"registry": "mine"}}}]
)
def test_a_configuration_that_containerd_refuses_is_not_swapped_in(
    installed: LabNode, config: dict[str, object]
) -> None:
    before = installed.shell(SETTLED)
    done = apply(installed, config)
    assert done.status != 0, "containerd accepts it"
    assert "The program refuses the configuration; nothing was changed" in done.output
    assert installed.shell(SETTLED) == before


@pytest.mark.fault(25)
def test_variables_of_another_version_are_named(installed: LabNode) -> None:
    before = installed.shell(SETTLED)
    done = apply(installed, {"version": 2})
    assert done.status != 0
    assert "it is combined over a configuration of version 3" in done.output
    assert installed.shell(SETTLED) == before


DROP_IN = """version = {version}
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "registry.example.org/pause:faults"
"""


@pytest.mark.fault(25)
@pytest.mark.parametrize(("version", "is_read"), [(1, False), (2, True), (3, False)])
def test_a_drop_in_of_another_version_is_translated_or_named(installed: LabNode, version: int, is_read: bool) -> None:
    installed.write_all({f"{DROP_INS}/old.toml": DROP_IN.format(version=version)})
    try:
        done = apply(installed, {"imports": [f"{DROP_INS}/*.toml"]}, "--check")
        assert done.status == 0, done.output
        assert ("Ignoring unknown key" in done.output) != is_read
        imports = f"{{ echo 'imports = [\"{DROP_INS}/*.toml\"]'; cat {CONFIG}; }} > /run/mixed.toml"
        dump = installed.shell(f"{imports} && containerd --config /run/mixed.toml config dump 2> /dev/null")
        assert ("sandbox = 'registry.example.org/pause:faults'" in dump) == is_read
    finally:
        installed.shell(f"rm -r {DROP_INS}")


@pytest.mark.fault(28)
def test_a_restart_leaves_containers_their_processes(installed: LabNode, witness: str) -> None:
    before = installed.shell(CONTAINERD)
    done = apply(installed, {"debug": {"level": "info"}})
    assert done.status == 0, done.output
    assert installed.shell(CONTAINERD) != before, "containerd was not restarted"
    assert installed.shell("nerdctl inspect --format '{{.State.Pid}} {{.State.Status}}' witness").split() == [
        witness,
        "running",
    ]
    assert installed.shell("nerdctl exec witness echo alive") == "alive\n"
    assert apply(installed, {}).status == 0


@pytest.mark.fault(30)
def test_buildkit_waits_for_a_containerd_that_is_late(installed: LabNode) -> None:
    late = "/run/systemd/system/containerd.service.d/late.conf"
    installed.shell(
        f"mkdir -p $(dirname {late}) && printf '[Service]\\nExecStartPre=/bin/sleep 5\\n' > {late}"
        " && systemctl daemon-reload && systemctl stop buildkit containerd"
    )
    try:
        # As at boot: both are asked for at once, and BuildKit first.
        installed.shell("systemctl start --no-block buildkit containerd && systemctl start buildkit")
        workers = json.loads(installed.shell("buildctl debug workers --format '{{json .}}'"))
        executors = [worker["labels"]["org.mobyproject.buildkit.worker.executor"] for worker in workers]
        assert executors == ["containerd"]
    finally:
        installed.shell(f"rm -r $(dirname {late}) && systemctl daemon-reload && systemctl start containerd buildkit")


@pytest.mark.fault(30)
def test_buildkit_runs_after_a_start_in_the_wrong_order(installed: LabNode) -> None:
    done = installed.molecule_tests("default", "test_buildkit_runs_after_the_node_was_started_again_in_the_wrong_order")
    assert done.status == 0, done.output[-3000:]


@pytest.mark.fault(48)
def test_an_uninstall_is_refused_while_containers_run(installed: LabNode) -> None:
    done = installed.molecule_tests("uninstall", "test_it_refuses_while_a_container_runs_and_leaves_all_as_it_was")
    assert done.status == 0, done.output[-3000:]
