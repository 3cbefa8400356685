# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""BuildKit's unit and configuration."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from ansible_collections.nephoran.container_build.tests.unit.roles.rendering import Case, Render, Rendered
from ansible_collections.nephoran.container_build.tests.unit.roles.unit_file import directives, environment

tomllib = pytest.importorskip("tomllib")

RUNC = "/usr/local/lib/nephoran-container-build/runc-for-builds"
PARTS = {
    "runc": "{{ lookup('ansible.builtin.template', '{role}/templates/runc-for-builds.j2') }}",
    "config": "{{ __buildkit_config_text }}",
    "unit": "{{ lookup('ansible.builtin.template', '{role}/templates/buildkit.service.j2') }}",
    "others": "{{ __buildkit_others }}",
    "dropped": "{{ __buildkit_dropped }}",
    "profile": "{{ lookup('ansible.builtin.template', '{role}/templates/rootlesskit.apparmor.j2') }}",
    "has_profile": "{{ __buildkit_rootless_has_profile | bool }}",
}
UNITS = "/usr/local/lib/systemd/system"


# The daemon that is not root, on a node whose kernel lets everybody make user namespaces.
WITHOUT_ROOT: dict[str, t.Any] = {
    "buildkit_rootless": True,
    "__buildkit_first": {"instances": []},
    "__buildkit_daemon": "buildkit-rootless",
    "__buildkit_rootless_account": {"apparmor_restricted": False},
    # These are of other daemons.
    "buildkit_socket_group": "builders",
    "buildkit_insecure_entitlements": ["security.insecure"],
    "buildkit_network_mode": "bridge",
    "buildkit_config": {"root": "/srv/buildkit"},
}


def laid_down(*namespaces: str) -> dict[str, t.Any]:
    """What the role finds where it laid down daemons of *namespaces*, and which daemon it is at."""
    names = [f"buildkit@{namespace}" for namespace in namespaces]
    return {"__buildkit_first": {"instances": names}, "__buildkit_daemon": "buildkit"}


@pytest.fixture(scope="module")
def rendered(render: Render) -> Rendered:
    instances = {"buildkit_instances": ["k8s.io", "default", "ci"]}
    variables: dict[str, dict[str, t.Any]] = {
        "plain": {},
        "instance": {**instances, **laid_down("old", "ci"), "__buildkit_daemon": "buildkit@k8s.io"},
        "registries alone": {**laid_down("old"), "__buildkit_create": False},
        "absent": {
            **instances,
            "buildkit_state": "absent",
            "__buildkit_units": {
                "files": [{"path": f"{UNITS}/buildkit@{namespace}.service"} for namespace in ("old", "ci")]
            },
        },
        "rootless": {**WITHOUT_ROOT, "buildkit_unit_environment": {"HTTP_PROXY": "http://proxy.example.org:3128"}},
        "rootless, restricted": {
            **WITHOUT_ROOT,
            "buildkit_rootless_network": "host",
            "buildkit_rootless_user": "ci",
            "buildkit_rootless_config": {"worker": {"oci": {"max-parallelism": 4}}},
            "buildkit_prefix": "/opt/tools",
            "__buildkit_rootless_account": {"apparmor_restricted": True},
        },
        "rootless, not wanted any more": {
            **WITHOUT_ROOT,
            "buildkit_rootless": False,
            "__buildkit_first": {"instances": ["buildkit-rootless", "buildkit@old"]},
        },
        "rootless, registries alone": {
            **WITHOUT_ROOT,
            "__buildkit_first": {"instances": ["buildkit-rootless"]},
            "__buildkit_create": False,
        },
        "rootless, registries before it": {**WITHOUT_ROOT, "__buildkit_create": False},
        "tcp": {
            "buildkit_tcp_address": "tcp://0.0.0.0:1234",
            "buildkit_tls_ca": "/tls/ca.pem",
            "buildkit_tls_certificate": "/tls/server.pem",
            "buildkit_tls_key": "/tls/key.pem",
            "__buildkit_certificates": {"results": [{"stat": {"checksum": each}} for each in ("aa", "bb", "cc")]},
        },
        "registries": {"registries_hosts": [{"name": "docker.io", "mirrors": [{"url": "http://10.0.0.5:5000"}]}]},
        "changed": {
            "buildkit_prefix": "/opt/tools",
            "buildkit_containerd_address": "/run/k3s/containerd/containerd.sock",
            "buildkit_containerd_unit": "k3s.service",
            "buildkit_namespace": "k8s.io",
            "buildkit_network_mode": "bridge",
            "buildkit_bridge_subnet": "192.168.250.0/24",
            "buildkit_insecure_entitlements": ["network.host"],
            "buildkit_cache_max_used_space": "30GB",
            "buildkit_socket_group": "builders",
            "buildkit_oom_score_adjust": 500,
            "buildkit_step_oom_score_adjust": 300,
            "buildkit_timeout": 60,
            "buildkit_config": {
                "debug": True,
                "root": None,
                "worker": {"containerd": {"max-parallelism": 4}, "oci": {"enabled": True}},
            },
            "buildkit_unit_environment": {"HTTP_PROXY": "http://proxy.example.org:3128"},
        },
    }
    return render({name: Case("buildkit", {**laid_down(), **given}, PARTS) for name, given in variables.items()})


def test_the_worker_is_containerd_and_the_cache_has_limits(rendered: Rendered) -> None:
    config = tomllib.loads(rendered["plain"]["config"])
    assert config == {
        "root": "/var/lib/buildkit",
        "insecure-entitlements": [],
        "grpc": {"address": ["unix:///run/buildkit/buildkitd.sock"]},
        "otel": {"socketPath": "/run/buildkit/otel-grpc.sock"},
        "worker": {
            "oci": {"enabled": False},
            "containerd": {
                "enabled": True,
                "address": "/run/containerd/containerd.sock",
                "namespace": "default",
                "snapshotter": "overlayfs",
                "networkMode": "host",
                "runtime": {"name": "io.containerd.runc.v2", "options": {"BinaryName": RUNC}},
                "gc": True,
                "reservedSpace": "5%",
                "maxUsedSpace": "20%",
                "minFreeSpace": "20%",
            },
        },
    }


def test_registries_are_those_of_the_role_registries(rendered: Rendered) -> None:
    assert tomllib.loads(rendered["registries"]["config"])["registry"] == {
        "docker.io": {"mirrors": ["10.0.0.5:5000"]},
        "10.0.0.5:5000": {"http": True},
    }


def test_values_are_combined_table_by_table_and_null_takes_one_away(rendered: Rendered) -> None:
    config = tomllib.loads(rendered["changed"]["config"])
    assert "root" not in config
    assert config["debug"] is True
    assert config["insecure-entitlements"] == ["network.host"]
    assert config["worker"]["oci"] == {"enabled": True}
    assert config["worker"]["containerd"] == {
        "enabled": True,
        "address": "/run/k3s/containerd/containerd.sock",
        "namespace": "k8s.io",
        "snapshotter": "overlayfs",
        "networkMode": "bridge",
        "runtime": {
            "name": "io.containerd.runc.v2",
            "options": {"BinaryName": RUNC.replace("/usr/local", "/opt/tools")},
        },
        "bridgeName": "buildkit0",
        "bridgeSubnet": "192.168.250.0/24",
        "gc": True,
        "reservedSpace": "5%",
        "maxUsedSpace": "30GB",
        "minFreeSpace": "20%",
        "max-parallelism": 4,
    }


@pytest.mark.parametrize(("case", "unit"), [("plain", "containerd.service"), ("changed", "k3s.service")])
def test_the_service_follows_containerd_but_does_not_fall_with_it(rendered: Rendered, case: str, unit: str) -> None:
    section = directives(rendered[case]["unit"])["Unit"]
    assert section["After"][0].split()[-1] == unit
    assert section["Wants"] == [unit]
    assert not {"Requires", "BindsTo", "PartOf", "Requisite"} & set(section)


def test_ready_is_what_answers_a_client(rendered: Rendered) -> None:
    service = directives(rendered["changed"]["unit"])["Service"]
    assert service["Type"] == ["notify"]
    (command,) = service["ExecStartPost"]
    assert command.startswith("/usr/bin/env --ignore-environment /opt/tools/bin/buildctl --addr unix:///run/buildkit/")
    assert command.endswith("/buildkitd.sock --timeout 30 debug workers")
    assert service["TimeoutStartSec"] == ["60"]
    assert service["Restart"] == ["always"]


def test_the_group_may_enter_the_folder_of_the_socket(rendered: Rendered) -> None:
    service = directives(rendered["changed"]["unit"])["Service"]
    assert service["ExecStart"] == ["/opt/tools/bin/buildkitd --config /etc/buildkit/buildkitd.toml --group builders"]
    assert service["ExecStartPre"] == ["/usr/bin/install --directory --mode=0750 --group=builders /run/buildkit"]
    plain = directives(rendered["plain"]["unit"])["Service"]
    assert plain["ExecStart"] == ["/usr/local/bin/buildkitd --config /etc/buildkit/buildkitd.toml"]
    assert "ExecStartPre" not in plain


def test_a_builder_does_not_outlive_the_workload(rendered: Rendered) -> None:
    assert directives(rendered["plain"]["unit"])["Service"]["OOMScoreAdjust"] == ["0"]
    assert directives(rendered["changed"]["unit"])["Service"]["OOMScoreAdjust"] == ["500"]


@pytest.mark.parametrize(("case", "adjustment"), [("plain", 1000), ("changed", 300)])
def test_a_step_starts_runc_with_its_own_weight(rendered: Rendered, case: str, adjustment: int, tmp_path: Path) -> None:
    script = tmp_path / "runc-for-builds"
    script.write_text(rendered[case]["runc"], encoding="utf-8")
    script.chmod(0o755)
    stand_in = tmp_path / "runc"
    stand_in.write_text('#!/bin/sh\ncat /proc/self/oom_score_adj\nprintf "[%s]" "$@"\n', encoding="utf-8")
    stand_in.chmod(0o755)
    completed = subprocess.run(
        [script, "create", "--bundle", "a b", "$x"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed.stdout == f"{adjustment}\n[create][--bundle][a b][$x]"
    assert completed.stderr == ""


def test_environment_variables_are_the_daemons(rendered: Rendered) -> None:
    assert environment(rendered["changed"]["unit"])["HTTP_PROXY"] == "http://proxy.example.org:3128"


def test_a_namespace_has_a_daemon_that_shares_nothing_with_the_first(rendered: Rendered) -> None:
    config = tomllib.loads(rendered["instance"]["config"])
    assert config["root"] == "/var/lib/buildkit-k8s.io"
    assert config["grpc"]["address"] == ["unix:///run/buildkit-k8s.io/buildkitd.sock"]
    assert config["otel"] == {"socketPath": "/run/buildkit-k8s.io/otel-grpc.sock"}
    assert config["worker"]["containerd"]["namespace"] == "k8s.io"
    service = directives(rendered["instance"]["unit"])["Service"]
    assert service["ExecStart"] == ["/usr/local/bin/buildkitd --config /etc/buildkit/buildkitd@k8s.io.toml"]
    assert "--addr unix:///run/buildkit-k8s.io/buildkitd.sock" in service["ExecStartPost"][0]


@pytest.mark.parametrize(
    ("case", "others", "dropped"),
    [
        ("plain", [], []),
        # The namespace of the first needs no second one.
        ("instance", ["buildkit@old", "buildkit@ci", "buildkit@k8s.io"], ["buildkit@old"]),
        ("registries alone", ["buildkit@old"], []),
        ("rootless", ["buildkit-rootless"], []),
        ("rootless, not wanted any more", ["buildkit-rootless", "buildkit@old"], ["buildkit-rootless", "buildkit@old"]),
        ("rootless, registries alone", ["buildkit-rootless"], []),
        ("rootless, registries before it", [], []),
        # All of them need what goes with the first.
        ("absent", ["buildkit@ci", "buildkit@old", "buildkit"], ["buildkit@ci", "buildkit@old"]),
    ],
)
def test_daemons_that_nobody_names_any_more_go_first(
    rendered: Rendered, case: str, others: list[str], dropped: list[str]
) -> None:
    assert (rendered[case]["others"], rendered[case]["dropped"]) == (others, dropped)


def test_units_of_all_daemons_begin_alike(rendered: Rendered) -> None:
    first, *others = (rendered[case]["unit"].splitlines()[0] for case in ("plain", "instance", "rootless"))
    assert [first] * 2 == others
    assert first == "# Written by the role nephoran.container_build.buildkit; changes made here are lost."


def test_over_tcp_clients_need_a_certificate(rendered: Rendered) -> None:
    assert tomllib.loads(rendered["tcp"]["config"])["grpc"] == {
        "address": ["unix:///run/buildkit/buildkitd.sock", "tcp://0.0.0.0:1234"],
        "tls": {"ca": "/tls/ca.pem", "cert": "/tls/server.pem", "key": "/tls/key.pem"},
    }


def test_another_certificate_is_another_unit(rendered: Rendered) -> None:
    assert directives(rendered["tcp"]["unit"])["Unit"]["X-Certificates"] == ["aa bb cc"]
    assert "X-Certificates" not in directives(rendered["plain"]["unit"])["Unit"]


def test_without_root_the_worker_is_buildkits_own_and_grants_nothing(rendered: Rendered) -> None:
    assert tomllib.loads(rendered["rootless"]["config"]) == {
        "root": "/var/lib/buildkit-rootless",
        "insecure-entitlements": [],
        "grpc": {"address": ["unix:///run/buildkit-rootless/buildkitd.sock"]},
        "otel": {"socketPath": "/run/buildkit-rootless/otel-grpc.sock"},
        "worker": {
            "containerd": {"enabled": False},
            "oci": {
                "enabled": True,
                "rootless": True,
                "snapshotter": "auto",
                "networkMode": "host",
                "binary": RUNC,
                "gc": True,
                "reservedSpace": "5%",
                "maxUsedSpace": "20%",
                "minFreeSpace": "20%",
            },
        },
    }
    changed = tomllib.loads(rendered["rootless, restricted"]["config"])
    assert changed["worker"]["oci"]["max-parallelism"] == 4


def test_without_root_the_service_is_an_accounts(rendered: Rendered) -> None:
    unit = directives(rendered["rootless"]["unit"])
    service = unit["Service"]
    assert service["User"] == ["buildkit-rootless"]
    (command,) = service["ExecStart"]
    words = command.split()
    assert words[:2] == ["/usr/local/bin/rootlesskit", "--state-dir=/run/buildkit-rootless/rootlesskit"]
    assert {"--net=slirp4netns", "--copy-up=/etc", "--disable-host-loopback"} <= set(words[2:-3])
    assert words[-3:] == ["/usr/local/bin/buildkitd", "--config", "/etc/buildkit/buildkitd-rootless.toml"]
    assert (service["RuntimeDirectory"], service["RuntimeDirectoryMode"]) == (["buildkit-rootless"], ["0750"])
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == (["buildkit-rootless"], ["0700"])
    assert "unix:///run/buildkit-rootless/buildkitd.sock --timeout 30 debug workers" in service["ExecStartPost"][0]
    assert environment(rendered["rootless"]["unit"])["HTTP_PROXY"] == "http://proxy.example.org:3128"
    # Nothing is done as root before it, and nothing that containerd's unit does concerns it.
    assert "ExecStartPre" not in service
    assert "Wants" not in unit["Unit"]
    assert "containerd" not in unit["Unit"]["After"][0]


def test_rootlesskit_gets_a_profile_where_apparmor_asks_for_one(rendered: Rendered) -> None:
    service = directives(rendered["rootless, restricted"]["unit"])["Service"]
    assert service["User"] == ["ci"]
    assert service["ExecStartPre"] == [
        "+/usr/sbin/apparmor_parser --replace /etc/apparmor.d/nephoran-container-build-rootlesskit"
    ]
    assert " --net=host /opt/tools/bin/buildkitd " in service["ExecStart"][0]
    profile = rendered["rootless, restricted"]["profile"]
    assert (
        "/opt/tools/{bin,lib/nerdctl-full/generations/*/bin}/rootlesskit flags=(unconfined) {\n  userns,\n}" in profile
    )
    cases = ("rootless", "rootless, restricted", "rootless, not wanted any more", "absent")
    assert [rendered[case]["has_profile"] for case in cases] == [False, True, True, True]
