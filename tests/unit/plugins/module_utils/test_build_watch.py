# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A builder's process is followed while it runs, and ended when nobody waits for it any more."""

from __future__ import annotations

import contextlib
import os
import pathlib
import signal
import stat
import threading
import time
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.testing import patch_module_args
from ansible_collections.nephoran.container_build.plugins.module_utils import _build_watch
from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import (
    BuildFollower,
    BuildWatch,
    Notebook,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, ToolFailed
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner, RunningProcess
from ansible_collections.nephoran.container_build.plugins.module_utils._secret_mask import SecretMask
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    DONE,
    RUNNING,
    STDERR,
    STDOUT,
    StepEvent,
    parse_events,
)

STEP = StepEvent("RUN make", RUNNING)
# A process that starts a child and waits for it, as nerdctl does with buildctl; $0 learns the child's id.
PARENT = 'sleep 60 & echo $! > "$0"; echo begun; wait'


class Lines:
    """Makes an event of each piece."""

    def __init__(self) -> None:
        self.pieces: list[tuple[str, bytes]] = []

    def feed(self, stream: str, piece: bytes) -> list[StepEvent]:
        self.pieces.append((stream, piece))
        return [StepEvent(piece.decode().strip(), DONE)]


class Ending:
    """Ends a builder at once; learns what happens.

    Attributes:
        ended: what it was asked to end.
        began: how many steps have begun.
    """

    def __init__(self) -> None:
        self.ended: list[RunningProcess] = []
        self.began = 0

    def step_began(self) -> None:
        self.began += 1

    def __call__(self, process: RunningProcess) -> None:
        self.ended.append(process)
        process.end_group()


class Pipe(t.NamedTuple):
    """Stands for the connection to the controller."""

    reader: int
    writer: int


@pytest.fixture
def pipe() -> t.Iterator[Pipe]:
    ends = Pipe(*os.pipe())
    yield ends
    for end in ends:
        # A test may have closed it.
        with contextlib.suppress(OSError):
            os.close(end)


@pytest.fixture
def runner() -> ModuleRunner:
    with patch_module_args({}):
        return ModuleRunner(AnsibleModule(argument_spec={}))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_build_watch, "CHECK_SECONDS", 0.05)


def follower(pipe: Pipe, notebook: Notebook | None = None, reader: t.Any = None) -> BuildFollower:
    return BuildFollower(reader or Lines(), SecretMask(["s3cr3t"]), notebook, pipe.writer, Ending())


def is_running(path: pathlib.Path) -> bool:
    status = pathlib.Path(f"/proc/{int(path.read_text())}/status")
    return status.exists() and "State:\tZ" not in status.read_text()


def assert_ends(path: pathlib.Path) -> None:
    for _attempt in range(100):
        if not is_running(path):
            return
        time.sleep(0.02)
    pytest.fail("the child is still running")


def test_what_a_process_writes_is_heard_and_returned(runner: ModuleRunner, pipe: Pipe) -> None:
    reader = Lines()
    completed = runner.run(["sh", "-c", "echo out; echo err >&2; exit 3"], follower=follower(pipe, reader=reader))
    assert (completed.rc, completed.stdout, completed.stderr) == (3, b"out\n", "err\n")
    assert sorted(reader.pieces) == [(STDERR, b"err\n"), (STDOUT, b"out\n")]
    assert completed.tool == "sh"


def test_steps_are_told_for_this_user_alone_and_without_secrets(
    runner: ModuleRunner, pipe: Pipe, tmp_path: pathlib.Path
) -> None:
    folder, copy = tmp_path / "notebook", tmp_path / "copy"
    command = 'echo "RUN s3cr3t"; until grep -q RUN "$0/steps"; do sleep 0.01; done; cp -a "$0" "$1"'
    runner.run(["sh", "-c", command, str(folder), str(copy)], follower=follower(pipe, Notebook(str(folder))))
    assert parse_events((copy / "steps").read_text()) == [StepEvent("RUN ********", DONE)]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in copy.iterdir()} == {0o600}
    assert not folder.exists()


def test_signals_are_handled_only_while_the_builder_runs(runner: ModuleRunner, pipe: Pipe) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)]
    runner.run(["true"], follower=follower(pipe))
    assert [signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)] == before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_builder_with_its_children(
    runner: ModuleRunner, pipe: Pipe, tmp_path: pathlib.Path, number: signal.Signals
) -> None:
    child = tmp_path / "child"
    command = PARENT.replace("wait", f"kill -{number.value} {os.getpid()}; wait")
    with pytest.raises(ToolFailed, match=f"sh was stopped before it was done: .*{number.name}"):
        runner.run(["sh", "-c", command, str(child)], follower=follower(pipe))
    assert_ends(child)


def test_a_lost_connection_ends_the_builder_with_its_children(
    runner: ModuleRunner, pipe: Pipe, tmp_path: pathlib.Path
) -> None:
    child = tmp_path / "child"

    class HangUp(Lines):
        def feed(self, stream: str, piece: bytes) -> list[StepEvent]:
            os.close(pipe.reader)
            return super().feed(stream, piece)

    with pytest.raises(ToolFailed, match="connection to the controller is gone"):
        runner.run(["sh", "-c", PARENT, str(child)], follower=follower(pipe, reader=HangUp()))
    assert_ends(child)


def test_a_loss_ends_the_builder_with_its_children_and_is_told(
    runner: ModuleRunner, pipe: Pipe, tmp_path: pathlib.Path
) -> None:
    child, lost = tmp_path / "child", tmp_path / "lost"
    command = PARENT.replace("wait", f'touch "{lost}"; wait')
    watch = BuildFollower(
        Lines(), SecretMask([]), None, pipe.writer, Ending(), lambda: "the sky fell" if lost.exists() else ""
    )
    with pytest.raises(ToolFailed, match="stopped before it was done: the sky fell"):
        runner.run(["sh", "-c", command, str(child)], follower=watch)
    assert_ends(child)


def test_a_lease_that_is_not_renewed_ends_the_builder(
    runner: ModuleRunner, pipe: Pipe, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_build_watch, "LEASE_SECONDS", 0.3)
    child, folder = tmp_path / "child", tmp_path / "notebook"
    command = PARENT.replace("wait", f'touch "{folder}/lease"; wait')
    with pytest.raises(ToolFailed, match="no word from it in"):
        runner.run(["sh", "-c", command, str(child)], follower=follower(pipe, Notebook(str(folder))))
    assert_ends(child)
    assert not folder.exists()


@pytest.mark.parametrize("renew", [True, False])
def test_a_lease_counts_from_the_first_word_and_from_the_last(
    runner: ModuleRunner, pipe: Pipe, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, renew: bool
) -> None:
    monkeypatch.setattr(_build_watch, "LEASE_SECONDS", 0.5)
    folder = tmp_path / "notebook"
    word = f'touch "{folder}/lease"' if renew else "true"
    command = f"for i in 1 2 3 4 5 6 7 8; do sleep 0.1; {word}; done"
    completed = runner.run(["sh", "-c", command], follower=follower(pipe, Notebook(str(folder))))
    assert completed.rc == 0


def test_the_time_limit_holds_for_a_process_that_is_followed(runner: ModuleRunner, pipe: Pipe) -> None:
    with pytest.raises(ToolFailed, match="did not end within 1 s"):
        runner.run(["sleep", "60"], timeout=1, follower=follower(pipe))


def test_a_process_whose_time_is_over_ends_as_its_follower_has_it_end(runner: ModuleRunner, pipe: Pipe) -> None:
    ending = Ending()
    watch = BuildFollower(Lines(), SecretMask([]), None, pipe.writer, ending)
    with pytest.raises(ToolFailed, match="did not end within 1 s"):
        runner.run(["sleep", "60"], timeout=1, follower=watch)
    assert len(ending.ended) == 1


def test_the_time_of_a_process_that_has_ended_is_not_counted(runner: ModuleRunner, pipe: Pipe) -> None:
    ending = Ending()
    watch = BuildFollower(Lines(), SecretMask([]), None, pipe.writer, ending)
    assert runner.run(["true"], timeout=3600, follower=watch).rc == 0
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join(10)
            assert not thread.is_alive()
    assert ending.ended == []


def test_who_ends_a_build_hears_of_the_steps_that_begin(runner: ModuleRunner, pipe: Pipe) -> None:
    class Steps(Lines):
        def feed(self, stream: str, piece: bytes) -> list[StepEvent]:
            return [STEP._replace(state=state) for state in piece.decode().split()]

    ending = Ending()
    watch = BuildFollower(Steps(), SecretMask([]), None, pipe.writer, ending)
    runner.run(["echo", DONE], follower=watch)
    assert ending.began == 0
    runner.run(["echo", RUNNING], follower=BuildFollower(Steps(), SecretMask([]), None, pipe.writer, ending))
    assert ending.began == 1


def test_a_folder_that_somebody_made_first_is_left_alone(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "notebook"
    folder.mkdir()
    notebook = Notebook(str(folder))
    notebook.open()
    notebook.write([STEP])
    assert not notebook.was_renewed()
    notebook.close()
    assert list(tmp_path.iterdir()) == [folder]
    assert list(folder.iterdir()) == []


def test_a_folder_that_is_gone_ends_nothing(tmp_path: pathlib.Path) -> None:
    notebook = Notebook(str(tmp_path / "notebook"))
    notebook.open()
    notebook.close()
    notebook.write([STEP])
    assert not notebook.was_renewed()


@pytest.mark.parametrize("progress_id", ["", "../../etc", "a" * 31, "A" * 32, "a" * 32 + "\n"])
def test_only_an_id_names_a_folder(progress_id: str) -> None:
    with pytest.raises(InvalidInput, match="progress_id"):
        BuildWatch(progress_id)


def test_without_an_id_nothing_is_told_and_the_builder_is_followed(runner: ModuleRunner) -> None:
    reader = Lines()
    assert runner.run(["echo", "x"], follower=BuildWatch().follow(reader, str, Ending())).rc == 0
    assert reader.pieces == [(STDOUT, b"x\n")]
