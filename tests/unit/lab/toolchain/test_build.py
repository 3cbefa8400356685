# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab import prerequisites
from lab.errors import LabError
from lab.toolchain import build, golang, modules
from lab.toolchain.golang import Go
from lab.toolchain.modules import BUILDKIT, CONTAINERD, NERDCTL, ROOTLESSKIT, RUNC

if TYPE_CHECKING:
    from unit.lab.toolchain.conftest import FakeGo

TOOL = dataclasses.replace(ROOTLESSKIT, name="tool")


@pytest.fixture
def pins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of go.mod and go.sum of ``TOOL``."""
    monkeypatch.setattr(modules, "GOMODULES", tmp_path / "gomodules")
    directory = tmp_path / "gomodules" / TOOL.name
    directory.mkdir(parents=True)
    (directory / "go.mod").write_text("module tool\n")
    (directory / "go.sum").write_text("sums\n")
    return directory


def test_every_input_moves_the_digest(pins: Path) -> None:
    digests = {
        build.inputs_digest(TOOL, "amd64", "go1.26.8"),
        build.inputs_digest(TOOL, "arm64", "go1.26.8"),
        build.inputs_digest(TOOL, "amd64", "go1.26.9"),
        build.inputs_digest(dataclasses.replace(TOOL, tags=("more",)), "amd64", "go1.26.8"),
        build.inputs_digest(dataclasses.replace(TOOL, variables={"main.x": "y"}), "amd64", "go1.26.8"),
        build.inputs_digest(dataclasses.replace(TOOL, version="v0.0.1"), "amd64", "go1.26.8"),
    }
    for name in ("go.mod", "go.sum"):
        (pins / name).write_text("changed\n")
        digests.add(build.inputs_digest(TOOL, "amd64", "go1.26.8"))
    assert len(digests) == 8


def test_digest_is_the_same_for_the_same_inputs(pins: Path) -> None:
    first = build.inputs_digest(TOOL, "amd64", "go1.26.8")
    (pins / "go.mod").touch()
    assert build.inputs_digest(dataclasses.replace(TOOL), "amd64", "go1.26.8") == first


def test_tools_are_built_once(fake_go: FakeGo) -> None:
    found = build.ensure([BUILDKIT, ROOTLESSKIT], "amd64", Go.find())
    assert build.ensure([BUILDKIT, ROOTLESSKIT], "amd64", Go.find()) == found
    assert (found["buildkit"] / "buildkitd").read_text() == "buildkitd for amd64"
    assert (found["rootlesskit"] / "rootlessctl").exists()
    assert len(fake_go.builds) == 2


def test_what_was_built_before_a_failure_stays(fake_go: FakeGo, cache: Path) -> None:
    fake_go.breaks_at("rootlesskit")
    with pytest.raises(LabError, match="undefined: rootlesskit"):
        build.ensure([BUILDKIT, ROOTLESSKIT], "amd64", Go.find())
    programs = [directory.name.partition("-v")[0] for directory in (cache / "toolchain/programs").iterdir()]
    assert programs == ["buildkit"]
    fake_go.breaks_at("")
    build.ensure([BUILDKIT, ROOTLESSKIT], "amd64", Go.find())
    built = [build.packages for build in fake_go.builds]
    assert sorted(map(len, built)) == [2, 2, 2]
    assert built.count(list(BUILDKIT.import_paths)) == 1


@pytest.mark.usefixtures("fake_go")
def test_superseded_build_is_removed_and_other_architectures_stay(pins: Path, cache: Path) -> None:
    other_arch = build.ensure([TOOL], "arm64", Go.find())
    old = build.ensure([TOOL], "amd64", Go.find())
    (pins / "go.sum").write_text("other sums\n")
    (cache / "toolchain/programs/.staged-tool-v0-amd64-0123-of-a-killed-build").mkdir()
    new = build.ensure([TOOL], "amd64", Go.find())
    assert set((cache / "toolchain/programs").iterdir()) == {*new.values(), *other_arch.values()}
    assert old != new


@pytest.mark.usefixtures("fake_go")
def test_build_that_gives_less_than_asked_fails(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Go, "build", lambda _self, _tool, _arch, **paths: (paths["output"] / "buildctl").touch())
    with pytest.raises(LabError, match="The build of BuildKit gave no buildkitd"):
        build.ensure([BUILDKIT], "amd64", Go.find())
    assert list((cache / "toolchain/programs").iterdir()) == []


def test_patched_source_is_built_from_a_copy(fake_go: FakeGo, sources: dict[str, Path], cache: Path) -> None:
    build.ensure([NERDCTL], "amd64", Go.find())
    made = fake_go.builds[0]
    assert made.files >= {"go.mod", "go.sum", "source/cmd/nerdctl/main.go", "stand-ins/tigron/go.mod"}
    assert not [name for name in made.files if "testing" in name]
    assert (sources["nerdctl"] / "cmd/nerdctl/helpers/testing.go").exists()
    assert not made.directory.exists()
    assert list((cache / "toolchain/scratch").iterdir()) == []


@pytest.mark.usefixtures("fake_go")
def test_patch_that_matches_nothing_is_out_of_date(sources: dict[str, Path]) -> None:
    for file in (sources["nerdctl"] / "cmd/nerdctl/helpers").iterdir():
        file.unlink()
    with pytest.raises(LabError, match="patch of this module is out of date"):
        build.ensure([NERDCTL], "amd64", Go.find())


def test_leftovers_of_a_killed_build_do_not_get_in(fake_go: FakeGo, cache: Path) -> None:
    leftover = cache / "toolchain/scratch/nerdctl/source/cmd/nerdctl/helpers/testing.go"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("package helpers\n")
    build.ensure([NERDCTL], "amd64", Go.find())
    assert "source/cmd/nerdctl/helpers/testing.go" not in fake_go.builds[0].files


@pytest.mark.usefixtures("fake_go")
def test_c_libraries_are_installed_only_for_who_links_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(prerequisites, "ensure_debian_packages", asked.append)
    monkeypatch.setattr(build, "machine_architecture", lambda: "amd64")
    build.ensure([CONTAINERD], "amd64", Go.find())
    assert asked == []
    build.ensure([RUNC], "amd64", Go.find())
    assert asked == [["gcc", "libc6-dev", "pkg-config", "libseccomp-dev"]]


def test_cgo_for_another_architecture_is_refused_before_anything_is_built(
    fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "machine_architecture", lambda: "amd64")
    monkeypatch.setattr(golang, "machine_architecture", lambda: "amd64")
    with pytest.raises(LabError, match="runc links C libraries of arm64, so it cannot be built on this amd64 machine"):
        build.ensure([CONTAINERD, RUNC], "arm64", Go.find())
    assert fake_go.builds == []


def test_full_disk_is_said_beforehand(fake_go: FakeGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build, "CACHE_GIBIBYTES", 10.0**9)
    with pytest.raises(LabError, match="GiB free; 1e\\+09 GiB are needed"):
        build.ensure([CONTAINERD], "amd64", Go.find())
    assert fake_go.builds == []
