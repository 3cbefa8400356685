# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""image_build with builders that do not build in the node's containerd: on other machines, or without root."""

from __future__ import annotations

import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _build_backends
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.module_utils._tcp_answers import CONNECTED, TcpAnswers
from ansible_collections.nephoran.container_build.plugins.modules import image_build
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode

NAME = "docker.io/library/app:v1"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    # The daemon's own containerd is not the node's.
    node = FakeNode(monkeypatch, tmp_path, worker="elsewhere")
    monkeypatch.setattr(_build_backends, "ModuleRunner", lambda _module: node.runner)
    monkeypatch.setattr(TcpAnswers, "wait", lambda _self: [CONNECTED, CONNECTED])
    return node


@pytest.fixture
def build(run_module: Run, context: pathlib.Path, tmp_path: pathlib.Path) -> Run:
    files = {option: str(tmp_path / option) for option in ("tls_ca", "tls_cert", "tls_key")}
    for path in files.values():
        pathlib.Path(path).touch()
    builders = [{"address": f"tcp://{host}:1234", **files} for host in ("one", "two")]

    def build(*, check: bool = False, **options: t.Any) -> t.Any:
        given = {"name": "app:v1", "path": str(context), "backend": "buildctl", "builders": builders, **options}
        return run_module(image_build.main, given, check=check, diff=True)

    return build


def test_the_image_comes_into_the_nodes_containerd(node: FakeNode, build: Run) -> None:
    checked = build(namespace="k8s.io", pinned=True, check=True).result
    assert checked["changed"]
    assert node.builds == []
    result = build(namespace="k8s.io", pinned=True).result
    assert result["changed"]
    assert result["actions"] == checked["actions"]
    assert result["namespace"] == "k8s.io"
    record = node.containerd.record("k8s.io", NAME)
    assert result["digest"] == str(record.target.digest)
    assert record.labels == {PINNED_LABEL: "pinned"}
    assert node.containerd.whole("k8s.io", NAME)
    again = build(namespace="k8s.io", pinned=True).result
    assert (again["changed"], again["command"]) == (False, [])
    assert len(node.builds) == 1


def test_it_is_built_for_the_node_and_not_for_the_machine_that_builds(node: FakeNode, build: Run) -> None:
    build()
    assert "platform=linux/amd64" in node.builds[0].values_of("--opt")


def test_no_context_that_the_daemon_kept_is_relied_on(node: FakeNode, build: Run, context: pathlib.Path) -> None:
    build()
    (context / "file").write_text("another")
    build()
    assert len(node.runner.commands("buildctl", "prune")) == len(node.builds) == 2


def test_the_next_builder_is_taken_and_a_warning_names_the_first(node: FakeNode, build: Run) -> None:
    node.runner.on("buildctl", "--addr", "tcp://one:1234", rc=1, stderr="connection refused")
    run = build()
    assert [call.value_of("--addr") for call in node.builds] == ["tcp://two:1234"]
    assert "A builder was skipped: tcp://one:1234: connection refused" in str(run.result["warnings"])


def test_if_none_answers_nothing_changes(node: FakeNode, build: Run) -> None:
    node.runner.on("buildctl", rc=1, stderr="connection refused")
    failed = build()
    assert failed.failed
    assert failed.result["error"]["kind"] == "unavailable"
    assert node.containerd.names("default") == []


@pytest.mark.parametrize("backend", ["nerdctl", "buildah"])
def test_only_buildctl_builds_on_other_machines(node: FakeNode, build: Run, backend: str) -> None:
    failed = build(backend=backend)
    assert failed.failed
    assert f"{backend} does not build on other machines: builders" in failed.result["msg"]


def test_a_pool_and_one_daemon_are_not_asked_for_together(node: FakeNode, build: Run) -> None:
    failed = build(buildkit_host=BUILDKIT)
    assert failed.failed
    assert "Either a pool of builders or one daemon builds" in failed.result["msg"]


@pytest.mark.parametrize("kind", ["local", "tar"])
def test_a_root_file_system_is_refused_before_anything_is_built(
    node: FakeNode, build: Run, tmp_path: pathlib.Path, kind: str
) -> None:
    failed = build(outputs=[{"type": kind, "dest": str(tmp_path / "out")}])
    assert failed.failed
    assert f"outputs: type {kind}" in failed.result["msg"]
    assert node.runner.calls == []


def test_a_bad_pool_is_refused_although_nothing_has_to_be_built(node: FakeNode, build: Run) -> None:
    build()
    failed = build(builders=[{"address": "one", "tls_ca": "/", "tls_cert": "/", "tls_key": "/"}])
    assert failed.failed
    assert "Not the address of a remote builder" in failed.result["msg"]


ROOTLESS = "unix:///run/buildkit-rootless/buildkitd.sock"


@pytest.fixture
def build_without_root(node: FakeNode, run_module: Run, context: pathlib.Path) -> Run:
    # It keeps its images to itself.
    node.worker = ""

    def build(*, check: bool = False, **options: t.Any) -> t.Any:
        given = {"name": "app:v1", "path": str(context), "buildkit_host": ROOTLESS, "namespace": "k8s.io", **options}
        return run_module(image_build.main, given, check=check, diff=True)

    return build


@pytest.mark.parametrize("backend", ["nerdctl", "buildctl"])
def test_a_daemon_without_root_builds_for_the_nodes_containerd(
    node: FakeNode, build_without_root: Run, backend: str
) -> None:
    checked = build_without_root(backend=backend, check=True).result
    result = build_without_root(backend=backend).result
    assert (result["changed"], result["actions"]) == (True, checked["actions"])
    assert result["digest"] == str(node.containerd.record("k8s.io", NAME).target.digest)
    assert node.containerd.whole("k8s.io", NAME)
    assert node.containerd.names("default") == []
    (call,) = node.builds
    assert call.argv[0] == backend
    assert ROOTLESS in (*call.argv, *(call.environ or {}).values())
    again = build_without_root(backend=backend).result
    assert (again["changed"], len(node.builds)) == (False, 1)


@pytest.mark.parametrize("kind", ["local", "tar"])
def test_a_daemon_without_root_writes_no_root_file_system(
    node: FakeNode, build_without_root: Run, tmp_path: pathlib.Path, kind: str
) -> None:
    failed = build_without_root(outputs=[{"type": kind, "dest": str(tmp_path / "out")}])
    assert failed.failed
    assert f"outputs: type {kind}. To do: take an archive" in failed.result["msg"]
    assert "a daemon that has a containerd worker" in failed.result["msg"]
    assert node.builds == []


def test_what_a_daemon_without_root_grants_to_nobody_is_said(node: FakeNode, build_without_root: Run) -> None:
    said = "error: failed to solve: granting entitlement security.insecure is not allowed by build daemon configuration"
    node.runner.on("buildctl", "build", rc=1, stderr=said)
    failed = build_without_root(backend="buildctl", allow=["security.insecure"])
    assert failed.failed
    assert "does not grant an entitlement that the build asks for: security.insecure" in failed.result["msg"]
    assert "the daemon of buildkit_rootless grants none" in failed.result["msg"]
