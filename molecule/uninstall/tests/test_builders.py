# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit beyond its socket: a daemon for another namespace, other machines, and users who are not root."""

from __future__ import annotations

import re

from node_commands import build_by_hand
from node_playbooks import run_playbook
from testinfra.host import Host

TCP = "buildctl --addr tcp://127.0.0.1:1234"
CERTIFICATE = "--tlscacert /srv/tls/ca.pem --tlscert /srv/tls/client.pem --tlskey /srv/tls/client-key.pem"
PROCESSES = "systemctl show --property Id,MainPID,NRestarts containerd buildkit@k8s.io"


def test_a_namespace_builds_for_itself(host: Host) -> None:
    instance = host.service("buildkit@k8s.io")
    assert instance.is_running
    assert instance.is_enabled
    host.check_output("mkdir -p /srv/instance && echo 'FROM alpine:latest' > /srv/instance/Dockerfile")
    build_by_hand(host, "nerdctl --namespace k8s.io build --tag instance:1 /srv/instance")
    assert host.check_output("ctr --namespace k8s.io images ls -q name==docker.io/library/instance:1")
    assert not host.check_output("ctr --namespace default images ls -q name==docker.io/library/instance:1")


def test_other_machines_need_a_certificate(host: Host) -> None:
    workers = host.check_output(f"{TCP} {CERTIFICATE} debug workers --verbose")
    assert re.search(r"containerd\.namespace:\s+default\n", workers)
    assert host.run(f"{TCP} debug workers").rc != 0
    assert host.run(f"{TCP} --tlscacert /srv/tls/ca.pem debug workers").rc != 0


def test_the_group_may_build(host: Host) -> None:
    host.check_output("usermod --append --groups builders operator")
    assert host.check_output("runuser --user operator -- buildctl debug workers")
    outsider = host.run("runuser --user nobody -- buildctl debug workers")
    assert outsider.rc != 0
    assert "permission denied" in outsider.stderr


def test_a_new_certificate_restarts_the_daemon_that_serves_it_and_no_other(nodes: dict[str, Host]) -> None:
    before = {name: host.check_output(PROCESSES) for name, host in nodes.items()}
    for host in nodes.values():
        host.check_output("/srv/tls/sign server")
    run = run_playbook("install", "--tags=buildkit")
    assert run.status == 0, run.output
    assert [recap.changed for recap in run.recaps.values()] == [1] * len(nodes), run.output
    for name, host in nodes.items():
        served = "openssl s_client -connect 127.0.0.1:1234 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint"
        assert host.check_output(served) == host.check_output(
            "openssl x509 -noout -fingerprint -in /srv/tls/server.pem"
        )
        assert host.check_output(PROCESSES) == before[name]


def test_an_instance_that_nobody_names_goes_alone(nodes: dict[str, Host]) -> None:
    first = {name: host.check_output("systemctl show --property MainPID buildkit") for name, host in nodes.items()}
    run = run_playbook("install", "--tags=buildkit", "--extra-vars={buildkit_instances: []}")
    assert run.status == 0, run.output
    for name, host in nodes.items():
        assert not host.service("buildkit@k8s.io").is_running
        assert not host.file("/usr/local/lib/systemd/system/buildkit@k8s.io.service").exists
        assert host.check_output("systemctl show --property MainPID buildkit") == first[name]
    again = run_playbook("install", "--tags=buildkit")
    assert [recap.changed for recap in again.recaps.values()] == [1] * len(nodes), again.output
