# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds are ended at a moment, and by what, that lets the builder clean up."""

from __future__ import annotations

import contextlib
import pathlib
import signal
import subprocess
import threading
import time
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _build_end
from ansible_collections.nephoran.container_build.plugins.module_utils._build_end import BetweenSteps, StepsFirst
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import RunningProcess

# A builder that waits for a helper, which waits for a step, and that cleans up when the helper has ended; in $0 it says
# when the step is at work, and that it has cleaned up.
BUILDER = 'trap "touch $0/signalled; exit 9" TERM; sh -c "$1" "$0"; echo $? > "$0/cleaned"; exit 1'
HELPER = 'sleep 61 & echo $! > "$0/step"; wait; echo the helper has ended > "$0/helper"; exit 3'
NEVER = 3600.0


class TableWithNamespaces(ProcessTable):
    """In which each ``sleep`` has a PID namespace of its own, as a step's processes have."""

    def pid_namespace(self, pid: int) -> str | None:
        return "pid:[2]" if self.arguments(pid)[:1] == ["sleep"] else "pid:[1]"


@contextlib.contextmanager
def started(folder: pathlib.Path, *words: str) -> t.Iterator[subprocess.Popen[bytes]]:
    """Start *words* as the runner starts what is followed, and wait until a step is at work, if there is one."""
    argv = ["timeout", "--kill-after=10", "0", *words]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        for _attempt in range(500):
            if (folder / "step").exists() and (folder / "step").read_text():
                break
            time.sleep(0.01)
        try:
            yield process
        finally:
            process.kill()


def has_ended(folder: pathlib.Path) -> bool:
    return not pathlib.Path(f"/proc/{(folder / 'step').read_text().strip()}/exe").exists()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BEGINNING_SECONDS", "PATIENCE_SECONDS", "HELPERS_SECONDS", "BUILDER_SECONDS"):
        monkeypatch.setattr(_build_end, name, NEVER)
    for name in ("TRY_SECONDS", "HEARING_SECONDS"):
        monkeypatch.setattr(_build_end, name, 0.02)


def test_a_step_is_ended_and_what_waits_for_it_is_left_to_end(tmp_path: pathlib.Path) -> None:
    with started(tmp_path, "sh", "-c", BUILDER, str(tmp_path), HELPER) as process:
        StepsFirst(TableWithNamespaces())(RunningProcess(process))
        assert process.wait(10) == 1
    assert (tmp_path / "helper").exists()
    assert (tmp_path / "cleaned").read_text() == "3\n"
    assert has_ended(tmp_path)
    assert not (tmp_path / "signalled").exists()


def test_what_the_builder_waits_for_is_ended_when_its_time_is_over(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_build_end, "HELPERS_SECONDS", 0.1)
    with started(tmp_path, "sh", "-c", BUILDER, str(tmp_path), HELPER) as process:
        StepsFirst()(RunningProcess(process))
        assert process.wait(10) == 1
    assert (tmp_path / "cleaned").read_text() == f"{128 + signal.SIGKILL}\n"
    assert has_ended(tmp_path)
    assert not (tmp_path / "signalled").exists()


def test_a_builder_s_copy_of_itself_is_the_builder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_build_end, "HELPERS_SECONDS", 0.0)
    # The copy has the words of the first, and knows by the environment that it is the second.
    script = tmp_path / "builder"
    script.write_text(
        'if [ -z "$COPY" ]; then COPY=yes sh "$0" "$1"; exit $?; fi\n'
        'sleep 61 & echo $! > "$1/step"; wait $!; echo $? > "$1/cleaned"; exit 1\n'
    )
    with started(tmp_path, "sh", str(script), str(tmp_path)) as process:
        StepsFirst()(RunningProcess(process))
        assert process.wait(10) == 1
    assert (tmp_path / "cleaned").read_text() == f"{128 + signal.SIGKILL}\n"


def test_a_builder_that_waits_for_nothing_is_ended_itself_when_its_time_is_over(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_build_end, "BUILDER_SECONDS", 0.1)
    with started(tmp_path, "sh", "-c", 'echo $$ > "$0/step"; while :; do :; done', str(tmp_path)) as process:
        StepsFirst()(RunningProcess(process))
        assert process.wait(10) == -signal.SIGTERM
    assert has_ended(tmp_path)


def test_who_asks_twice_changes_nothing(tmp_path: pathlib.Path) -> None:
    with started(tmp_path, "sh", "-c", BUILDER, str(tmp_path), HELPER) as process:
        ending = StepsFirst(TableWithNamespaces())
        ending(RunningProcess(process))
        ending(RunningProcess(process))
        assert process.wait(10) == 1
    assert not (tmp_path / "signalled").exists()


def ended_between_steps(folder: pathlib.Path, *, begins: bool) -> float:
    """End a builder, one of whose steps has begun if *begins*; return the seconds until it has ended."""
    with started(folder, "sleep", "61") as process:
        ending = BetweenSteps()
        if begins:
            ending.step_began()
        asked = time.monotonic()
        ending(RunningProcess(process))
        assert process.wait(10) == -signal.SIGTERM
        return time.monotonic() - asked


def test_no_step_has_just_begun_when_a_build_is_ended(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "step").write_text("none")
    assert ended_between_steps(tmp_path, begins=False) < 1.0
    monkeypatch.setattr(_build_end, "BEGINNING_SECONDS", 1.0)
    assert ended_between_steps(tmp_path, begins=True) > 1.0
    # However many begin.
    monkeypatch.setattr(_build_end, "PATIENCE_SECONDS", 0.1)
    assert ended_between_steps(tmp_path, begins=True) < 1.0


def test_a_build_that_ends_meanwhile_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    (tmp_path / "step").write_text("none")
    with started(tmp_path, "sleep", "0.2") as process:
        ending = BetweenSteps()
        ending.step_began()
        ending(RunningProcess(process))
        assert process.wait(10) == 0
    for thread in threading.enumerate():
        if thread.name == "end of a build":
            thread.join(10)
            assert not thread.is_alive()
