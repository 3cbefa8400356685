# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nerdctl's command lines."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner

SOCKET = "/run/containerd/containerd.sock"


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def nerdctl(runner: FakeRunner) -> Nerdctl:
    return Nerdctl(runner, SOCKET, timeout=7)


def test_a_call_has_the_time_limit_of_all(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    runner.on("nerdctl")
    nerdctl.run("default", ["ps"])
    assert runner.calls[0].timeout == 7


def test_a_call_may_have_a_time_limit_of_its_own(runner: FakeRunner, nerdctl: Nerdctl) -> None:
    runner.on("nerdctl")
    nerdctl.run("default", ["build", "."], timeout=99, environ={"A": "b"})
    assert runner.argv == ["nerdctl", "--address", SOCKET, "--namespace", "default", "build", "."]
    assert (runner.calls[0].timeout, runner.calls[0].environ) == (99, {"A": "b"})
