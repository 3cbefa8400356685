# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from lab import paths
from lab.errors import LabError
from lab.toolchain import command, ensure, ensure_program, ensure_registry_binary
from lab.toolchain.modules import BUILDKIT, KUBERNETES, NERDCTL_FULL, REGISTRY

if TYPE_CHECKING:
    from unit.lab.toolchain.conftest import FakeGo, Releases

RELEASE = b"the release"


pytestmark = pytest.mark.usefixtures("releases")


def test_release_is_preferred(releases: Releases, cache: Path) -> None:
    releases.content = RELEASE
    toolchain = ensure()
    assert toolchain.path == cache / "toolchain/nerdctl-full-2.2.1-linux-amd64.tar.gz"
    assert toolchain.path.read_bytes() == RELEASE
    assert toolchain.sha256 == hashlib.sha256(RELEASE).hexdigest()
    assert (toolchain.source, toolchain.version, toolchain.arch) == ("release", "2.2.1", "amd64")


def test_cached_release_needs_neither_network_nor_go(
    releases: Releases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    releases.content = RELEASE
    first = ensure()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ensure() == first
    assert releases.asked == 1


def test_without_the_release_it_is_built(fake_go: FakeGo, capsys: pytest.CaptureFixture[str]) -> None:
    toolchain = ensure()
    assert toolchain.source == "built"
    assert len(fake_go.builds) == len(NERDCTL_FULL)
    with tarfile.open(toolchain.path) as tar:
        assert {"bin/nerdctl", "bin/buildkit-cni-bridge", "share/doc/nerdctl-full/SHA256SUMS"} <= set(tar.getnames())
    assert "no route to host" in capsys.readouterr().err


def test_unchanged_inputs_build_nothing_and_ask_nobody(fake_go: FakeGo, releases: Releases) -> None:
    first = ensure()
    written = first.path.stat().st_mtime_ns
    assert ensure() == first
    assert len(fake_go.builds) == len(NERDCTL_FULL)
    assert first.path.stat().st_mtime_ns == written
    assert releases.asked == 1


@pytest.mark.usefixtures("fake_go")
@pytest.mark.usefixtures("cache")
def test_builds_are_reproducible(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = ensure()
    monkeypatch.setenv("NEPHORAN_LAB_CACHE", str(tmp_path / "another"))
    second = ensure()
    assert second.path != first.path
    assert second.sha256 == first.sha256


def test_another_go_builds_anew(fake_go: FakeGo) -> None:
    ensure()
    fake_go.says_version("go1.27.0")
    ensure()
    assert len(fake_go.builds) == 2 * len(NERDCTL_FULL)


@pytest.mark.usefixtures("fake_go")
def test_touched_archive_is_read_and_kept() -> None:
    first = ensure()
    os.utime(first.path, (1, 1))
    assert ensure() == first
    assert first.path.stat().st_mtime == 1


@pytest.mark.parametrize("damage", ["shorter", "changed", "gone", "record gone", "record garbled", "record of old"])
def test_damaged_cache_is_made_good(fake_go: FakeGo, damage: str) -> None:
    first = ensure()
    whole = first.path.read_bytes()
    record = Path(f"{first.path}.json")
    if damage == "shorter":
        first.path.write_bytes(whole[:-1])
    elif damage == "changed":
        first.path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    elif damage == "gone":
        first.path.unlink()
    elif damage == "record gone":
        record.unlink()
    elif damage == "record garbled":
        record.write_text("{")
    else:
        record.write_text(json.dumps({"sha256": first.sha256}))
    assert ensure() == first
    assert first.path.read_bytes() == whole
    assert len(fake_go.builds) == len(NERDCTL_FULL)


def test_interrupted_packing_leaves_no_archive(fake_go: FakeGo, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_root: Path, target: Path, _on_entry: object) -> None:
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("lab.toolchain.archive.pack", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ensure()
    left = [path.name for path in (cache / "toolchain").iterdir()]
    assert not [name for name in left if "nerdctl-full" in name]
    assert ensure().source == "built"
    assert len(fake_go.builds) == len(NERDCTL_FULL)


def test_release_can_be_insisted_on() -> None:
    with pytest.raises(LabError, match=r"release cannot be had\. amd64: no route to host"):
        ensure(source="release")


def test_build_can_be_insisted_on(fake_go: FakeGo, releases: Releases) -> None:
    releases.content = RELEASE
    ensure()
    assert ensure(source="built").source == "built"
    assert releases.asked == 1
    assert ensure(source="built").source == "built"
    assert ensure().source == "built"
    assert len(fake_go.builds) == len(NERDCTL_FULL)


def test_registry_binary(fake_go: FakeGo) -> None:
    assert ensure_registry_binary().read_text() == "registry for amd64"
    assert ensure_registry_binary().name == "registry"
    assert len(fake_go.builds) == 1


@pytest.mark.usefixtures("fake_go")
def test_a_program_beside_the_archive_keeps_nobody_from_the_archive(monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []

    @contextlib.contextmanager
    def locked(name: str) -> Iterator[None]:
        held.append(name)
        yield

    monkeypatch.setattr(paths, "locked", locked)
    for tool in (KUBERNETES, REGISTRY, BUILDKIT):
        ensure_program(tool, tool.programs[0])
    ensure()
    kubernetes, registry, part, archive = held
    assert archive == part
    assert len({kubernetes, registry, archive}) == 3


def test_command_prints_the_path_alone(releases: Releases, cache: Path) -> None:
    releases.content = RELEASE
    result = CliRunner().invoke(command.toolchain, [], catch_exceptions=False)
    assert result.stdout == f"{cache}/toolchain/nerdctl-full-2.2.1-linux-amd64.tar.gz\n"


def test_command_prints_json(releases: Releases, cache: Path) -> None:
    releases.content = RELEASE
    result = CliRunner().invoke(command.toolchain, ["--json"], catch_exceptions=False)
    assert json.loads(result.stdout) == {
        "path": f"{cache}/toolchain/nerdctl-full-2.2.1-linux-amd64.tar.gz",
        "sha256": hashlib.sha256(RELEASE).hexdigest(),
        "version": "2.2.1",
        "arch": "amd64",
        "source": "release",
    }


@pytest.mark.usefixtures("fake_go")
def test_command_prints_where_a_program_is() -> None:
    result = CliRunner().invoke(command.program, ["registry"], catch_exceptions=False)
    assert Path(result.stdout.rstrip("\n")).read_text() == "registry for amd64"


@pytest.mark.parametrize("arguments", [["buildkit"], ["buildkit", "runc"]])
def test_command_tells_which_programs_there_are(arguments: list[str]) -> None:
    result = CliRunner().invoke(command.program, arguments)
    assert result.exit_code == 2
    assert "buildkit has buildctl, buildkitd" in result.output
