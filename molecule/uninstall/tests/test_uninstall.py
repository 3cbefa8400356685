# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way back: all that the collection laid down goes, and nothing else. The tests build on one another."""

from __future__ import annotations

import re

from node_playbooks import run_playbook
from testinfra.host import Host

# Programs, two services, registries, buildah.
LEAST_CHANGES = 5
# What somebody else put beside our files.
FOREIGN = {
    "/usr/local/bin/mytool": "mine",
    "/opt/cni/bin/my-plugin": "mine",
    "/etc/containerd/certs.d/registry.example.org/hosts.toml": 'server = "https://registry.example.org"',
    "/etc/containers/registries.conf.d/99-mine.conf": "# mine",
}
OURS = """
find /usr/local /opt/cni /etc/containerd /etc/buildkit /etc/nerdctl /etc/containers /etc/systemd/system \
    -ignore_readdir_race '(' -lname '*nerdctl-full*' -o -name '*nerdctl-full*' -o -name '*nephoran*' ')' 2>/dev/null
grep -rls 'nephoran.container_build' /usr/local /etc
ls -d /var/lib/nephoran-container-build
systemctl list-unit-files --no-legend containerd.service 'buildkit*.service'
pgrep -l 'containerd|buildkitd|rootlesskit|slirp4netns'
ls -d /etc/buildkit /run/buildkit-k8s.io/buildkitd.sock /run/buildkit-rootless 2>/dev/null
true
"""
EVERYTHING = "find /usr/local /opt /etc -xdev -printf '%p %y %s %l\\n' | sort"
# Bytes of images stay in containerd's store.
STORE = "find /var/lib/containerd/io.containerd.content.v1.content/blobs -type f | sort"


def observe(nodes: dict[str, Host], command: str) -> dict[str, str]:
    return {name: host.check_output(command) for name, host in nodes.items()}


def test_it_refuses_while_a_container_runs_and_leaves_all_as_it_was(nodes: dict[str, Host]) -> None:
    for host in nodes.values():
        host.check_output("nerdctl run --detach --name witness alpine:latest sleep 600")
    before = observe(nodes, EVERYTHING)
    run = run_playbook("uninstall")
    assert run.status != 0
    assert {recap.changed for recap in run.recaps.values()} == {0}, run.output
    assert {recap.failed for recap in run.recaps.values()} == {1}, run.output
    assert "containerd-shim" in run.output
    assert "To do: end them first" in run.output
    assert observe(nodes, EVERYTHING) == before
    for host in nodes.values():
        assert host.check_output("nerdctl exec witness echo alive") == "alive"
        host.check_output("nerdctl rm --force witness")


def test_it_refuses_while_a_build_without_root_is_at_work(nodes: dict[str, Host]) -> None:
    client = "buildctl --addr unix:///run/buildkit-rootless/buildkitd.sock build --no-cache --frontend=dockerfile.v0"
    begun = "until pgrep --full --exact 'sleep 301'; do sleep 0.2; done"
    ended = "while pgrep --full --exact 'sleep 301'; do sleep 0.2; done"
    for host in nodes.values():
        host.check_output("mkdir -p /srv/long && printf 'FROM alpine:latest\nRUN sleep 301\n' > /srv/long/Dockerfile")
        unit = f"systemd-run --collect --unit=long {client} --local context=/srv/long --local dockerfile=/srv/long"
        host.check_output(f"{unit} && timeout 30 sh -c %s", begun)
    before = observe(nodes, EVERYTHING)
    run = run_playbook("uninstall")
    assert run.status != 0
    assert {recap.changed for recap in run.recaps.values()} == {0}, run.output
    assert re.search(r"would be left without it: .*sleep \(\d+\).*: buildkit-rootless\.service", run.output), run.output
    assert observe(nodes, EVERYTHING) == before
    for host in nodes.values():
        host.check_output("systemctl stop long && timeout 30 sh -c %s", ended)


def test_check_mode_predicts_and_changes_nothing(nodes: dict[str, Host]) -> None:
    before = observe(nodes, EVERYTHING)
    run = run_playbook("uninstall", "--check", "--diff")
    assert run.status == 0, run.output
    assert min(recap.changed for recap in run.recaps.values()) >= LEAST_CHANGES
    assert observe(nodes, EVERYTHING) == before


def test_it_removes_all_that_is_ours_and_nothing_else(nodes: dict[str, Host]) -> None:
    for host in nodes.values():
        for path, content in FOREIGN.items():
            host.check_output(f"mkdir -p $(dirname {path}) && printf %s '{content}' > {path}")
    assert all(ours.strip() for ours in observe(nodes, OURS).values()), "this test would not see what is left"
    blobs = observe(nodes, STORE)
    run = run_playbook("uninstall")
    assert run.status == 0, run.output
    assert observe(nodes, OURS) == dict.fromkeys(nodes, "")
    assert observe(nodes, STORE) == blobs
    for host in nodes.values():
        for path, content in FOREIGN.items():
            assert host.file(path).content_string == content
        assert not host.package("buildah").is_installed
        assert host.check_output("systemctl --failed --plain --no-legend") == ""


def test_again_it_changes_nothing(nodes: dict[str, Host]) -> None:
    run = run_playbook("uninstall")
    assert run.status == 0, run.output
    assert {recap.changed for recap in run.recaps.values()} == {0}, run.output
    assert set(run.recaps) == set(nodes)


def test_check_mode_of_an_install_predicts_it_and_lays_down_nothing(nodes: dict[str, Host]) -> None:
    before = observe(nodes, EVERYTHING)
    run = run_playbook("install", "--check", "--diff")
    assert run.status == 0, run.output
    assert min(recap.changed for recap in run.recaps.values()) >= LEAST_CHANGES
    # One daemon for builders, one for the namespace k8s.io, and one that is not root.
    daemons = {
        "+ExecStart=/usr/local/bin/buildkitd": 2,
        "+ExecStart=/usr/local/bin/rootlesskit": 1,
        '+[registry."docker.io"]': 3,
        '+namespace = "k8s.io"': 1,
    }
    for predicted, times in {"+    current: 2.2.1-": 1, **daemons}.items():
        assert run.output.count(predicted) == times * len(nodes), predicted
    assert observe(nodes, EVERYTHING) == before
