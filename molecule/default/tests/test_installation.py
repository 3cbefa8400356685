# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an installation lays down, and that it runs."""

from __future__ import annotations

import json

import pytest
from testinfra.host import Host

GENERATIONS = "/usr/local/lib/nerdctl-full"
CURRENT = f"{GENERATIONS}/current"
UNITS = "/usr/local/lib/systemd/system"
# Debian's versions; the document's own, 1.23.1, is that of Ubuntu 22.04.
BUILDAH_VERSIONS = {"12": "1.28.2", "13": "1.39.3"}
# What the CRI plugin and the kubelet read there; buildah of Debian 12 keeps a lock beside it.
NETWORKS = "find /etc/cni/net.d -name '*.conf' -o -name '*.conflist' -o -name '*.json'"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("nerdctl --version", "nerdctl version 2.2.1"),
        ("containerd --version", "containerd/v2 v2.2.1"),
        ("ctr --version", "containerd/v2 v2.2.1"),
        ("buildctl --version", "moby/buildkit v0.26.3"),
        ("buildkitd --version", "moby/buildkit v0.26.3"),
        ("runc --version", "runc version 1.4.0"),
        ("/opt/cni/bin/bridge --version", "CNI bridge plugin v1.9.0"),
    ],
)
def test_tools_have_the_documents_versions(host: Host, command: str, words: str) -> None:
    said = host.check_output(f"{command} 2>&1")
    assert words in said


def test_buildah_is_the_distributions(host: Host) -> None:
    package = host.package("buildah")
    assert package.is_installed
    assert package.version.startswith(BUILDAH_VERSIONS[host.system_info.release.split(".")[0]])


def test_one_generation_serves_by_one_link(host: Host) -> None:
    names = host.file(f"{GENERATIONS}/generations").listdir()
    assert len(names) == 1
    assert names[0].startswith("2.2.1-")
    assert host.file(CURRENT).linked_to == f"{GENERATIONS}/generations/{names[0]}"


@pytest.mark.parametrize(
    "command", ["nerdctl", "ctr", "containerd", "containerd-shim-runc-v2", "runc", "buildctl", "buildkitd"]
)
def test_commands_are_links_through_the_current_generation(host: Host, command: str) -> None:
    link = host.check_output(f"readlink /usr/local/bin/{command}")
    assert link == f"{CURRENT}/bin/{command}"


def test_installed_files_are_those_that_the_archive_lists(host: Host) -> None:
    sums = "share/doc/nerdctl-full/SHA256SUMS"
    check = host.run(f"cd {CURRENT} && sha256sum --quiet --check {sums} && wc -l < {sums}")
    assert check.succeeded, check.stderr
    assert int(check.stdout) > 30


def test_nothing_installed_is_setuid_or_writable_by_others(host: Host) -> None:
    assert host.check_output(f"find {GENERATIONS}/ ! -type l -perm /6022") == ""


@pytest.mark.parametrize("unit", ["containerd", "buildkit"])
def test_units_are_ours_and_run_and_are_enabled(host: Host, unit: str) -> None:
    service = host.service(unit)
    properties = service.systemd_properties
    assert service.is_running
    assert service.is_enabled
    assert properties["FragmentPath"] == f"{UNITS}/{unit}.service"
    assert properties["NRestarts"] == "0"
    assert properties["NeedDaemonReload"] == "no"
    assert "nephoran.container_build" in host.file(properties["FragmentPath"]).content_string


def test_no_unit_failed(host: Host) -> None:
    assert host.check_output("systemctl --failed --plain --no-legend") == ""


def test_buildkit_is_ordered_after_containerd_and_outlived_by_the_workload(host: Host) -> None:
    properties = host.service("buildkit").systemd_properties
    assert "containerd.service" in properties["After"].split()
    assert "containerd.service" in properties["Wants"].split()
    # With Requires, a restart of containerd, which containers outlive, would end builds.
    assert "containerd.service" not in properties["Requires"].split()
    assert int(properties["OOMScoreAdjust"]) >= 0


def test_buildkit_is_ready_as_soon_as_systemd_says_so(host: Host) -> None:
    # The first client comes at once: nobody waits or tries again.
    workers = host.run("systemctl restart buildkit && buildctl debug workers --format '{{json .}}'")
    assert workers.succeeded, workers.stderr
    (worker,) = json.loads(workers.stdout)
    assert worker["labels"]["org.mobyproject.buildkit.worker.executor"] == "containerd"
    assert worker["labels"]["org.mobyproject.buildkit.worker.containerd.namespace"] == "default"
    assert all(policy["maxUsedSpace"] > 0 for policy in worker["gcPolicy"])


def test_buildkit_runs_after_the_node_was_started_again_in_the_wrong_order(host: Host) -> None:
    started = host.run(
        "systemctl stop buildkit containerd && systemctl start buildkit && systemctl is-active containerd buildkit"
    )
    assert started.stdout.split() == ["active", "active"], started.stderr


@pytest.mark.parametrize("socket", ["/run/containerd/containerd.sock", "/run/buildkit/buildkitd.sock"])
def test_sockets_answer_to_root_alone(host: Host, socket: str) -> None:
    file = host.file(socket)
    assert file.is_socket
    assert (file.user, file.group, file.mode) == ("root", "root", 0o660)


def test_containerds_configuration_is_of_version_3_and_valid(host: Host) -> None:
    assert host.file("/etc/containerd/config.toml").contains("^version = 3$")
    dump = host.run("containerd config dump")
    assert dump.succeeded, dump.stderr
    assert "/etc/containerd/certs.d" in dump.stdout


def test_the_cri_plugin_serves(host: Host) -> None:
    plugins = host.check_output("ctr plugins ls")
    states = {
        line.split()[1]: line.split()[-1] for line in plugins.splitlines() if line.startswith("io.containerd.grpc.v1")
    }
    assert states["cri"] == "ok"


def test_nerdctls_networks_are_not_where_the_kubelet_looks(host: Host) -> None:
    assert host.file("/etc/nerdctl/nerdctl.toml").contains('cni_netconfpath = "/etc/nerdctl/net.d"')
    host.check_output("nerdctl network ls")
    assert host.run(NETWORKS).stdout == ""
