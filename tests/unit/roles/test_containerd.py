# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""containerd's unit and configuration."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.tests.unit.roles.rendering import Case, Render, Rendered
from ansible_collections.nephoran.container_build.tests.unit.roles.unit_file import directives, environment

tomllib = pytest.importorskip("tomllib")

PARTS = {
    "config": "{{ __containerd_config_text }}",
    "unit": "{{ lookup('ansible.builtin.template', '{role}/templates/containerd.service.j2') }}",
}
RUNTIME = "io.containerd.cri.v1.runtime"
IMAGES = "io.containerd.cri.v1.images"


@pytest.fixture(scope="module")
def rendered(render: Render) -> Rendered:
    variables: dict[str, dict[str, t.Any]] = {
        "plain": {},
        "changed": {
            "containerd_prefix": "/opt/tools",
            "containerd_config": {
                "plugins": {
                    RUNTIME: {"restrict_oom_score_adj": True, "cni": {"conf_dir": None}},
                    IMAGES: {"pinned_images": {"sandbox": "registry.example.org/pause:3.10.1"}},
                },
            },
            "containerd_unit_environment": {
                "HTTPS_PROXY": "http://proxy.example.org:3128/%7E",
                "A": 'with "quotes" and \\ and $',
                "B": 7,
            },
        },
    }
    return render({name: Case("containerd", given, PARTS) for name, given in variables.items()})


def test_the_configuration_is_of_version_3_and_finds_registries(rendered: Rendered) -> None:
    config = tomllib.loads(rendered["plain"]["config"])
    assert config["version"] == 3
    assert config["grpc"]["address"] == "/run/containerd/containerd.sock"
    assert config["plugins"][IMAGES]["registry"]["config_path"] == "/etc/containerd/certs.d"
    assert config["plugins"][RUNTIME]["cni"]["bin_dirs"] == ["/opt/cni/bin"]
    assert config["plugins"][RUNTIME]["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": True}


def test_values_are_combined_table_by_table_and_null_takes_one_away(rendered: Rendered) -> None:
    plain = tomllib.loads(rendered["plain"]["config"])
    changed = tomllib.loads(rendered["changed"]["config"])
    plain["plugins"][RUNTIME]["restrict_oom_score_adj"] = True
    del plain["plugins"][RUNTIME]["cni"]["conf_dir"]
    plain["plugins"][IMAGES]["pinned_images"] = {"sandbox": "registry.example.org/pause:3.10.1"}
    assert changed == plain


def test_containers_outlive_the_daemon(rendered: Rendered) -> None:
    service = directives(rendered["plain"]["unit"])["Service"]
    assert service["KillMode"] == ["process"]
    assert service["Delegate"] == ["yes"]
    assert service["Type"] == ["notify"]
    assert service["Restart"] == ["always"]
    assert service["OOMScoreAdjust"] == ["-999"]
    assert service["ExecStartPre"] == ["-/sbin/modprobe overlay"]
    assert directives(rendered["plain"]["unit"])["Install"] == {"WantedBy": ["multi-user.target"]}


def test_the_programs_are_those_below_the_prefix(rendered: Rendered) -> None:
    unit = rendered["changed"]["unit"]
    assert directives(unit)["Service"]["ExecStart"] == [
        "/opt/tools/bin/containerd --config /etc/containerd/config.toml"
    ]
    assert environment(unit)["PATH"].startswith("/opt/tools/bin:")


def test_environment_variables_mean_what_the_user_wrote(rendered: Rendered) -> None:
    given = environment(rendered["changed"]["unit"])
    del given["PATH"]
    assert given == {
        "HTTPS_PROXY": "http://proxy.example.org:3128/%7E",
        "A": 'with "quotes" and \\ and $',
        "B": "7",
    }


def test_files_end_with_one_line_end(rendered: Rendered) -> None:
    for case in rendered.values():
        for text in case.values():
            assert text.endswith("\n")
            assert not text.endswith("\n\n")
