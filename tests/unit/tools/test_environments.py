# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
import pythons
import venvs


def fake_python(folder: Path, name: str, version: tuple[int, int], status: int = 0) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\nprintf '%s\\n' {version[0]} {version[1]} {path}\nexit {status}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the Pythons that a test puts on it, and no other."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    return tmp_path


def test_oldest_and_newest_fitting_python(machine: Path) -> None:
    pythons_of = {minor: fake_python(machine / "bin", f"python3.{minor}", (3, minor)) for minor in (9, 11, 12, 13)}
    oldest = pythons.find_interpreter((3, 11), (3, 13))
    newest = pythons.find_interpreter((3, 11), (3, 13), newest=True)
    assert oldest == pythons.Interpreter((3, 11), pythons_of[11])
    assert newest == pythons.Interpreter((3, 13), pythons_of[13])


def test_pythons_that_pyenv_has_not_selected_are_found(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake_python(machine / "bin", "python3.12", (3, 12), status=127)  # a shim that refuses
    real = fake_python(machine / "pyenv" / "versions" / "3.12.1" / "bin", "python3", (3, 12))
    monkeypatch.setenv("PYENV_ROOT", str(machine / "pyenv"))
    assert pythons.find_interpreter((3, 12), (3, 12)) == pythons.Interpreter((3, 12), real)


def test_of_one_version_the_distributions_is_taken(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fake_python(machine / "bin", "python3.11", (3, 11))
    of_distribution = fake_python(machine / "usr" / "bin", "python3.11", (3, 11))
    fake_python(machine / "usr" / "bin", "python3.12", (3, 12))
    monkeypatch.setenv("PATH", f"{machine / 'bin'}{os.pathsep}{machine / 'usr' / 'bin'}")
    assert pythons.find_interpreter((3, 11), (3, 13)) == pythons.Interpreter((3, 11), first)
    monkeypatch.setattr(pythons, "DISTRIBUTION", machine / "usr" / "bin")
    assert pythons.find_interpreter((3, 11), (3, 13)) == pythons.Interpreter((3, 11), of_distribution)


def test_none_when_nothing_fits(machine: Path) -> None:
    fake_python(machine / "bin", "python3", (3, 8))
    assert pythons.find_interpreter((3, 9), (3, 13)) is None


def test_an_optional_environment_is_skipped_aloud(machine: Path, capsys: pytest.CaptureFixture[str]) -> None:
    environment = venvs.Environment("core-2.21", str(machine / "venv"), (3, 12), (3, 14), True, True, "a purpose")
    assert venvs.make(environment) is False
    assert "SKIPPED: no Python 3.12 to 3.14 on this machine" in capsys.readouterr().out


def test_a_required_environment_fails_with_what_to_do(machine: Path) -> None:
    environment = venvs.Environment("core-2.19", str(machine / "venv"), (3, 11), (3, 13), False, False, "a purpose")
    with pytest.raises(venvs.EnvironmentFailure, match=r"no Python 3.11 to 3.13 on this machine.*Install one"):
        venvs.make(environment)


def test_an_environment_is_ready_only_for_the_lock_file_it_was_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(venvs, "REQUIREMENTS", tmp_path)
    environment = venvs.Environment("core-2.19", str(tmp_path / "venv"), (3, 11), (3, 13), False, False, "a purpose")
    environment.lock.write_text("one", encoding="utf-8")
    environment.python.parent.mkdir(parents=True)
    environment.python.symlink_to(sys.executable)
    assert not environment.is_ready()
    (environment.path / ".locked").write_text(environment.fingerprint(), encoding="utf-8")
    assert environment.is_ready()
    environment.lock.write_text("two", encoding="utf-8")
    assert not environment.is_ready()


def test_a_link_is_made_once_and_corrected_when_wrong(tmp_path: Path) -> None:
    link = tmp_path / "a" / "b" / "link"
    venvs.link(link, tmp_path / "target")
    assert os.readlink(link) == "../../target"
    before = link.lstat().st_ino
    venvs.link(link, tmp_path / "target")
    assert link.lstat().st_ino == before
    venvs.link(link, tmp_path / "other")
    assert os.readlink(link) == "../../other"


@pytest.mark.parametrize("name", ["bootstrap", *venvs.ENVIRONMENTS])
def test_every_pin_has_a_hash(name: str) -> None:
    text = (venvs.REQUIREMENTS / f"{name}.txt").read_text(encoding="utf-8").replace("\\\n", " ")
    pins = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    assert pins
    assert not [pin for pin in pins if not re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", pin)]
