# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers that run once."""

from __future__ import annotations

import dataclasses
import pathlib
import stat
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._container_run import (
    RunOutcome,
    RunRequest,
    run_once,
    run_words,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner

NAME = "docker.io/library/app:v1"
PLAIN = RunRequest(Reference.parse("app:v1"), "default")


def fatal(message: str) -> str:
    return f'time="2026-11-24T11:46:47Z" level=fatal msg="{message}"\n'


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


def run(runner: FakeRunner, scratch: pathlib.Path, **changes: t.Any) -> RunOutcome:
    return run_once(Nerdctl(runner, "/run/c.sock", timeout=9), dataclasses.replace(PLAIN, **changes), str(scratch))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({}, ["--pull=missing", NAME]),
        ({"pull": "never"}, ["--pull=never", NAME]),
        ({"command": ("sh", "-c", "echo $HOME; exit 3")}, ["--pull=missing", NAME, "sh", "-c", "echo $HOME; exit 3"]),
        ({"command": ("--rm", "")}, ["--pull=missing", NAME, "--rm", ""]),
        ({"network": "none"}, ["--pull=missing", "--network", "none", NAME]),
        (
            {"volumes": ("/a:/b:ro", "/c:/d")},
            ["--pull=missing", "--volume", "/a:/b:ro", "--volume", "/c:/d", NAME],
        ),
        ({"user": "1000:1000"}, ["--pull=missing", "--user", "1000:1000", NAME]),
        ({"working_dir": "/srv"}, ["--pull=missing", "--workdir", "/srv", NAME]),
        ({"entrypoint": "/bin/sh"}, ["--pull=missing", "--entrypoint", "/bin/sh", NAME]),
        ({"entrypoint": ""}, ["--pull=missing", "--entrypoint", "", NAME]),
    ],
)
def test_each_option_in_nerdctls_words(change: dict[str, t.Any], words: list[str]) -> None:
    assert run_words(dataclasses.replace(PLAIN, **change), "x", None) == ["run", "--rm", "--name", "x", *words]


def test_every_option_is_pinned() -> None:
    pinned = {"pull", "command", "network", "volumes", "user", "working_dir", "entrypoint"}
    assert pinned | {"image", "namespace", "env"} == {field.name for field in dataclasses.fields(RunRequest)}


def test_a_container_runs_to_its_end(runner: FakeRunner, tmp_path: pathlib.Path) -> None:
    runner.on("nerdctl", stdout="out\n", stderr="err\n")
    outcome = run(runner, tmp_path, namespace="k8s.io", command=("true",))
    assert outcome == RunOutcome(runner.calls[0].argv, 0, "out\n", "err\n")
    assert runner.argv[:6] == ["nerdctl", "--address", "/run/c.sock", "--namespace", "k8s.io", "run"]
    assert runner.argv[-2:] == [NAME, "true"]
    assert runner.calls[0].timeout == 9


def test_each_container_has_a_name_of_its_own(runner: FakeRunner, tmp_path: pathlib.Path) -> None:
    runner.on("nerdctl")
    run(runner, tmp_path)
    run(runner, tmp_path)
    one, other = (call.value_of("--name") for call in runner.calls)
    assert one != other


def test_variables_reach_it_in_a_file_that_only_its_owner_reads(runner: FakeRunner, tmp_path: pathlib.Path) -> None:
    seen: list[tuple[str, int]] = []

    def answer(call: Call) -> Answer:
        path = pathlib.Path(call.value_of("--env-file"))
        seen.append((path.read_text(encoding="utf-8"), stat.S_IMODE(path.stat().st_mode)))
        return Answer()

    runner.on("nerdctl", do=answer)
    outcome = run(runner, tmp_path, env={"TOKEN": "s3cret = #x ü", "EMPTY": ""})
    assert seen == [("TOKEN=s3cret = #x ü\nEMPTY=\n", 0o600)]
    assert "s3cret" not in " ".join(outcome.command)
    assert runner.calls[0].environ is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "env", [{"A=B": "x"}, {"": "x"}, {"A B": "x"}, {"#A": "x"}, {"A": "x\ny"}, {"A": "x\0"}, {"A\n": "x"}, {"A\0": "x"}]
)
def test_a_variable_that_would_be_another_one_is_refused(
    runner: FakeRunner, tmp_path: pathlib.Path, env: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput, match="Not an environment variable") as caught:
        run(runner, tmp_path, env=env)
    assert str(caught.value).isprintable()
    assert runner.calls == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("rc", "stderr"),
    [
        (3, "err\n"),
        (127, "sh: x: not found\n"),
        # The container's own program may log as nerdctl does, and end as it likes.
        (3, 'time="2026-11-24T11:46:47Z" level=fatal msg="my database is gone"\n'),
        (0, 'time="2026-11-24T11:46:47Z" level=fatal msg="but I go on"\n'),
    ],
)
def test_how_the_container_ended_is_the_callers_business(
    runner: FakeRunner, tmp_path: pathlib.Path, rc: int, stderr: str
) -> None:
    runner.on("nerdctl", rc=rc, stderr=stderr)
    outcome = run(runner, tmp_path)
    assert (outcome.rc, outcome.stderr) == (rc, stderr)


RUNC = "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process"


@pytest.mark.parametrize(
    ("stderr", "kind", "message"),
    [
        (fatal('image not available: \\"docker.io/library/app:v1\\"'), NotFound, "There is no such image"),
        (
            'time="x" level=info msg="fetch failed after status: 404 Not Found" host="r.example.com"\n'
            + fatal('failed to resolve reference \\"r.example.com/app:1\\": r.example.com/app:1: not found'),
            NotFound,
            "There is no such image",
        ),
        (
            fatal(
                'failed to resolve reference \\"localhost:5998/app:1\\": failed to do request: Head '
                '\\"http://localhost:5998/v2/app/manifests/1\\": dial tcp 127.0.0.1:5998: connect: connection refused'
            ),
            (ToolFailed, Unavailable),
            "",
        ),
        (
            fatal(
                f'{RUNC}: error during container init: exec: \\"/no/such\\": stat /no/such: no such file or directory'
            ),
            ToolFailed,
            "The container could not be run",
        ),
        (
            fatal(f'{RUNC}: error during container init: exec: \\"ls\\": executable file not found in $PATH'),
            ToolFailed,
            "The container could not be run",
        ),
        (
            fatal('needs CNI plugin \\"bridge\\" to be installed in CNI_PATH (\\"/opt/cni/bin\\")'),
            ToolFailed,
            "The container could not be run",
        ),
        (
            fatal('cannot access containerd socket \\"/run/containerd/containerd.sock\\": no such file or directory'),
            Unavailable,
            "The container could not be run. containerd does not answer",
        ),
        (fatal("write /var/lib/x: no space left on device"), Unavailable, "The container could not be run. The file"),
    ],
)
def test_a_container_that_could_not_be_started(
    runner: FakeRunner, tmp_path: pathlib.Path, stderr: str, kind: type[ContainerBuildError], message: str
) -> None:
    runner.on("nerdctl", rc=1, stderr=stderr)
    with pytest.raises(kind) as caught:
        run(runner, tmp_path)
    assert caught.value.message.startswith(message)
    assert caught.value.message != "There is no such image" or kind is NotFound
    assert caught.value.subject == f"{NAME} in default"
    assert caught.value.tail == stderr.strip()


class TestTimeLimit:
    """Stopping the client leaves the container, which has to go too."""

    def limit(self, runner: FakeRunner) -> None:
        def late(call: Call) -> Answer:
            raise ToolFailed("nerdctl did not end within 9 s and was stopped")

        runner.on("nerdctl", "run", do=late)

    def test_the_container_is_removed(self, runner: FakeRunner, tmp_path: pathlib.Path) -> None:
        self.limit(runner)
        runner.on("nerdctl", "rm")
        with pytest.raises(ToolFailed, match="did not end within 9 s"):
            run(runner, tmp_path, namespace="k8s.io", env={"A": "b"})
        started, removed = runner.calls
        assert removed.argv[3:] == ("--namespace", "k8s.io", "rm", "--force", started.value_of("--name"))
        assert list(tmp_path.iterdir()) == []

    def test_the_first_error_is_the_one_that_is_told(self, runner: FakeRunner, tmp_path: pathlib.Path) -> None:
        self.limit(runner)

        def gone(call: Call) -> Answer:
            raise Unavailable("nobody answers")

        runner.on("nerdctl", "rm", do=gone)
        with pytest.raises(ToolFailed, match="did not end within 9 s"):
            run(runner, tmp_path)
