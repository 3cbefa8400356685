# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node is asked for the steps of a build while the module runs."""

from __future__ import annotations

import pathlib
import subprocess
import threading
import time

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _step_events
from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import LEASE_SECONDS, Notebook
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import DONE, StepEvent
from ansible_collections.nephoran.container_build.plugins.plugin_utils import _step_watch
from ansible_collections.nephoran.container_build.plugins.plugin_utils._step_watch import StepWatch

ID = "0123456789abcdef" * 2


class Node:
    """Answers as a shell on a node does."""

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.noise = ""

    def __call__(self, command: str) -> str:
        self.questions.append(command)
        answer = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
        return self.noise + answer.stdout if answer.returncode == 0 else ""


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> pathlib.Path:
    path = tmp_path / "it's a folder"
    monkeypatch.setattr(_step_watch, "progress_folder", lambda _id: str(path))
    monkeypatch.setattr(_step_watch, "FIRST_WAIT", 0.02)
    monkeypatch.setattr(_step_watch, "LONGEST_WAIT", 0.05)
    return path


def wait_for(seen: list[StepEvent], count: int) -> None:
    deadline = time.monotonic() + 10
    while len(seen) < count and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(seen) == count


def event(number: int) -> StepEvent:
    return StepEvent(f"step {number}", DONE, number)


@pytest.mark.parametrize("noise", ["", "Welcome to this node\n"])
def test_each_event_is_shown_once_and_the_lease_is_renewed(folder: pathlib.Path, noise: str) -> None:
    node, seen = Node(), list[StepEvent]()
    node.noise = noise
    notebook = Notebook(str(folder))
    with StepWatch(node, ID, seen.extend):
        while not node.questions:
            time.sleep(0.01)
        assert not folder.exists()
        notebook.open()
        notebook.write([event(1), event(2)])
        wait_for(seen, 2)
        # Not at once: the kernel's clock for files ticks some hundred times a second, and the question that brought the
        # events may have been asked in the tick in which the notebook was opened.
        deadline = time.monotonic() + 10
        while not notebook.was_renewed():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        notebook.write([event(3)])
        wait_for(seen, 3)
        time.sleep(0.2)
    notebook.close()
    assert seen == [event(1), event(2), event(3)]


def test_a_module_that_ends_soon_is_never_asked(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_step_watch, "FIRST_WAIT", 60.0)
    node = Node()
    started = time.monotonic()
    with StepWatch(node, ID, lambda _events: None):
        pass
    assert time.monotonic() - started < 30
    assert node.questions == []
    assert not folder.exists()


def test_leaving_ends_the_thread(folder: pathlib.Path) -> None:
    before = threading.active_count()
    with StepWatch(Node(), ID, lambda _events: None):
        assert threading.active_count() == before + 1
    assert threading.active_count() == before
    assert not folder.exists()


def test_a_slow_connection_is_asked_seldom(folder: pathlib.Path) -> None:
    questions: list[float] = []

    def ask(_command: str) -> str:
        questions.append(time.monotonic())
        time.sleep(0.1)
        return ""

    with StepWatch(ask, ID, lambda _events: None):
        time.sleep(1)
    assert 1 <= len(questions) <= 2
    assert not folder.exists()


def test_a_slow_answer_is_not_waited_for_longer_than_the_node_waits(
    folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_step_watch, "LONGEST_PAUSE", 0.05)
    questions: list[str] = []

    def ask(command: str) -> str:
        questions.append(command)
        time.sleep(0.2)
        return ""

    with StepWatch(ask, ID, lambda _events: None):
        time.sleep(1)
    assert len(questions) >= 3
    assert not folder.exists()


def test_the_longest_pause_leaves_time_to_fail() -> None:
    assert _step_watch.LONGEST_PAUSE * 3 < LEASE_SECONDS
    assert _step_events.progress_folder(ID).startswith("/")
