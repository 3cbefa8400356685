# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Platforms: the same answers as containerd's library."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from hypothesis import given
from hypothesis import strategies as st

UPSTREAM = json.loads((pathlib.Path(__file__).parent / "data" / "platforms.json").read_text(encoding="utf-8"))
NODE = Platform.parse(UPSTREAM["node"])


def with_version(platform: Platform) -> str:
    text = platform.format()
    return text.replace("/", f"({platform.os_version})/", 1) if platform.os_version else text


@pytest.mark.parametrize("case", UPSTREAM["parse"], ids=lambda case: ascii(case["input"]))
def test_parses_as_upstream(case: dict[str, str]) -> None:
    if "formatted" not in case:
        with pytest.raises(InvalidInput, match="os/architecture"):
            Platform.parse(case["input"], NODE)
        return
    assert with_version(Platform.parse(case["input"], NODE)) == case["formatted"]


@pytest.mark.parametrize("case", UPSTREAM["best"], ids=lambda case: f"{case['wanted']} of {len(case['candidates'])}")
def test_chooses_as_upstream(case: dict[str, t.Any]) -> None:
    wanted = Platform.parse(case["wanted"])
    assert (wanted.best_match(case["candidates"], Platform.parse) or "") == case["best"]
    assert (wanted.best_match(case["candidates"], Platform.parse, strict=True) or "") == case["strict"]


@pytest.mark.parametrize(
    ("machine", "expected"),
    [
        ("x86_64", "linux/amd64"),
        ("aarch64", "linux/arm64"),
        ("arm64", "linux/arm64"),
        ("armv7l", "linux/arm/v7"),
        ("armv6l", "linux/arm/v6"),
        ("armv8l", "linux/arm/v8"),
        ("i686", "linux/386"),
        ("riscv64", "linux/riscv64"),
        ("ppc64le", "linux/ppc64le"),
        ("s390x", "linux/s390x"),
        ("loongarch64", "linux/loong64"),
    ],
)
def test_host_by_the_machines_name(tmp_path: pathlib.Path, machine: str, expected: str) -> None:
    assert Platform.host(machine, cpuinfo=tmp_path / "absent").format() == expected


@pytest.mark.parametrize(
    ("cpuinfo", "variant"),
    [
        ("processor : 0\nmodel name : ARMv7 Processor rev 4 (v7l)\nCPU architecture: 7\n", "v7"),
        ("processor : 0\nmodel name : ARMv6-compatible processor rev 7 (v6l)\nCPU architecture: 7\n", "v6"),
        ("processor : 0\nCPU architecture: 8\n\nprocessor : 1\nCPU architecture: 7\n", "v8"),
        ("processor : 0\nCPU architecture: 5TEJ\n", "v5"),
        ("processor : 0\nCPU architecture: strange\n", "unknown"),
        ("no colon in here\n", "v7"),
    ],
)
def test_host_by_the_kernels_word_on_arm(tmp_path: pathlib.Path, cpuinfo: str, variant: str) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(cpuinfo, encoding="utf-8")
    assert Platform.host("armv7l", cpuinfo=path) == Platform("linux", "arm", variant)


def test_host_of_this_machine_is_normalised() -> None:
    host = Platform.host()
    assert host == host.normalized()
    assert host.os == "linux"


def test_parts_left_out_come_from_the_node() -> None:
    node = Platform("linux", "arm", "v6")
    assert Platform.parse("linux", node) == node
    assert Platform.parse("windows", node) == Platform("windows", "arm", "v6")
    assert Platform.parse("riscv64", node) == Platform("linux", "riscv64")


def test_document_round_trip() -> None:
    document = {"architecture": "arm", "os": "linux", "os.version": "6.1", "variant": "v7"}
    assert Platform.from_document(document).to_document() == document
    assert Platform.from_document({"architecture": "amd64", "os": "linux"}).to_document() == {
        "architecture": "amd64",
        "os": "linux",
    }


def test_a_document_with_other_types_states_nothing() -> None:
    assert Platform.from_document({"os": 1, "architecture": None, "variant": []}) == Platform("", "")


def test_the_first_of_equals_is_chosen() -> None:
    candidates = [("a", Platform("linux", "arm64")), ("b", Platform("linux", "aarch64", "v8"))]
    chosen = Platform.parse("linux/arm64").best_match(candidates, lambda candidate: candidate[1])
    assert chosen == candidates[0]


@given(st.text(max_size=30) | st.from_regex(r"[a-z0-9()*._-]{0,9}(/[a-z0-9.]{0,9}){0,3}"))
def test_any_text_is_a_platform_or_invalid_input(text: str) -> None:
    try:
        platform = Platform.parse(text, NODE)
    except InvalidInput:
        return
    assert platform == platform.normalized()
    assert Platform.parse(platform.format(), NODE).matches(platform)
    assert platform.best_match([platform], lambda same: same, strict=True) is platform
