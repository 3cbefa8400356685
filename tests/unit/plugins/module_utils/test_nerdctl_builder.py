# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds by nerdctl; its words are in test_build_spec.py, the endings of builds in test_buildctl.py."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import Buildctl
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_builder import NerdctlBuilder
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.build_samples import buildkit_stderr

HOST = "unix:///run/buildkit-k8s.io/buildkitd.sock"
SPEC = BuildSpec(Reference.parse("app:v1"), "/srv/app", "/srv/app/Dockerfile")


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def builder(runner: FakeRunner) -> NerdctlBuilder:
    return NerdctlBuilder(Nerdctl(runner, "/run/c.sock", timeout=7), "k8s.io", Buildctl(runner, HOST))


def test_nerdctl_is_told_which_daemon_and_which_namespace(runner: FakeRunner, builder: NerdctlBuilder) -> None:
    runner.on("nerdctl", stderr=buildkit_stderr("ok"))
    report = builder.build(SPEC, None, timeout=60)
    assert runner.argv[:6] == ["nerdctl", "--address", "/run/c.sock", "--namespace", "k8s.io", "build"]
    assert runner.calls[0].environ == {"BUILDKIT_HOST": HOST}
    assert runner.calls[0].timeout == 60
    assert report.command == tuple(runner.argv)
    assert report.steps[-1].name == "exporting to image"


def test_where_buildkit_would_use_an_old_copy_it_is_made_to_drop_it_first(
    runner: FakeRunner, builder: NerdctlBuilder
) -> None:
    runner.on("buildctl")
    runner.on("nerdctl", stderr=buildkit_stderr("ok"))
    report = builder.build(SPEC._replace(fresh_contexts=True), None, timeout=60)
    pruned, built = runner.calls
    assert list(pruned.argv) == ["buildctl", "--addr", HOST, "prune", "--filter", "type==source.local"]
    assert report.command == built.argv


def test_if_it_does_not_nothing_is_built(runner: FakeRunner, builder: NerdctlBuilder) -> None:
    runner.on("buildctl", rc=1, stderr="error: it broke")
    with pytest.raises(ToolFailed, match="did not drop its copies of contexts"):
        builder.build(SPEC._replace(fresh_contexts=True), None, timeout=60)
    assert runner.commands("nerdctl") == []


def test_everything_that_the_options_know_can_be_built(builder: NerdctlBuilder) -> None:
    builder.refuse(SPEC._replace(etc_hosts={"host": "host-gateway"}, network="default", allow=("x",)))


def test_a_failed_build_names_nerdctl(runner: FakeRunner, builder: NerdctlBuilder) -> None:
    runner.on("nerdctl", rc=1, stderr=buildkit_stderr("run_fails"))
    with pytest.raises(ToolFailed, match="A RUN instruction ended with exit code 7"):
        builder.build(SPEC, None, None)


def test_a_daemon_that_went_away_is_no_failure_of_the_dockerfile(runner: FakeRunner, builder: NerdctlBuilder) -> None:
    runner.on("nerdctl", rc=1, stderr='level=fatal msg="no buildkit host is available, tried 3 candidates"')
    with pytest.raises(Unavailable, match=r"The build failed\. BuildKit does not answer on its socket: docker\.io/"):
        builder.build(SPEC, None, None)
