# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab.errors import LabError
from lab.toolchain.golang import Go, machine_architecture
from lab.toolchain.modules import BUILDKIT, CONTAINERD, NERDCTL, RUNC, GoTool

if TYPE_CHECKING:
    from unit.lab.toolchain.conftest import FakeGo


@pytest.mark.parametrize(("machine", "expected"), [("x86_64", "amd64"), ("aarch64", "arm64")])
def test_architecture_by_gos_name(monkeypatch: pytest.MonkeyPatch, machine: str, expected: str) -> None:
    monkeypatch.setattr(platform, "machine", lambda: machine)
    assert machine_architecture() == expected


def test_machine_that_nothing_is_released_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(LabError, match="no nerdctl-full archive for riscv64"):
        machine_architecture()


def build(tool: GoTool, arch: str, tmp_path: Path) -> list[str]:
    (tmp_path / "output").mkdir()
    lines: list[str] = []
    Go.find().build(
        tool,
        arch,
        workspace=tool.directory,
        output=tmp_path / "output",
        log=tmp_path / "log",
        on_line=lines.append,
    )
    return lines


def test_only_the_committed_files_decide(fake_go: FakeGo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GOFLAGS": "-tags=mine", "GOWORK": "/go.work", "GOAMD64": "v3", "GOOS": "plan9"}.items():
        monkeypatch.setenv(name, value)
    build(BUILDKIT, "arm64", tmp_path)
    environment = fake_go.builds[0].environment
    assert {name: environment[name] for name in ("GOFLAGS", "GOWORK", "GOAMD64", "GOOS", "GOARCH", "GOTOOLCHAIN")} == {
        "GOFLAGS": "-mod=readonly",
        "GOWORK": "off",
        "GOAMD64": "v1",
        "GOOS": "linux",
        "GOARCH": "arm64",
        "GOTOOLCHAIN": "local",
    }


@pytest.mark.parametrize(("tool", "expected"), [(BUILDKIT, "0"), (RUNC, "1")])
def test_cgo_only_where_c_libraries_are_linked(fake_go: FakeGo, tmp_path: Path, tool: GoTool, expected: str) -> None:
    build(tool, "amd64", tmp_path)
    assert fake_go.builds[0].environment["CGO_ENABLED"] == expected


def test_failed_build_shows_what_the_compiler_said(fake_go: FakeGo, tmp_path: Path) -> None:
    fake_go.breaks_at("buildkitd")
    with pytest.raises(LabError) as raised:
        build(BUILDKIT, "amd64", tmp_path)
    assert "undefined: buildkitd" in str(raised.value)
    assert str(tmp_path / "log") in str(raised.value)


@pytest.mark.parametrize("tool", [NERDCTL, CONTAINERD])
@pytest.mark.usefixtures("fake_go")
def test_source_lies_in_the_module_cache(sources: dict[str, Path], tool: GoTool) -> None:
    assert Go.find().source_of(tool) == sources[tool.name]


def test_source_with_another_checksum_is_refused(fake_go: FakeGo, sources: dict[str, Path]) -> None:
    fake_go.has_module(NERDCTL.module, sources[NERDCTL.name], "h1:other")
    with pytest.raises(LabError, match=r"nerdctl/v2@v2\.2\.1 has the checksum h1:other; h1:eXBu4\S+ was expected"):
        Go.find().source_of(NERDCTL)
