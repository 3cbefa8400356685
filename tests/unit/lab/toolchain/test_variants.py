# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lab import shell
from lab.toolchain import Toolchain, ensure, variants

if TYPE_CHECKING:
    from unit.lab.toolchain.conftest import FakeGo

pytestmark = pytest.mark.usefixtures("releases")


@pytest.fixture
def real_looking(fake_go: FakeGo) -> Toolchain:
    """An archive whose programs begin as ELF files do."""
    fake_go.begins_programs_with("\x7fELF")
    return ensure()


def test_truncated_variant_is_half_the_archive(real_looking: Toolchain) -> None:
    whole = real_looking.path.read_bytes()
    truncated = variants.truncated(real_looking)
    assert truncated.read_bytes() == whole[: len(whole) // 2]
    assert truncated.name == real_looking.path.name


def test_wrong_architecture_variant_is_sound_but_foreign(real_looking: Toolchain, tmp_path: Path) -> None:
    wrong = variants.wrong_architecture(real_looking)
    assert wrong.name == "nerdctl-full-2.2.1-linux-arm64.tar.gz"
    shell.run(["tar", "--extract", "--file", wrong, "--directory", tmp_path])
    for program in ("bin/nerdctl", "libexec/cni/bridge"):
        assert (tmp_path / program).read_bytes() == variants.elf_stub("arm64")
    assert os.readlink(tmp_path / "bin/buildkit-cni-bridge") == "../libexec/cni/bridge"
    assert (tmp_path / "bin/containerd-rootless.sh").read_text() == "#!/bin/sh\n"
    shell.run(["sha256sum", "--check", "--strict", "share/doc/nerdctl-full/SHA256SUMS"], cwd=tmp_path)
    with tarfile.open(real_looking.path) as right, tarfile.open(wrong) as tar:
        assert tar.getnames() == right.getnames()


def test_variants_are_made_once_and_anew_for_another_archive(real_looking: Toolchain, fake_go: FakeGo) -> None:
    first = variants.wrong_architecture(real_looking)
    written = first.stat().st_mtime_ns
    assert variants.wrong_architecture(real_looking) == first
    assert first.stat().st_mtime_ns == written
    fake_go.begins_programs_with("\x7fELF of another Go ")
    fake_go.says_version("go1.27.0")
    second = variants.wrong_architecture(ensure())
    assert second != first
    assert not first.exists()


def test_stub_of_this_machine_runs(tmp_path: Path) -> None:
    stub = tmp_path / "stub"
    stub.write_bytes(variants.elf_stub("arm64" if os.uname().machine == "aarch64" else "amd64"))
    stub.chmod(0o755)
    assert shell.run([stub]).stdout == ""
