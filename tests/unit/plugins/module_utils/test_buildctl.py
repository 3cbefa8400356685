# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes of builds by BuildKit."""

from __future__ import annotations

import base64
import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec, Secret
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import (
    Buildctl,
    BuildctlBuilder,
    read_buildkit_build,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.build_samples import (
    BUILDKIT_SAMPLES,
    buildkit_stderr,
)

HOST = "unix:///run/buildkit/buildkitd.sock"
DOCKERFILE = "/srv/app/Dockerfile"
SPEC = BuildSpec(Reference.parse("app:v1"), "/srv/app", DOCKERFILE)


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def buildctl(runner: FakeRunner) -> Buildctl:
    return Buildctl(runner, HOST)


def test_a_build_is_started_and_reported(runner: FakeRunner, buildctl: Buildctl, tmp_path: pathlib.Path) -> None:
    runner.on("buildctl", "build", stdout="out\n", stderr=buildkit_stderr("ok"))
    log_path = tmp_path / "logs" / "build.log"
    report = BuildctlBuilder(buildctl).build(SPEC, str(log_path), timeout=60)
    assert runner.argv[:4] == ["buildctl", "--addr", HOST, "build"]
    assert runner.calls[0].timeout == 60
    assert report.command == tuple(runner.argv)
    assert report.steps[6].name == "[3/3] RUN echo built $((6*7))"
    assert report.stdout == "out\n"
    assert "built 42" in report.stderr
    assert log_path.read_text() == report.stderr + "\n"
    assert log_path.stat().st_mode & 0o777 == 0o600


def test_old_copies_of_contexts_are_dropped_first_if_the_build_asks_for_that(
    runner: FakeRunner, buildctl: Buildctl
) -> None:
    runner.on("buildctl", "prune")
    runner.on("buildctl", "build", stderr=buildkit_stderr("ok"))
    BuildctlBuilder(buildctl).build(SPEC._replace(fresh_contexts=True), None, None)
    pruned, built = runner.calls
    # Copies of contexts alone: the cache of layers is not the build's to drop.
    assert list(pruned.argv) == ["buildctl", "--addr", HOST, "prune", "--filter", "type==source.local"]
    assert built.argv[3] == "build"
    BuildctlBuilder(buildctl).build(SPEC, None, None)
    assert len(runner.commands("buildctl", "prune")) == 1


def test_urls_in_the_command_are_shown_without_their_users(runner: FakeRunner, buildctl: Buildctl) -> None:
    runner.on("buildctl", "build")
    spec = SPEC._replace(args={"PROXY": "http://me:secret@proxy"})
    report = BuildctlBuilder(buildctl).build(spec, None, None)
    assert "build-arg:PROXY=http://********@proxy" in report.command
    assert "secret" not in " ".join(report.command)


def test_a_value_of_a_secret_is_told_nowhere(tmp_path: pathlib.Path) -> None:
    """Steps may print what they were given; BuildKit hands that on in pieces, and encoded."""
    secret, log = tmp_path / "secret", tmp_path / "build.log"
    secret.write_text("s3cr3t-token\n")
    spec = SPEC._replace(secrets=(Secret("token", str(secret)),))
    vertex = {"digest": "sha256:1", "name": "[1/1] RUN echo s3cr3t-token", "started": "2026-11-24T11:00:00Z"}
    pieces = [{"vertex": "sha256:1", "data": base64.b64encode(each).decode()} for each in (b"s3cr3t-", b"token\n")]
    failure = {**vertex, "error": 'process "echo s3cr3t-token" did not complete successfully: exit code: 1'}
    lines = [{"vertexes": [vertex]}, {"logs": pieces}]
    said = "".join(json.dumps(line) + "\n" for line in lines)
    report = read_buildkit_build("nerdctl", Completed(("nerdctl",), 0, b"s3cr3t-token", said), spec, str(log))
    said += json.dumps({"vertexes": [failure]}) + f"\nerror: failed to solve: {failure['error']}\n"
    with pytest.raises(ToolFailed) as caught:
        read_buildkit_build("nerdctl", Completed(("nerdctl",), 1, b"", said), spec, None)
    for text in (repr(report), log.read_text(), str(caught.value), repr(caught.value.as_result())):
        assert "s3cr3t" not in text
        assert "********" in text


def test_the_failing_step_and_its_line_are_told() -> None:
    error = failed("run_fails").as_result()["error"]
    assert error["step"].startswith("[2/2] RUN ")
    assert (error["dockerfile"], error["dockerfile_line"]) == (DOCKERFILE, 2)


def test_a_dockerfile_that_was_given_as_text_is_called_by_its_option() -> None:
    completed = Completed(("/usr/local/bin/nerdctl", "build"), 1, b"", buildkit_stderr("run_fails"))
    spec = SPEC._replace(dockerfile="/root/.ansible/tmp/x/Dockerfile", inline_dockerfile=True)
    with pytest.raises(ToolFailed) as caught:
        read_buildkit_build("nerdctl", completed, spec, None)
    assert "(dockerfile_content, line 2)" in str(caught.value)
    assert caught.value.as_result()["error"]["dockerfile"] == "dockerfile_content"


def test_what_only_nerdctl_resolves_is_refused(buildctl: Buildctl) -> None:
    """BuildKit 0.26.3 says «failed to parse IP host-gateway»."""
    builder = BuildctlBuilder(buildctl)
    builder.refuse(SPEC._replace(etc_hosts={"db": "192.0.2.1"}, allow=("network.host",)))
    with pytest.raises(InvalidInput, match=r"The backend buildctl cannot.*etc_hosts"):
        builder.refuse(SPEC._replace(etc_hosts={"host": "host-gateway"}))


def failed(sample: str, log_path: str | None = None) -> ContainerBuildError:
    completed = Completed(("/usr/local/bin/nerdctl", "build"), 1, b"", buildkit_stderr(sample))
    with pytest.raises(ContainerBuildError) as caught:
        read_buildkit_build("nerdctl", completed, SPEC, log_path)
    return caught.value


class Ending(t.NamedTuple):
    """How a build ended: the error's class, its message, what its subject begins with, the Dockerfile's line."""

    kind: type[ContainerBuildError]
    message: str
    subject: str
    line: int


RUN = "A RUN instruction ended with exit code"
NO_BASE = "A base image could not be found"
NO_PATH = "The Dockerfile copies a path that the context does not hold"
NO_SECRET = "The Dockerfile wants a secret that the build was not given"
NO_FROM = "The Dockerfile has no FROM with the name of an image"
NO_NAME = "A FROM instruction holds what is no name of an image"
NO_GRANT = "The builder does not grant an entitlement that the build asks for"

ENDINGS: dict[str, Ending] = {
    "unknown_instruction": Ending(
        InvalidInput, "Line 2 of the Dockerfile", "unknown instruction: RUNN (did you mean RUN?)", 2
    ),
    "too_few_arguments": Ending(InvalidInput, "Line 2 of the Dockerfile", "COPY requires at least two arguments", 2),
    "empty": Ending(InvalidInput, "The Dockerfile is empty", "", 0),
    "only_comments": Ending(InvalidInput, "The Dockerfile holds no instruction", "", 1),
    "unknown_target": Ending(InvalidInput, "The Dockerfile has no such target stage", "absent (", 0),
    "unknown_registry": Ending(NotFound, NO_BASE, "registry.invalid/team/absent:9 (", 1),
    "unknown_stage_in_copy": Ending(NotFound, NO_BASE, "docker.io/library/nostage:latest (", 2),
    "base_absent": Ending(NotFound, NO_BASE, "localhost:5999/absent/app:1 (", 1),
    "base_forbidden": Ending(NotFound, NO_BASE, "localhost:5999/denied/app:1 (", 1),
    "base_wants_login": Ending(NotFound, NO_BASE, "localhost:5999/login/app:1 (", 1),
    "registry_unavailable": Ending(Unavailable, "The registry", "localhost:5999/broken/app:1 (", 1),
    "registry_refuses": Ending(Unavailable, "The registry did not answer", "localhost:5998/x/app:1 (", 1),
    "copy_missing": Ending(InvalidInput, NO_PATH, "/absent.txt (", 2),
    "copy_ignored": Ending(InvalidInput, NO_PATH, "/data (", 2),
    "run_fails": Ending(ToolFailed, f"{RUN} 7", r"/bin/sh -c echo \"about to fail\"", 2),
    "run_with_quotes_fails": Ending(ToolFailed, f"{RUN} 3", "/bin/sh -c sh -c ", 2),
    "run_heredoc_fails": Ending(ToolFailed, f"{RUN} 9", r"/bin/sh -c echo \"a {brace}", 2),
    "command_not_found": Ending(ToolFailed, f"{RUN} 127", "/bin/sh -c /no/such/program (", 2),
    "output_in_pieces": Ending(ToolFailed, f"{RUN} 1", "/bin/sh -c printf", 2),
    "parallel_stages": Ending(ToolFailed, f"{RUN} 7", "/bin/sh -c sleep 2; echo bad ends; exit 7 (", 4),
    "entitlement": Ending(InvalidInput, NO_GRANT, "security.insecure (", 0),
    "entitlement_not_granted": Ending(InvalidInput, NO_GRANT, "network.host (", 0),
    "daemon_killed": Ending(Unavailable, "The build failed. BuildKit", "docker.io/library/app:v1", 0),
    "secret_missing": Ending(InvalidInput, NO_SECRET, "token (", 2),
    "base_left_blank": Ending(InvalidInput, NO_FROM, "$BASE (", 2),
    "base_in_upper_case": Ending(InvalidInput, NO_NAME, "docker.io/library/UPPER:v1 (", 1),
}


@pytest.mark.parametrize("sample", ENDINGS)
def test_what_ended_a_build(sample: str) -> None:
    ending, error = ENDINGS[sample], failed(sample)
    assert isinstance(error, ending.kind)
    assert error.message.startswith(ending.message)
    assert (error.subject or "").startswith(ending.subject)
    if ending.line:
        assert f"{DOCKERFILE}, line {ending.line}" in (error.subject or "")
    # The words of the builder itself are always there, and none of its JSON.
    assert error.tail.splitlines()[-1] in buildkit_stderr(sample)
    assert '{"' not in str(error)


def test_every_sample_of_a_failure_has_an_expectation() -> None:
    assert set(BUILDKIT_SAMPLES) - {"ok", "cached"} == set(ENDINGS)


def test_the_failing_steps_own_words_are_told_not_those_of_others() -> None:
    assert failed("run_fails").tail.splitlines()[:2] == ["about to fail", "and why"]
    parallel = failed("parallel_stages").tail
    assert "bad ends" in parallel
    assert "slow begins" not in parallel


@pytest.mark.parametrize("sample", ["unknown_registry", "base_absent", "base_forbidden", "base_wants_login"])
def test_who_lacks_a_base_is_told_of_credentials_and_mirrors(sample: str) -> None:
    assert "credentials" in (failed(sample).remedy or "")


def test_a_failed_build_leaves_its_log_too(tmp_path: pathlib.Path) -> None:
    log_path = tmp_path / "build.log"
    failed("run_fails", str(log_path))
    text = log_path.read_text()
    assert "and why" in text
    assert text.rstrip().endswith("exit code: 7")


def test_a_log_is_not_written_through_a_link(tmp_path: pathlib.Path) -> None:
    victim, link = tmp_path / "victim", tmp_path / "build.log"
    victim.write_text("mine")
    link.symlink_to(victim)
    completed = Completed(("nerdctl",), 0, b"", buildkit_stderr("ok"))
    with pytest.raises(Unavailable, match="log could not be written"):
        read_buildkit_build("nerdctl", completed, SPEC, str(link))
    assert victim.read_text() == "mine"
