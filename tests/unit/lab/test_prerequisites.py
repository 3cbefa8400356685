# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
from lab import prerequisites
from lab.errors import LabError


def _command(directory: Path, name: str, script: str) -> None:
    path = directory / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.mark.parametrize(
    ("output", "version"),
    [
        ("go version go1.26.8 linux/amd64", (1, 26)),
        ("go version go1.25 linux/arm64", (1, 25)),
        ("go version devel go1.27-abcdef Tue Jan 6 linux/amd64", (1, 27)),
    ],
)
def test_go_version(output: str, version: tuple[int, int]) -> None:
    assert prerequisites.go_version(output) == version


def test_old_go_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _command(tmp_path, "go", "echo go version go1.19.8 linux/amd64")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"(?s)Go 1\.25 or newer is needed.*go1\.19\.8.*Install Go 1\.25"):
        prerequisites.require_go()


def test_missing_go_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="there is no go command on PATH"):
        prerequisites.require_go()


def test_too_little_disk_says_how_much_is_needed(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"1e\+09 GiB are needed(?s:.*)NEPHORAN_LAB_CACHE"):
        prerequisites.require_disk(tmp_path, 1e9)


def test_installed_packages_need_no_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _command(tmp_path, "dpkg-query", "echo 'installed git'")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    prerequisites.ensure_debian_packages(["git"])


def test_missing_packages_without_root_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _command(tmp_path, "dpkg-query", "echo 'installed git'; echo 'not-installed podman'; exit 1")
    _command(tmp_path, "apt-get", "exit 99")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match=r"Root is needed to install the Debian packages podman zsh\."):
        prerequisites.ensure_debian_packages(["git", "podman", "zsh"])


def test_packages_without_apt_are_listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match=r"needed: git\. This machine has no apt-get"):
        prerequisites.ensure_debian_packages(["git"])


def test_too_few_inotify_instances_are_raised(tmp_path: Path) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text("128\n")
    prerequisites.ensure_inotify_instances(limit)
    assert int(limit.read_text()) == prerequisites.INOTIFY_INSTANCES


def test_enough_inotify_instances_stay(tmp_path: Path) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text("65536\n")
    prerequisites.ensure_inotify_instances(limit)
    assert limit.read_text() == "65536\n"
