# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""systemd's answers are parsed as it gives them."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed
from ansible_collections.nephoran.container_build.plugins.module_utils._systemd import Systemd, Unit, parse_units

from .conftest import FakeRunner

# What systemd 252 prints for: containerd.service none.service masked.service
SHOWN = """\
MainPID=812
NRestarts=2
ExecStart={ path=/usr/local/bin/containerd ; argv[]=/usr/local/bin/containerd --log-level info ; ignore_errors=no ; \
start_time=[Tue 2026-11-24 10:00:00 UTC] ; stop_time=[n/a] ; pid=812 ; code=(null) ; status=0/0 }
Id=containerd.service
LoadState=loaded
ActiveState=active
SubState=running
FragmentPath=/usr/local/lib/systemd/system/containerd.service

MainPID=0
NRestarts=0
Id=none.service
LoadState=not-found
ActiveState=inactive
SubState=dead
FragmentPath=

MainPID=0
NRestarts=0
Id=masked.service
LoadState=masked
ActiveState=inactive
SubState=dead
FragmentPath=/dev/null
"""
CONTAINERD = Unit(
    "containerd.service",
    "loaded",
    "active",
    "running",
    812,
    2,
    "/usr/local/lib/systemd/system/containerd.service",
    "/usr/local/bin/containerd",
)


def test_units_are_parsed() -> None:
    masked = Unit("masked.service", "masked", "inactive", "dead", None, 0, "/dev/null", None)
    assert parse_units(SHOWN) == [CONTAINERD, None, masked]


def test_only_units_that_exist_are_returned(tmp_path: pathlib.Path) -> None:
    runner = FakeRunner({("systemctl", "show"): (0, SHOWN, "")})
    units = Systemd(runner, str(tmp_path)).units("containerd.service", "none.service", "masked.service")
    assert list(units) == ["containerd.service", "masked.service"]
    assert runner.argvs[0][3:] == ["--", "containerd.service", "none.service", "masked.service"]


def test_without_systemd_there_are_no_units(tmp_path: pathlib.Path) -> None:
    runner = FakeRunner()
    assert Systemd(runner, str(tmp_path / "none")).units("containerd.service") == {}
    assert runner.argvs == []


def test_an_error_of_systemd_is_not_the_absence_of_units(tmp_path: pathlib.Path) -> None:
    runner = FakeRunner({("systemctl",): (1, "", "Failed to connect to bus")})
    with pytest.raises(ToolFailed, match="Failed to connect to bus"):
        Systemd(runner, str(tmp_path)).units("containerd.service")
