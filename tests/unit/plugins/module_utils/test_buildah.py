# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""buildah's store, and what comes of its builds; its words are in test_build_spec.py."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec, Secret
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah, BuildahBuilder
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.build_samples import (
    BUILDAH_SAMPLES,
    buildah_run,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP = Reference.parse("app:v1")
DOCKERFILE = "/srv/app/Dockerfile"
SPEC = BuildSpec(APP, "/srv/app", DOCKERFILE)


def inspected(images: ImageFactory, manifest: oci.Descriptor) -> dict[str, t.Any]:
    """What `buildah inspect --type image` of 1.28.2 prints, as far as it is read."""
    raw = images.read(manifest)
    config = oci.Manifest.parse(raw).config
    return {
        "Type": "buildah 0.0.1",
        "FromImage": "docker.io/library/app:v1",
        "FromImageID": config.digest.encoded,
        "FromImageDigest": str(manifest.digest),
        "Config": images.read(config).decode(),
        "Manifest": raw.decode(),
    }


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def buildah(runner: FakeRunner) -> Buildah:
    return Buildah(runner, timeout=7)


@pytest.mark.parametrize(("in_task", "expected"), [(None, "400"), ("75", "75")])
def test_collects_garbage_less_often_unless_the_task_says_how_often(
    buildah: Buildah, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch, in_task: str | None, expected: str
) -> None:
    monkeypatch.delenv("GOGC", raising=False)
    if in_task is not None:
        monkeypatch.setenv("GOGC", in_task)
    runner.on("buildah", "tag")
    buildah.tag("app:v1", "app:v2")
    (call,) = runner.commands("buildah", "tag")
    assert call.environ == {"GOGC": expected}


def test_what_a_call_tells_buildah_is_beside_that(buildah: Buildah, runner: FakeRunner) -> None:
    runner.on("buildah", "push")
    buildah.push("app:v1", "docker://app:v2", insecure=False, environ={"REGISTRY_AUTH_FILE": "/scratch/config.json"})
    (call,) = runner.commands("buildah", "push")
    assert call.environ is not None
    assert set(call.environ) == {"GOGC", "REGISTRY_AUTH_FILE"}


def test_an_image_is_read_out_of_the_store(runner: FakeRunner, buildah: Buildah) -> None:
    images = ImageFactory()
    manifest = images.manifest("linux/arm64", labels={"a": "b"})
    runner.on("buildah", "inspect", stdout=json.dumps(inspected(images, manifest)))
    image = buildah.find(APP)
    assert image is not None
    assert runner.argv == ["buildah", "inspect", "--type", "image", "docker.io/library/app:v1"]
    assert runner.calls[0].timeout == 7
    assert (image.name, image.digest) == ("docker.io/library/app:v1", str(manifest.digest))
    assert image.manifest.raw == images.read(manifest)
    assert image.config.labels == {"a": "b"}
    assert image.config_digest == str(image.manifest.config.digest)


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("app:v1", "localhost/app:v1"),
        ("team/app", "localhost/team/app:latest"),
        ("registry.example.com/app:1", "localhost/registry.example.com/app:1"),
    ],
)
def test_a_short_name_is_looked_for_where_buildah_puts_it(
    runner: FakeRunner, buildah: Buildah, name: str, asked: str
) -> None:
    runner.on("buildah", rc=125, stderr="image not known")
    assert buildah.find_short(Reference.parse(name)) is None
    assert runner.argv[-1] == asked


@pytest.mark.parametrize(
    "said",
    [
        'Error: reading build container: locating image "docker.io/library/app:v1": image not known',
        "Error: docker.io/library/app:v1: image not known",
        'Error: error reading image: no such image "x"',
    ],
)
def test_an_image_that_is_not_there(runner: FakeRunner, buildah: Buildah, said: str) -> None:
    runner.on("buildah", rc=125, stderr=said)
    assert buildah.find(APP) is None


def test_another_failure_is_no_absence(runner: FakeRunner, buildah: Buildah) -> None:
    runner.on("buildah", rc=125, stderr="Error: database is locked")
    with pytest.raises(ToolFailed, match="could not inspect the image: buildah exited with 125"):
        buildah.find(APP)


@pytest.mark.parametrize(
    "stdout",
    [
        "",
        "[]",
        "{}",
        '{"Manifest": "{}"}',
        '{"Manifest": null, "Config": "{}", "FromImageDigest": "", "FromImageID": ""}',
        '{"Manifest": "{}", "Config": "{}", "FromImageDigest": "", "FromImageID": ""}',
        '{"Manifest": "x", "Config": "{}", "FromImageDigest": "", "FromImageID": ""}',
    ],
)
def test_an_unknown_answer_is_an_error_in_words(runner: FakeRunner, buildah: Buildah, stdout: str) -> None:
    runner.on("buildah", stdout=stdout)
    with pytest.raises(IntegrityError):
        buildah.find(APP)


def test_layers_are_written_uncompressed(runner: FakeRunner, buildah: Buildah) -> None:
    runner.on("buildah")
    buildah.save_uncompressed("localhost/app:v1", "/scratch/x")
    assert runner.argv == ["buildah", "push", "--quiet", "--disable-compression", "localhost/app:v1", "dir:/scratch/x"]


def test_a_failed_write_is_told(runner: FakeRunner, buildah: Buildah) -> None:
    runner.on("buildah", rc=125, stderr="Error: write /scratch/x: no space left on device")
    with pytest.raises(Unavailable, match="The file system is full"):
        buildah.save_uncompressed("localhost/app:v1", "/scratch/x")


def sampled(runner: FakeRunner, sample: str, rc: int) -> None:
    done = buildah_run(sample, rc)
    runner.on("buildah", "bud", stdout=done.stdout, stderr=done.stderr, rc=rc)


def test_containers_of_an_image(runner: FakeRunner, buildah: Buildah) -> None:
    images = ImageFactory()
    runner.on("buildah", "inspect", stdout=json.dumps(inspected(images, images.manifest())))
    image = buildah.find(APP)
    assert image is not None
    listed = [
        {"id": "c1", "builder": True, "imageid": image.config_digest.removeprefix("sha256:"), "imagename": "other:v1"},
        {"id": "c2", "builder": True, "imageid": "0" * 64, "imagename": "app:v1"},
        {"id": "c3", "builder": True, "imageid": "", "imagename": ""},
    ]
    runner.on("buildah", "containers", stdout=json.dumps(listed))
    assert buildah.containers_of(image) == ["c1"]
    assert runner.calls[-1].argv == ("buildah", "containers", "--all", "--json")
    runner.on("buildah", "containers", stdout="null\n")
    assert buildah.containers_of(image) == []
    runner.on("buildah", "containers", stdout='[{"id": "c1"}]')
    with pytest.raises(IntegrityError, match="list of containers is not what this collection knows"):
        buildah.containers_of(image)


@pytest.mark.parametrize(("with_containers", "words"), [(False, []), (True, ["--force"])])
def test_a_name_is_removed(runner: FakeRunner, buildah: Buildah, with_containers: bool, words: list[str]) -> None:
    runner.on("buildah")
    buildah.remove_image("localhost/app:v1", with_containers=with_containers)
    assert runner.argv == ["buildah", "rmi", *words, "localhost/app:v1"]


def test_a_refused_removal_is_told(runner: FakeRunner, buildah: Buildah) -> None:
    runner.on("buildah", rc=125, stderr="Error: image used by 00ff: image is in use by a container")
    with pytest.raises(ToolFailed, match="in use by a container"):
        buildah.remove_image("localhost/app:v1")


def test_a_build_is_started_and_reported(runner: FakeRunner, buildah: Buildah, tmp_path: pathlib.Path) -> None:
    sampled(runner, "ok", 0)
    log_path = tmp_path / "build.log"
    report = BuildahBuilder(buildah).build(SPEC, str(log_path), timeout=60)
    assert report.command == tuple(runner.argv)
    assert runner.calls[0].timeout == 60
    assert [step.name for step in report.steps] == [
        "STEP 1/3: FROM docker.io/library/small:v1",
        "STEP 2/3: COPY hello.txt /hello.txt",
        "STEP 3/3: RUN echo built $((6*7))",
    ]
    assert "built 42" in report.stdout
    assert "built 42" in log_path.read_text()


def test_steps_of_stages_are_steps(runner: FakeRunner, buildah: Buildah) -> None:
    out = "[1/2] STEP 1/2: FROM a AS b\nnot a STEP 1: x\n[2/2] STEP 1/1: FROM b\nSTEP x\n"
    runner.on("buildah", "bud", stdout=out)
    report = BuildahBuilder(buildah).build(SPEC, None, None)
    assert [step.name for step in report.steps] == ["[1/2] STEP 1/2: FROM a AS b", "[2/2] STEP 1/1: FROM b"]


@pytest.mark.parametrize(
    ("change", "option"),
    [
        ({"platforms": (Platform.parse("linux/amd64"), Platform.parse("linux/arm64"))}, "platform"),
        ({"allow": ("network.host",)}, "allow"),
        ({"provenance": "max"}, "provenance"),
        ({"sbom": True}, "sbom"),
        # buildah 1.28.2 says «invalid IP address in add-host».
        ({"etc_hosts": {"host": "host-gateway"}}, "etc_hosts"),
        # Neither 1.28.2 nor 1.39.3 makes a hosts file then.
        ({"etc_hosts": {"host": "192.0.2.7"}, "network": "none"}, "etc_hosts"),
    ],
)
def test_what_buildah_cannot_do_is_refused_by_name(buildah: Buildah, change: dict[str, t.Any], option: str) -> None:
    builder = BuildahBuilder(buildah)
    builder.refuse(SPEC)
    builder.refuse(SPEC._replace(platforms=(Platform.parse("linux/arm64"),), network="host"))
    with pytest.raises(InvalidInput, match=f"The backend buildah cannot.*{option}") as caught:
        builder.refuse(SPEC._replace(**change))
    assert caught.value.remedy


class Ending(t.NamedTuple):
    """How a build ended: buildah's exit status, the error's class, its message, what its subject begins with."""

    rc: int
    kind: type[ContainerBuildError]
    message: str
    subject: str


RUN = "A RUN instruction ended with exit code"
NO_BASE = "A base image could not be found"
NO_PATH = "The Dockerfile copies a path that the context does not hold"
FAILED = "The build failed: buildah exited with 125"

ENDINGS: dict[str, Ending] = {
    "unknown_instruction": Ending(125, InvalidInput, "The Dockerfile holds an unknown instruction", "RUNN ("),
    "too_few_arguments": Ending(125, ToolFailed, FAILED, "step STEP 2/2: COPY onlyone ("),
    "empty": Ending(125, InvalidInput, "The Dockerfile is empty", ""),
    "only_comments": Ending(125, InvalidInput, "The Dockerfile holds no instruction", ""),
    "unknown_target": Ending(125, InvalidInput, "The Dockerfile has no such target stage", "absent ("),
    "unknown_registry": Ending(125, NotFound, NO_BASE, "registry.invalid/team/absent:9 ("),
    "unknown_stage_in_copy": Ending(125, ToolFailed, FAILED, "step STEP 2/2: COPY --from=nostage /x /x ("),
    "base_absent": Ending(125, NotFound, NO_BASE, "localhost:5999/absent/app:1 ("),
    "base_forbidden": Ending(125, NotFound, NO_BASE, "localhost:5999/denied/app:1 ("),
    "base_wants_login": Ending(125, NotFound, NO_BASE, "localhost:5999/login/app:1 ("),
    "registry_unavailable": Ending(125, Unavailable, "The registry", "localhost:5999/broken/app:1 ("),
    "base_in_upper_case": Ending(
        125, InvalidInput, "A FROM instruction holds", "STEP 1/1: FROM docker.io/library/UPPER:v1 ("
    ),
    "base_left_blank": Ending(125, InvalidInput, "The Dockerfile has no FROM with the name of an image", ""),
    "copy_missing": Ending(125, InvalidInput, NO_PATH, "COPY absent.txt /absent.txt ("),
    "copy_ignored": Ending(125, InvalidInput, NO_PATH, "COPY data/ /data/ ("),
    "run_fails": Ending(7, ToolFailed, f"{RUN} 7", 'RUN echo "about to fail"; echo "and why" >&2; exit 7 ('),
    "run_fails_under_chroot": Ending(7, ToolFailed, f"{RUN} 7", 'RUN echo "about to fail"'),
    "run_with_quotes_fails": Ending(3, ToolFailed, f"{RUN} 3", 'RUN sh -c "echo '),
    "command_not_found": Ending(127, ToolFailed, f"{RUN} 127", "RUN /no/such/program ("),
    "secret_missing": Ending(
        125, InvalidInput, "The Dockerfile wants a secret that the build was not given", "token ("
    ),
}


def failed(runner: FakeRunner, buildah: Buildah, sample: str, log_path: str | None = None) -> ContainerBuildError:
    sampled(runner, sample, ENDINGS[sample].rc)
    with pytest.raises(ContainerBuildError) as caught:
        BuildahBuilder(buildah).build(SPEC, log_path, None)
    return caught.value


@pytest.mark.parametrize("sample", ENDINGS)
def test_what_ended_a_build(runner: FakeRunner, buildah: Buildah, sample: str) -> None:
    ending, error = ENDINGS[sample], failed(runner, buildah, sample)
    assert isinstance(error, ending.kind)
    assert error.message.startswith(ending.message)
    assert (error.subject or "").startswith(ending.subject)
    assert DOCKERFILE in (error.subject or "")
    assert error.tail.splitlines()[-1] in buildah_run(sample, 1).stderr


def test_every_sample_of_a_failure_has_an_expectation() -> None:
    assert set(BUILDAH_SAMPLES) - {"ok"} == set(ENDINGS)


def test_a_base_left_blank_is_not_taken_for_an_empty_dockerfile(runner: FakeRunner, buildah: Buildah) -> None:
    """buildah says «no FROM statement found» of `FROM $BASE` without a value, too."""
    assert "no instruction" not in failed(runner, buildah, "base_left_blank").message


def test_the_last_words_of_the_failing_step_are_told(
    runner: FakeRunner, buildah: Buildah, tmp_path: pathlib.Path
) -> None:
    error = failed(runner, buildah, "run_fails", str(tmp_path / "build.log"))
    assert "about to fail" in error.tail
    assert "and why" in error.tail
    assert "and why" in (tmp_path / "build.log").read_text()


@pytest.mark.parametrize("value", ["$HOME", "a ${b}", "cost: $5", "two\nlines", "\x1b[2J", "\u202e"])
def test_labels_that_buildah_would_change_are_refused(buildah: Buildah, value: str) -> None:
    with pytest.raises(InvalidInput, match="cannot do what an option asks for: labels: key with a variable"):
        BuildahBuilder(buildah).refuse(SPEC._replace(labels={"key": value}))


@pytest.mark.parametrize("end", ["", "\n", "\nLABEL b=c\n"])
def test_a_line_that_buildah_would_cut_off_is_refused(
    runner: FakeRunner, buildah: Buildah, tmp_path: pathlib.Path, end: str
) -> None:
    dockerfile = tmp_path / "Dockerfile"
    spec = SPEC._replace(dockerfile=str(dockerfile))
    dockerfile.write_bytes(f"FROM scratch\nLABEL a={'x' * (65535 - 8)}{end}".encode())
    BuildahBuilder(buildah).refuse(spec)
    dockerfile.write_bytes(f"FROM scratch\nLABEL a={'x' * (65536 - 8)}{end}".encode())
    with pytest.raises(InvalidInput, match=r"Dockerfile, line 2\. Expected: at most 65535 bytes"):
        BuildahBuilder(buildah).refuse(spec)
    # As with a Dockerfile that comes with a repository, and is not there before the build.
    with pytest.raises(InvalidInput, match="line 2"):
        BuildahBuilder(buildah).build(spec, None, None)
    assert runner.calls == []


@pytest.mark.parametrize("value", ["", "5 $", "$(id)", "$ HOME", "\\", "'\"", "`id`", "{{ x }}", "ü"])
def test_labels_that_reach_the_image_as_they_are(buildah: Buildah, value: str) -> None:
    BuildahBuilder(buildah).refuse(SPEC._replace(labels={"key": value}))


def test_the_failing_step_and_its_line_are_told(runner: FakeRunner, buildah: Buildah, tmp_path: pathlib.Path) -> None:
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text('FROM small:v1\n\nRUN echo "about to fail"; \\\n    echo "and why" >&2; \\\n    exit 7\n')
    sampled(runner, "run_fails", 7)
    with pytest.raises(ToolFailed) as caught:
        BuildahBuilder(buildah).build(SPEC._replace(dockerfile=str(dockerfile)), None, None)
    assert f"({dockerfile}, line 3)" in str(caught.value)
    error = caught.value.as_result()["error"]
    assert error["step"] == 'STEP 2/2: RUN echo "about to fail"; echo "and why" >&2; exit 7'
    assert (error["dockerfile"], error["dockerfile_line"]) == (str(dockerfile), 3)
    # Of what it printed, the step's own lines alone.
    assert caught.value.tail.splitlines()[:2] == ["about to fail", "and why"]


def test_a_value_of_a_secret_is_told_nowhere(runner: FakeRunner, buildah: Buildah, tmp_path: pathlib.Path) -> None:
    secret, log = tmp_path / "secret", tmp_path / "build.log"
    secret.write_text("s3cr3t-token\n")
    spec = SPEC._replace(secrets=(Secret("token", str(secret)),))
    said = "STEP 1/1: RUN cat /run/secrets/token\ns3cr3t-token\n"
    runner.on("buildah", "bud", stdout=said, stderr="s3cr3t-token\n")
    report = BuildahBuilder(buildah).build(spec, str(log), None)
    runner.on("buildah", "bud", stdout=said, stderr="Error: s3cr3t-token\n", rc=1)
    with pytest.raises(ToolFailed) as caught:
        BuildahBuilder(buildah).build(spec, None, None)
    for text in (repr(report), log.read_text(), str(caught.value), repr(caught.value.as_result())):
        assert "s3cr3t" not in text
        assert "********" in text


def test_a_full_disk_is_no_failure_of_the_dockerfile(runner: FakeRunner, buildah: Buildah) -> None:
    def full(call: Call) -> Answer:
        return Answer(rc=125, stderr="Error: write /var/lib/containers/x: no space left on device")

    runner.on("buildah", "bud", do=full)
    with pytest.raises(Unavailable, match=r"The build failed\. The file system is full"):
        BuildahBuilder(buildah).build(SPEC, None, None)
