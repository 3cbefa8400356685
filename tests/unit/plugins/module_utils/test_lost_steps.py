# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps that nobody waits for are ended; all else stays."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils import _lost_steps
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    BuildReport,
    BuildSpec,
    RootRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd import Containerd
from ansible_collections.nephoran.container_build.plugins.module_utils._ctr import Ctr
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._lost_steps import (
    BuilderThatCleansUp,
    LostSteps,
    containerd_witness,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner

SOCKET = "/run/containerd/containerd.sock"
CONTAINERD, BUILDKITD, SHIM = 10, 20, 30
STEP = "uaq10qul9qs8njufj1tp17iu4"


class Machine:
    """A machine on which BuildKit runs a step in the namespace ``default``, and what serves it is older than that."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.proc = folder / "proc"
        self.root = folder / "buildkit"
        self.worker = self.root / "containerd-overlayfs"
        self.worker.mkdir(parents=True)
        (self.worker / "metadata_v2.db").touch()
        self.bundles = folder / "io.containerd.runtime.v2.task"
        self.runner = FakeRunner()
        self.runner.on("ctr")
        self.runner.on("ctr", "tasks", "rm", do=self._task_removed)
        self.shims_stay = False
        self.runner.on("containerd")
        self.listener: int | None = CONTAINERD
        self.start(CONTAINERD, "/usr/local/bin/containerd", began=100)
        self.start(BUILDKITD, "/usr/local/bin/buildkitd", began=200, opened=self.root / "buildkitd.lock")
        self.start_container(SHIM, began=300)

    def start(self, pid: int, executable: str, *, began: int, opened: pathlib.Path | None = None) -> pathlib.Path:
        process = self.proc / str(pid)
        (process / "fd").mkdir(parents=True)
        (process / "exe").symlink_to(executable)
        (process / "root").symlink_to("/")
        fields = " ".join(["S", "1", *["0"] * 17, str(began), "0"])
        (process / "stat").write_text(f"{pid} (odd) name) {fields}\n")
        if opened is not None:
            (process / "fd" / "5").symlink_to(opened)
        return process

    def start_container(
        self, pid: int, *, began: int, name: str = STEP, namespace: str = "default", sources: t.Sequence[str] = ()
    ) -> None:
        resolv_conf, hosts = sources or (f"{self.worker}/resolv.conf", f"{self.worker}/hosts.1")
        mounts = [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/etc/resolv.conf", "type": "bind", "source": resolv_conf},
            {"destination": "/etc/hosts", "type": "bind", "source": hosts},
        ]
        bundle = self.bundles / namespace / name
        bundle.mkdir(parents=True)
        (bundle / "config.json").write_text(json.dumps({"mounts": mounts}))
        (self.start(pid, "/usr/local/bin/containerd-shim-runc-v2", began=began) / "cwd").symlink_to(bundle)

    def _task_removed(self, call: Call) -> Answer:
        for process in list(self.proc.glob("[0-9]*/cwd")):
            if not self.shims_stay and os.readlink(process).endswith(f"/{call.argv[-1]}"):
                self.end(int(process.parent.name))
        return Answer()

    def end(self, pid: int) -> None:
        (self.proc / str(pid)).rename(self.proc / f"gone-{pid}")

    def lost_steps(self) -> LostSteps:
        processes = ProcessTable(str(self.proc))
        containerd = Containerd(self.runner.dial(SOCKET, None), SOCKET)
        return LostSteps(containerd, Ctr(self.runner, SOCKET), f"unix://{SOCKET}", "default", processes, self._peer)

    def _peer(self, path: str) -> int | None:
        assert path == SOCKET
        return self.listener

    @property
    def removed(self) -> list[str]:
        return [call.argv[-1] for call in self.runner.calls if "rm" in call.argv]


@pytest.fixture
def machine(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(_lost_steps, "_TRY_SECONDS", 0.01)
    return Machine(tmp_path)


def test_a_step_that_is_watched_over_stays(machine: Machine) -> None:
    assert machine.lost_steps().end() == []
    assert machine.removed == []


def test_a_step_without_its_buildkit_is_ended_with_its_container(machine: Machine) -> None:
    machine.end(BUILDKITD)
    assert machine.lost_steps().end() == [STEP]
    in_default = ("ctr", "--address", SOCKET, "--namespace", "default")
    assert [call.argv for call in machine.runner.calls if "rm" in call.argv] == [
        (*in_default, "tasks", "rm", "--force", STEP),
        (*in_default, "containers", "rm", "--keep-snapshot", STEP),
    ]


@pytest.fixture
def killed(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The processes that were killed since, which end by it."""
    killed: list[int] = []

    def kill(pid: int, number: int) -> None:
        assert number == signal.SIGKILL
        killed.append(pid)
        machine.end(pid)

    monkeypatch.setattr(os, "kill", kill)
    monkeypatch.setattr(_lost_steps, "SHIM_SECONDS", 0.05)
    return killed


def test_a_shim_that_containerd_forgot_is_killed(machine: Machine, killed: list[int]) -> None:
    machine.end(BUILDKITD)
    machine.shims_stay = True
    machine.start_container(SHIM + 1, began=310, name="a-users", sources=("/etc/resolv.conf", "/etc/hosts"))
    assert machine.lost_steps().end() == [STEP]
    assert killed == [SHIM]


def test_a_shim_that_ends_by_itself_is_not_killed_nor_what_has_its_number_then(
    machine: Machine, killed: list[int]
) -> None:
    machine.end(BUILDKITD)
    machine.runner.on("ctr", "containers", "rm", do=lambda _call: machine.start(SHIM, "/bin/x", began=999) and Answer())
    assert machine.lost_steps().end() == [STEP]
    assert killed == []


def test_a_step_of_the_buildkit_before_is_ended(machine: Machine) -> None:
    machine.end(BUILDKITD)
    machine.start(BUILDKITD + 1, "/usr/local/bin/buildkitd", began=400, opened=machine.root / "buildkitd.lock")
    machine.start_container(SHIM + 1, began=500, name="of-the-new-one")
    assert machine.lost_steps().end() == [STEP]


def test_a_step_of_the_containerd_before_is_ended(machine: Machine) -> None:
    machine.end(CONTAINERD)
    machine.listener = CONTAINERD + 1
    machine.start(CONTAINERD + 1, "/usr/local/bin/containerd", began=400)
    machine.start_container(SHIM + 1, began=500, name="of-the-new-one")
    assert machine.lost_steps().end() == [STEP]


@pytest.mark.parametrize("listener", [None, 0])
def test_a_containerd_that_cannot_be_seen_proves_nothing(machine: Machine, listener: int | None) -> None:
    machine.listener = listener
    assert machine.lost_steps().end() == []


@pytest.mark.parametrize(
    "sources",
    [
        ("/etc/resolv.conf", "/etc/hosts"),
        ("{worker}/resolv.conf", "/etc/hosts"),
        ("/srv/elsewhere/resolv.conf", "/srv/elsewhere/hosts"),
    ],
)
def test_containers_of_users_stay(machine: Machine, sources: tuple[str, str]) -> None:
    machine.end(BUILDKITD)
    given = tuple(source.format(worker=machine.worker) for source in sources)
    machine.start_container(SHIM + 1, began=300, name="a-users", sources=given)
    machine.start_container(SHIM + 2, began=300, name="in-another", namespace="k8s.io")
    assert machine.lost_steps().end() == [STEP]


def test_a_document_that_cannot_be_read_proves_nothing(machine: Machine) -> None:
    machine.end(BUILDKITD)
    (machine.bundles / "default" / STEP / "config.json").write_text("{")
    assert machine.lost_steps().end() == []
    (machine.bundles / "default" / STEP / "config.json").unlink()
    assert machine.lost_steps().end() == []


def test_nothing_is_ended_where_not_all_can_be_seen(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.end(BUILDKITD)
    hidden, listdir = str(machine.proc / str(CONTAINERD) / "fd"), os.listdir

    def look(path: str) -> list[str]:
        if path == hidden:
            raise PermissionError(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", look)
    assert machine.lost_steps().end() == []


def test_containerd_is_waited_for(machine: Machine) -> None:
    machine.end(BUILDKITD)
    answers = iter([Answer(rc=grpc.UNAVAILABLE, stderr="connection refused")] * 3 + [Answer()])
    machine.runner.on("containerd", "namespaces.List", do=lambda _call: next(answers))
    assert machine.lost_steps().end() == [STEP]
    assert len(machine.runner.commands("containerd", "namespaces.List")) == 4


def test_containerd_is_not_waited_for_without_end(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_lost_steps, "CONTAINERD_SECONDS", 0.05)
    machine.end(BUILDKITD)
    machine.runner.on("containerd", "namespaces.List", rc=2, stderr="it is not there")
    with pytest.raises(ToolFailed, match="namespaces could not be listed"):
        machine.lost_steps().end()


def test_what_goes_meanwhile_is_no_error_and_its_shim_does_not_stay(machine: Machine, killed: list[int]) -> None:
    machine.end(BUILDKITD)
    for kind in ("tasks", "containers"):
        machine.runner.on(
            *("ctr", "--address", SOCKET, "--namespace", "default", kind), rc=1, stderr=f'container "{STEP}": not found'
        )
    assert machine.lost_steps().end() == [STEP]
    assert killed == [SHIM]


def test_a_containerd_that_is_gone_is_told_of(machine: Machine) -> None:
    processes = ProcessTable(str(machine.proc))
    witness = containerd_witness(f"unix://{SOCKET}", processes, lambda _path: CONTAINERD)
    assert witness() == ""
    machine.end(CONTAINERD)
    assert f"ended meanwhile (process {CONTAINERD})" in witness()
    # Another process may have got its number.
    machine.start(CONTAINERD, "/usr/bin/sleep", began=900)
    assert "ended meanwhile" in witness()


def refused(path: str) -> int | None:
    raise PermissionError(path)


@pytest.mark.parametrize("peer", [lambda _path: None, lambda _path: 0, refused])
def test_a_containerd_that_cannot_be_seen_is_not_told_of(machine: Machine, peer: t.Callable[[str], int | None]) -> None:
    witness = containerd_witness(SOCKET, ProcessTable(str(machine.proc)), peer)
    machine.end(CONTAINERD)
    assert witness() == ""


class FailingBuilder:
    """A builder that fails with each of the errors given, and then loses its daemon."""

    name = "buildctl"
    keeps_contexts = True

    def __init__(self, *errors: ContainerBuildError) -> None:
        self._errors = list(errors)

    def refuse(self, spec: BuildSpec) -> None:
        raise NotImplementedError

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        raise self._errors.pop(0) if self._errors else Unavailable("BuildKit ended", remedy="run the task again")

    def write_root(self, root: RootRequest) -> None:
        raise NotImplementedError


def failed_build(machine: Machine) -> Unavailable:
    builder = BuilderThatCleansUp(FailingBuilder(), machine.lost_steps())
    with pytest.raises(Unavailable, match="BuildKit ended") as caught:
        builder.build(t.cast("BuildSpec", None), None, None)
    return caught.value


def test_a_failed_build_tells_what_it_ended(machine: Machine) -> None:
    assert "ended_steps" not in failed_build(machine).as_result()["error"]
    machine.end(BUILDKITD)
    assert failed_build(machine).as_result()["error"]["ended_steps"] == [STEP]


def test_a_failed_build_keeps_its_reason_if_a_step_cannot_be_ended(machine: Machine) -> None:
    machine.end(BUILDKITD)
    machine.runner.on(*("ctr", "--address", SOCKET, "--namespace", "default", "tasks"), rc=1, stderr="it resists")
    error = failed_build(machine)
    assert error.remedy is not None
    assert error.remedy.startswith("run the task again; see to steps")
    assert "it resists" in error.remedy


def test_a_build_that_loses_a_snapshot_is_tried_again(machine: Machine) -> None:
    said = 'failed to prepare extraction snapshot "extract-1": parent snapshot sha256:00 does not exist: not found'
    builder = BuilderThatCleansUp(FailingBuilder(ToolFailed("The build failed", tail=said)), machine.lost_steps())
    with pytest.raises(Unavailable, match="BuildKit ended"):
        builder.build(t.cast("BuildSpec", None), None, None)
