# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the lab makes of podman's answers."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest
from lab import podman, shell

CONTAINER_ID = "4f6ee1b9c0d3"


@pytest.fixture
def process() -> Iterator[Callable[..., int]]:
    """Start a process that has given arguments and waits; its id."""
    started = []

    def start(*arguments: str) -> int:
        wait = [sys.executable, "-c", "import sys; print('there', flush=True); sys.stdin.read()", *arguments]
        one = subprocess.Popen(wait, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(one)
        # Popen returns when the old program's files are closed: the kernel has not told the new arguments yet.
        assert one.stdout is not None
        one.stdout.readline()
        return one.pid

    yield start
    for one in started:
        one.communicate()


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, int], str]:
    """The state of a container whose state and monitor podman tells."""

    def inspected(status: str, conmon: int) -> str:
        answer = json.dumps([{"Id": CONTAINER_ID, "State": {"Status": status, "ConmonPid": conmon}}])
        monkeypatch.setattr(shell, "run", lambda *_arguments, **_options: shell.Result(0, answer, ""))
        document = podman.inspect("node")
        assert document is not None
        found: str = document["State"]["Status"]
        return found

    return inspected


def test_a_watched_container_runs(state: Callable[[str, int], str], process: Callable[..., int]) -> None:
    assert state("running", process("-c", CONTAINER_ID)) == "running"


def test_a_container_is_lost_whose_monitor_is_gone(state: Callable[[str, int], str]) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert state("running", ended.pid) == podman.LOST


def test_a_container_is_lost_whose_monitor_s_id_went_to_another(
    state: Callable[[str, int], str], process: Callable[..., int]
) -> None:
    assert state("running", process("-c", "another")) == podman.LOST


def test_a_container_that_podman_knows_to_have_ended_is_not_lost(state: Callable[[str, int], str]) -> None:
    assert state("exited", 0) == "exited"
