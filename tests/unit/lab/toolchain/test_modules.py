# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import itertools
import re

import pytest
from lab.toolchain.modules import BUILDKIT, ETCD, GOMODULES, KUBERNETES, NERDCTL_FULL, RUNC, TOOLS, GoTool

TOOL_PARAMETERS = [pytest.param(tool, id=name) for name, tool in TOOLS.items()]


def go_mod(tool: GoTool) -> str:
    return (tool.directory / "go.mod").read_text()


@pytest.mark.parametrize("tool", TOOL_PARAMETERS)
def test_go_mod_pins_the_version_of_the_table(tool: GoTool) -> None:
    pinned = re.findall(rf"^(?:require )?\s*{re.escape(tool.module)} (v\S+)", go_mod(tool), re.MULTILINE)
    assert pinned == [tool.version]


@pytest.mark.parametrize("tool", TOOL_PARAMETERS)
def test_go_mod_names_the_commands_of_the_table(tool: GoTool) -> None:
    assert all(
        re.search(rf"^(?:tool )?\s*{re.escape(path)}$", go_mod(tool), re.MULTILINE) for path in tool.import_paths
    )


@pytest.mark.parametrize("tool", TOOL_PARAMETERS)
def test_checksum_of_the_source_is_committed(tool: GoTool) -> None:
    renamed = re.search(rf"^replace {re.escape(tool.module)} => (\S+ v\S+)$", go_mod(tool), re.MULTILINE)
    served = renamed[1] if renamed else f"{tool.module} {tool.version}"
    in_go_sum = f"{served} h1:" in (tool.directory / "go.sum").read_text()
    assert in_go_sum != bool(tool.patched and tool.patched.checksum.startswith("h1:"))


@pytest.mark.parametrize("tool", TOOL_PARAMETERS)
def test_replacements_are_what_a_patched_build_lays_out(tool: GoTool) -> None:
    replaced = dict(re.findall(r"^replace (\S+) => (\S+)$", go_mod(tool), re.MULTILINE))
    expected = {}
    if tool.patched:
        expected[tool.module] = "./source"
        expected |= {module: f"./stand-ins/{name}" for name, module in tool.patched.stand_ins.items()}
    assert replaced == expected


def test_every_folder_of_modules_belongs_to_a_tool() -> None:
    assert {directory.name for directory in GOMODULES.iterdir()} == set(TOOLS)


def test_no_two_commands_of_the_archive_share_a_name() -> None:
    names = list(itertools.chain.from_iterable(tool.programs for tool in NERDCTL_FULL))
    assert len(names) == len(set(names))


def test_command_at_the_root_of_a_module_is_named_after_it() -> None:
    assert RUNC.import_paths == ("github.com/opencontainers/runc",)
    assert RUNC.programs == ("runc",)


def test_the_major_version_of_a_module_names_no_command() -> None:
    assert ETCD.import_paths == ("go.etcd.io/etcd/server/v3",)
    assert ETCD.programs == ("server",)


def test_linker_sets_variables_of_the_module() -> None:
    assert BUILDKIT.linker_flags == "-s -w -X github.com/moby/buildkit/version.Version=v0.26.3"


def test_linker_sets_variables_of_other_modules() -> None:
    assert "-X k8s.io/component-base/version.gitVersion=v1.34.2" in KUBERNETES.linker_flags


def test_the_modules_of_kubernetes_are_of_one_release() -> None:
    versions = dict(re.findall(r"^\tk8s\.io/(\S+) => k8s\.io/\1 v0\.(\S+)$", go_mod(KUBERNETES), re.MULTILINE))
    assert set(versions.values()) == {KUBERNETES.version.removeprefix("v1.")}
    assert {"api", "kubelet", "cri-client"} <= set(versions)


def test_program_with_c_libraries_is_linked_statically() -> None:
    assert "-X main.gitCommit=v1.4.0-0-g8bd78a99" in RUNC.linker_flags
    assert RUNC.linker_flags.endswith("-linkmode external -extldflags -static")
