# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starting processes, with small real ones, and what failures mean."""

from __future__ import annotations

import os
import pathlib
import subprocess
import time
import typing as t

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils import _runner
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import (
    Completed,
    ModuleRunner,
    checked,
    failure,
    redact,
)

# A word that a shell would take apart, run or replace.
HOSTILE = "a b '\"`touch x` $(touch x) $HOME ~ * ; touch x & | \\ \n ü"


@pytest.fixture
def runner() -> t.Iterator[ModuleRunner]:
    testing = pytest.importorskip("ansible.module_utils.testing")
    with testing.patch_module_args({}):
        module = AnsibleModule(argument_spec={})
    return ModuleRunner(module)


def script(folder: pathlib.Path, name: str, text: str) -> pathlib.Path:
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_words_reach_the_process_as_they_are(
    runner: ModuleRunner, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = [HOSTILE, "", "-x", "--", "$PATH"]
    completed = runner.run(["printf", "%s\\0", *words])
    assert completed.stdout.split(b"\0")[:-1] == [word.encode() for word in words]
    assert list(tmp_path.iterdir()) == []


def test_bytes_go_in_and_come_out_unchanged(runner: ModuleRunner) -> None:
    data = bytes(range(256)) * 3 + b"no newline at the end"
    completed = runner.run(["cat"], data=data)
    assert (completed.rc, completed.stdout, completed.stderr) == (0, data, "")


def test_a_process_that_does_not_want_its_input_is_heard_all_the_same(runner: ModuleRunner) -> None:
    """ctr ends without a look at its archive if there is no containerd."""
    completed = runner.run(["sh", "-c", "exec <&-; echo no daemon >&2; exit 3"], data=bytes(1 << 20))
    assert (completed.rc, completed.stderr) == (3, "no daemon\n")


def test_what_is_not_text_is_still_shown(runner: ModuleRunner) -> None:
    completed = runner.run(["sh", "-c", r"printf '\377 out'; printf '\377 err' >&2; exit 3"])
    assert completed.rc == 3
    assert completed.text.encode("utf-8", "surrogateescape") == b"\xff out"
    assert completed.stderr == "\ufffd err"
    assert completed.tool == "sh"
    assert completed.argv[0].startswith("/")


def test_tools_speak_english_and_get_the_variables_they_are_given(
    runner: ModuleRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    completed = runner.run(["sh", "-c", "echo $LC_ALL $LANGUAGE $EXTRA"], environ={"EXTRA": "x"})
    assert completed.text == "C C x\n"
    assert "EXTRA" not in os.environ


@pytest.mark.parametrize("name", ["plain", "a b", "-n", "$(touch x)", "'quoted' \"twice\""])
def test_files_can_be_standard_input_and_output(
    runner: ModuleRunner, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    source, destination = tmp_path / name, tmp_path / f"{name} out"
    source.write_bytes(b"0123456789")
    # The file itself, so that a tool can seek in it: a pipe would not do.
    seek = "import os, sys; os.lseek(0, 4, 0); sys.stdout.buffer.write(os.read(0, 99))"
    completed = runner.run(["python3", "-c", seek], stdin_path=str(source), stdout_path=str(destination))
    assert (completed.rc, completed.stdout) == (0, b"")
    assert destination.read_bytes() == b"456789"
    assert {path.name for path in tmp_path.iterdir()} == {source.name, destination.name}
    assert completed.tool == "python3"


def test_a_process_that_takes_too_long_is_ended_with_its_children(runner: ModuleRunner, tmp_path: pathlib.Path) -> None:
    child = tmp_path / "child"
    started = time.monotonic()
    with pytest.raises(ToolFailed, match="sh did not end within 1 s") as caught:
        runner.run(["sh", "-c", 'echo last words >&2; sleep 60 & echo $! > "$0"; wait', str(child)], timeout=1)
    assert time.monotonic() - started < 5
    assert caught.value.tail == "last words"
    assert "timeout" in (caught.value.remedy or "")
    pid = int(child.read_text())
    for _attempt in range(50):
        if not os.path.exists(f"/proc/{pid}") or "State:\tZ" in pathlib.Path(f"/proc/{pid}/status").read_text():
            break
        time.sleep(0.02)
    else:
        pytest.fail("the child is still running")


def test_a_process_that_ignores_the_request_to_end_is_killed(
    runner: ModuleRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """nerdctl hands the request on to the container, whose first process need not heed it."""
    monkeypatch.setattr(_runner, "KILL_AFTER_SECONDS", 1)
    with pytest.raises(ToolFailed, match="sh did not end within 1 s"):
        runner.run(["sh", "-c", "trap '' TERM; sleep 60 & wait; sleep 60"], timeout=1)


def test_no_second_passes_when_a_process_ends_between_two_questions(
    runner: ModuleRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[int | None] = []

    def poll(process: subprocess.Popen[bytes]) -> int | None:
        answers.append(process.wait() if answers else None)
        return answers[-1]

    monkeypatch.setattr(subprocess.Popen, "poll", poll)
    monkeypatch.setattr(_runner, "SAME_MOMENT_SECONDS", 60)
    assert runner.run(["true"]).rc == 0
    # A second answer, that it has ended by now, is where AnsibleModule.run_command lets a second pass.
    assert answers == [None]


@pytest.mark.parametrize("rc", [0, 1, 124, 137])
def test_an_exit_status_within_the_limit_is_the_process_own(runner: ModuleRunner, rc: int) -> None:
    """A container that was killed ends with 137 too, long before the limit."""
    assert runner.run(["sh", "-c", f"exit {rc}"], timeout=60).rc == rc


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        ("ctr", "nephoran.container_build.nerdctl_full"),
        ("nerdctl", "nephoran.container_build.nerdctl_full"),
        ("buildctl", "nephoran.container_build.nerdctl_full"),
        ("buildah", "nephoran.container_build.buildah"),
        ("zstd", "package"),
    ],
)
def test_a_command_that_is_not_there_is_named_with_a_remedy(
    runner: ModuleRunner, monkeypatch: pytest.MonkeyPatch, command: str, remedy: str
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(_runner, "EXTRA_BIN_DIRS", ["/nowhere/else"])
    for use in (runner.find, lambda command: runner.run([command, "--version"])):
        with pytest.raises(Unavailable, match=rf"not installed on this node: {command}\. Expected: ") as caught:
            use(command)
        assert "/nowhere/else" in (caught.value.expected or "")
        assert remedy in (caught.value.remedy or "")


def test_a_command_is_found_where_become_does_not_look(
    runner: ModuleRunner, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_runner, "EXTRA_BIN_DIRS", [str(tmp_path)])
    tool = script(tmp_path, "nerdctl-of-this-test", "#!/bin/sh\necho found\n")
    assert runner.find(tool.name) == str(tool)
    assert runner.run([tool.name]).text == "found\n"


def test_a_command_that_cannot_be_started_is_an_error_in_words(
    runner: ModuleRunner, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_runner, "EXTRA_BIN_DIRS", [str(tmp_path)])
    tool = script(tmp_path, "broken-of-this-test", "#!/no/such/interpreter\n")
    with pytest.raises(Unavailable, match="could not be started") as caught:
        runner.run([tool.name])
    assert caught.value.subject == str(tool)
    assert "No such file" in caught.value.tail


def test_a_word_that_no_process_can_be_given_is_an_error_in_words(runner: ModuleRunner) -> None:
    with pytest.raises(ContainerBuildError):
        runner.run(["echo", "a\0b"])


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("https://me:secret@host/x?a=b@c", "https://********@host/x?a=b@c"),
        ("--opt=build-arg:U=http://token@host", "--opt=build-arg:U=http://********@host"),
        ("git+ssh://git@host/x", "git+ssh://********@host/x"),
        ("http://a:b@one http://c:d@two", "http://********@one http://********@two"),
        ("https://host/a@b", "https://host/a@b"),
        ("user@host", "user@host"),
        ("docker.io/library/app@sha256:00", "docker.io/library/app@sha256:00"),
    ],
)
def test_users_and_passwords_of_urls_are_masked(word: str, shown: str) -> None:
    assert redact(["tool", word]) == ["tool", shown]


DIAL = 'connection error: desc = "transport: Error while dialing: dial unix'
SOCKET = "/run/containerd/containerd.sock"
BUILDKIT = "/run/buildkit/buildkitd.sock"

# What the tools themselves said when this was done to them: containerd and its clients 2.2.1, BuildKit 0.26.3.
SYMPTOMS = [
    ("ctr", f"ctr: cannot access socket {SOCKET}: stat {SOCKET}: no such file or directory", "containerd does not"),
    ("ctr", f'ctr: failed to list images: {DIAL} {SOCKET}: connect: connection refused"', "containerd does not"),
    ("ctr", f'ctr: failed to list images: {DIAL} /run/c.sock: connect: connection refused"', "containerd does not"),
    ("ctr", f'ctr: failed to list images: {DIAL} {SOCKET}: connect: permission denied"', "may not use the daemon's"),
    (
        "nerdctl",
        f'level=fatal msg="cannot access containerd socket \\"{SOCKET}\\": no such file or directory"',
        "containerd does not",
    ),
    (
        "nerdctl",
        (
            f'level=fatal msg="1 errors:\\ncontainerd image service failed: {DIAL} /run/c.sock: connect: '
            'connection refused\\": x"'
        ),
        "containerd does not",
    ),
    (
        "nerdctl",
        (
            'level=error msg="`buildctl` needs to be installed and `buildkitd` needs to be running, see '
            'https://github.com/moby/buildkit" error="failed to ping to host unix:///run/buildkit/buildkitd.sock"\n'
            'level=fatal msg="no buildkit host is available, tried 3 candidates"'
        ),
        "BuildKit does not",
    ),
    (
        "nerdctl",
        (
            'level=fatal msg="rootless containerd not running? (hint: use `containerd-rootless-setuptool.sh install` '
            'to start rootless containerd): environment variable XDG_RUNTIME_DIR is not set"'
        ),
        "may not use the daemon's",
    ),
    (
        "buildctl",
        f'error: failed to list workers: Unavailable: {DIAL} {BUILDKIT}: connect: no such file or directory"',
        "BuildKit does not",
    ),
    (
        "buildctl",
        (
            f"error: listing workers for Build: failed to list workers: Unavailable: {DIAL} {BUILDKIT}: connect: "
            'connection refused"'
        ),
        "BuildKit does not",
    ),
    (
        "buildctl",
        f'error: failed to list workers: Unavailable: {DIAL} {BUILDKIT}: connect: permission denied"',
        "may not use the daemon's",
    ),
    (
        "buildctl",
        "error: failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
        "BuildKit",
    ),
    ("ctr", "ctr: write /var/lib/containerd/x: no space left on device", "The file system is full"),
    ("buildah", "Error: write /var/tmp/x: No space left on device", "The file system is full"),
]


@pytest.mark.parametrize(("tool", "stderr", "cause"), SYMPTOMS)
def test_what_is_wrong_beneath_a_tool_is_named_with_a_remedy(tool: str, stderr: str, cause: str) -> None:
    error = failure(Completed((f"/usr/local/bin/{tool}",), 1, b"", stderr), "It did not work", subject="app:v1")
    assert isinstance(error, Unavailable)
    assert error.message.startswith("It did not work. ")
    assert cause in error.message
    assert error.subject == "app:v1"
    assert error.remedy
    assert error.tail == stderr


def test_the_remedy_for_a_forbidden_socket_is_to_become_root() -> None:
    error = failure(Completed(("ctr",), 1, b"", f"dial unix {SOCKET}: connect: permission denied"), "It did not work")
    assert "become: true" in (error.remedy or "")


@pytest.mark.parametrize(
    "stderr",
    [
        "ctr: image x: not found",
        "cp: cannot open /data/x: permission denied",
        "dial tcp 127.0.0.1:5000: connect: connection refused",
    ],
)
def test_other_failures_are_not_explained_away(stderr: str) -> None:
    error = failure(Completed(("/usr/bin/ctr", "x"), 9, b"", stderr), "It did not work", subject="app:v1")
    assert isinstance(error, ToolFailed)
    assert error.message == "It did not work: ctr exited with 9"
    assert error.tail == stderr


def test_standard_output_speaks_where_standard_error_is_silent() -> None:
    error = failure(Completed(("ctr",), 1, b"no space left on device", " \n"), "It did not work")
    assert isinstance(error, Unavailable)
    assert error.tail == "no space left on device"


def test_a_success_is_passed_on_and_a_failure_is_raised() -> None:
    done = Completed(("ctr",), 0, b"", "a warning: no space left on device")
    assert checked(done, "It did not work") is done
    with pytest.raises(ToolFailed, match="It did not work: ctr exited with 1: app"):
        checked(Completed(("ctr",), 1, b"", ""), "It did not work", subject="app")
