# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit without root: who may use it, what it may do on the node, and that it comes and goes alone."""

from __future__ import annotations

import re

import pytest
from node_commands import build_by_hand
from node_playbooks import run_playbook, run_tasks
from testinfra.host import Host

ACCOUNT = "buildkit-rootless"
SOCKET = "unix:///run/buildkit-rootless/buildkitd.sock"
BUILD = f"buildctl --addr {SOCKET} build --progress=plain --no-cache --frontend=dockerfile.v0"
# Long enough to be found, and like no other process.
SLEEP = "sleep 3.31"
STEPS = f"""\
FROM alpine:latest
RUN cat /proc/self/uid_map && id && cat /proc/self/oom_score_adj
RUN wget -q -O- http://127.0.0.1:8731/ || echo the node is not there
RUN {SLEEP}
USER 1000
RUN {SLEEP}
"""
# What two processes are on the node while a build believes them to be root and user 1000.
SEEN = f"""
runuser --user operator -- {BUILD} --local context=/srv/steps --local dockerfile=/srv/steps > /root/build.log 2>&1 &
build=$!
while kill -0 $build 2>/dev/null; do
    pgrep --full --exact '{SLEEP}' | xargs --no-run-if-empty ps --no-headers --format uid=
    sleep 0.5
done | sort --unique --numeric-sort
wait $build || {{ cat /root/build.log >&2; exit 1; }}
"""
ANSWERS = "for i in $(seq 50); do (exec 3<>/dev/tcp/127.0.0.1/8731) 2>/dev/null && exit; sleep 0.2; done; exit 1"
DAEMON = "pgrep --full '^/usr/local/bin/buildkitd --config /etc/buildkit/buildkitd-rootless.toml'"
OTHERS = "systemctl show --property Id,MainPID,NRestarts containerd buildkit buildkit@k8s.io"


@pytest.fixture(scope="module")
def member(host: Host) -> Host:
    """A node on which the user operator is in the account's group, and in none that is root in all but name."""
    host.check_output(f"usermod --groups {ACCOUNT} operator")
    host.check_output("mkdir -p /srv/steps && printf %s > /srv/steps/Dockerfile", STEPS)
    return host


def ids(host: Host) -> tuple[int, int]:
    """The account's own id, and the first of its subordinate ids."""
    own = int(host.check_output(f"id --user {ACCOUNT}"))
    return own, int(host.check_output(f"sed -n 's/^{ACCOUNT}:\\([0-9]*\\):65536$/\\1/p' /etc/subuid"))


def test_it_is_a_service_without_a_process_of_roots(host: Host) -> None:
    service = host.service(ACCOUNT)
    assert service.is_running
    assert service.is_enabled
    group = f"$(systemctl show --property ControlGroup --value {ACCOUNT})"
    found = host.check_output(
        f"for root in /sys/fs/cgroup /sys/fs/cgroup/systemd; do cat $root{group}/cgroup.procs 2>/dev/null; done"
        " | sort --unique | xargs ps --no-headers --format user:32=,comm= --pid"
    )
    processes = [line.split() for line in found.splitlines()]
    assert {"rootlesskit", "buildkitd", "slirp4netns"} <= {name for _user, name in processes}
    assert {user for user, _name in processes} == {ACCOUNT}


def test_what_is_root_in_a_build_is_the_account_on_the_node(member: Host) -> None:
    own, subordinate = ids(member)
    assert own != 0
    assert subordinate >= 100_000
    assert member.check_output("sh -c %s", SEEN).split() == [str(own), str(subordinate + 1000 - 1)]
    log = member.file("/root/build.log").content_string
    assert re.search(rf" 0 +{own} +1\n", log), log
    assert re.search(rf" 1 +{subordinate} +65536\n", log), log
    assert "uid=0(root)" in log
    # A step goes before the node's workload here as well.
    assert re.search(r"#\d+ [\d.]+ 1000\n", log), log


def test_a_step_does_not_reach_what_listens_on_the_node_alone(member: Host) -> None:
    server = "python3 -m http.server 8731 --bind 127.0.0.1"
    member.check_output(f"systemd-run --collect --unit=witness {server} && bash -c %s", ANSWERS)
    build_by_hand(member, f"{BUILD} --local context=/srv/steps --local dockerfile=/srv/steps > /root/build.log 2>&1")
    member.check_output("systemctl stop witness")
    assert " the node is not there\n" in member.file("/root/build.log").content_string


def test_who_takes_the_daemon_over_is_not_root(member: Host) -> None:
    member.check_output("echo secret > /root/of-root && chmod 0600 /root/of-root")
    as_root_of_the_daemon = f"nsenter --user --mount --setuid 0 --setgid 0 --target $({DAEMON})"
    assert member.check_output(f"{as_root_of_the_daemon} id --user") == "0"
    for forbidden in ("cat /root/of-root", "cat /etc/shadow", "touch /usr/local/bin/buildkitd", "kill -0 1"):
        refused = member.run(f"{as_root_of_the_daemon} {forbidden}")
        assert refused.rc != 0, forbidden
        assert re.search("denied|not permitted|not allowed", refused.stderr), refused.stderr


def test_the_group_may_use_it_and_nobody_else_and_its_account_no_other(member: Host) -> None:
    workers = member.check_output(f"runuser --user operator -- buildctl --addr {SOCKET} debug workers --verbose")
    assert re.search(r"worker\.executor:\s+oci\n", workers)
    assert re.search(r"worker\.snapshotter:\s+overlayfs\n", workers)
    for user, address in (
        ("nobody", SOCKET),
        ("operator", "unix:///run/buildkit/buildkitd.sock"),
        (ACCOUNT, "unix:///run/buildkit/buildkitd.sock"),
        (ACCOUNT, "unix:///run/buildkit-k8s.io/buildkitd.sock"),
    ):
        refused = member.run(f"runuser --user {user} -- buildctl --addr {address} debug workers")
        assert refused.rc != 0, (user, address)
        assert "permission denied" in refused.stderr


def test_image_build_brings_what_it_builds_to_kubernetes() -> None:
    build = {
        "name": "without-root-{{ item }}",
        "dockerfile_content": "FROM alpine:latest\nRUN id > /made\n",
        "path": "/srv/tls",
        "backend": "{{ item }}",
        "buildkit_host": SOCKET,
        "namespace": "k8s.io",
    }
    module = "nephoran.container_build.image_build"
    run = run_tasks(
        [
            {module: build, "loop": ["nerdctl", "buildctl"], "register": "first"},
            {module: build, "loop": ["nerdctl", "buildctl"], "register": "again"},
            {
                "nephoran.container_build.image_info": {
                    "name": ["without-root-nerdctl", "without-root-buildctl"],
                    "namespaces": ["k8s.io"],
                },
                "register": "found",
            },
            {
                "ansible.builtin.assert": {
                    "that": [
                        "first.results | map(attribute='changed') | list == [true, true]",
                        "again.results | map(attribute='changed') | list == [false, false]",
                        "found.images | length == 2",
                        "found.images | map(attribute='visible_to_kubernetes') | list == [true, true]",
                        "found.images | map(attribute='unpacked') | list == [true, true]",
                    ]
                }
            },
            {"nephoran.container_build.builder_info": {}, "register": "builders"},
            {"nephoran.container_build.toolchain_info": {"drift": True}, "register": "toolchain"},
            {
                "ansible.builtin.assert": {
                    "that": [
                        f"'{SOCKET}' in builders.builders | selectattr('reachable') | map(attribute='buildkit_host')",
                        "toolchain.units['buildkit-rootless'].active_state == 'active'",
                        "running | map(attribute='program') | unique | sort == ['buildkitd', 'rootlesskit']",
                        "running | rejectattr('is_installed') | length == 0",
                    ]
                },
                "vars": {"running": "{{ toolchain.running | selectattr('unit', '==', 'buildkit-rootless.service') }}"},
            },
        ]
    )
    assert run.status == 0, run.output


@pytest.mark.parametrize("backend", ["nerdctl", "buildctl"])
def test_it_grants_nothing_and_says_so(backend: str) -> None:
    build = {
        "name": "insecure",
        "dockerfile_content": "FROM alpine:latest\nRUN --security=insecure id\n",
        "path": "/srv/tls",
        "backend": backend,
        "buildkit_host": SOCKET,
        "allow": ["security.insecure"],
    }
    run = run_tasks([{"nephoran.container_build.image_build": build}])
    assert run.status != 0
    assert "does not grant an entitlement that the build asks for: security.insecure" in run.output, run.output
    assert "buildkit_rootless grants none" in run.output


def test_again_it_changes_nothing_and_builds_go_on(nodes: dict[str, Host]) -> None:
    before = {name: host.check_output(DAEMON) for name, host in nodes.items()}
    run = run_playbook("install", "--tags=buildkit")
    assert run.status == 0, run.output
    assert {recap.changed for recap in run.recaps.values()} == {0}, run.output
    assert {name: host.check_output(DAEMON) for name, host in nodes.items()} == before


def test_an_account_that_could_become_root_is_refused_and_nothing_is_touched(nodes: dict[str, Host]) -> None:
    before = {name: host.check_output(DAEMON) for name, host in nodes.items()}
    for host in nodes.values():
        host.check_output(f"usermod --append --groups builders {ACCOUNT}")
    run = run_playbook("install", "--tags=buildkit")
    for host in nodes.values():
        host.check_output(f"gpasswd --delete {ACCOUNT} builders")
    assert run.status != 0
    assert {recap.changed for recap in run.recaps.values()} == {0}, run.output
    assert f"members can become root, and so could whoever builds: {ACCOUNT}: builders" in run.output, run.output
    assert {name: host.check_output(DAEMON) for name, host in nodes.items()} == before


def test_it_goes_alone_and_comes_back_with_its_cache(nodes: dict[str, Host]) -> None:
    before = {name: host.check_output(OTHERS) for name, host in nodes.items()}
    run = run_playbook("install", "--tags=buildkit", "--extra-vars={buildkit_rootless: false}")
    assert run.status == 0, run.output
    assert [recap.changed for recap in run.recaps.values()] == [1] * len(nodes), run.output
    for host in nodes.values():
        assert not host.service(ACCOUNT).is_running
        assert not host.file(f"/usr/local/lib/systemd/system/{ACCOUNT}.service").exists
        assert not host.file("/run/buildkit-rootless").exists
        assert host.run("pgrep --euid %s", ACCOUNT).rc == 1
    again = run_playbook("install", "--tags=buildkit")
    assert [recap.changed for recap in again.recaps.values()] == [1] * len(nodes), again.output
    for name, host in nodes.items():
        assert "alpine:latest" in host.check_output(f"buildctl --addr {SOCKET} du --verbose")
        assert host.check_output(OTHERS) == before[name]
