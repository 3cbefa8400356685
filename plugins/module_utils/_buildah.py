# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""buildah: builds without a daemon, into a store of its own."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import (
    for_each,
    for_each_pair,
    if_given,
    if_true,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_end import StepsFirst
from ansible_collections.nephoran.container_build.plugins.module_utils._build_failure import (
    FailedBuild,
    build_failure,
    option_refused,
    refuse_host_gateway,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_log import write_log
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    DEFAULT_NETWORK,
    BuildReport,
    BuildSpec,
    BuildStep,
    RootRequest,
    secret_words,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import BuildWatch
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah_progress import (
    STEP_LINE,
    BuildahSteps,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._dockerfile_lines import (
    instruction_line,
    line_longer_than,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import ImageConfig, Manifest
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import (
    Completed,
    Runner,
    checked,
    failure,
    redact,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._secret_mask import SecretMask
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import CACHED

# buildah makes a LABEL instruction of a label, and looks for variables in it; there is no way to write a plain "$".
_VARIABLE = re.compile(r"\$[A-Za-z0-9_{@*#]")
_ERROR_PREFIX = "Error: "
# By how many per cent a Go program's heap may grow before it collects garbage (https://pkg.go.dev/runtime). buildah has
# little that lives long and makes much that does not: at Go's own 100, a fifth of a build is spent on collecting.
_GARBAGE_PERCENT = "400"
# Go's bufio.MaxScanTokenSize, less the newline. buildah 1.28.2 takes a longer line for the end of the Dockerfile, says
# nothing, and builds what stands before it; 1.39.3 fails.
_LONGEST_LINE = 64 * 1024 - 1


@dataclasses.dataclass(frozen=True)
class StoredImage:
    """An image in buildah's store.

    Attributes:
        name: the reference under which it was found.
        digest: of its manifest, as the store keeps it.
        manifest: that manifest.
        config: its config.
        config_digest: the config's digest, which buildah calls the image's id.
    """

    name: str
    digest: str
    manifest: Manifest
    config: ImageConfig
    config_digest: str


class Buildah:
    """``buildah`` with the store of the user that the task runs as.

    Args:
        runner: starts the processes.
        timeout: seconds that one call may take; no limit by default.
    """

    def __init__(self, runner: Runner, timeout: int | None = None) -> None:
        self._runner = runner
        self._timeout = timeout

    def find(self, reference: Reference) -> StoredImage | None:
        """Return the image *reference*, None if the store has none of that name."""
        return self._inspect(str(reference))

    def find_short(self, reference: Reference) -> StoredImage | None:
        """Return the image that ``buildah build -t NAME`` made of a short name.

        buildah stores ``-t app`` as ``localhost/app``, where containerd's clients and Kubernetes mean
        ``docker.io/library/app``.
        """
        familiar = reference.familiar()
        return self._inspect(f"localhost/{familiar}")

    def save_uncompressed(self, name: str, folder: str) -> None:
        """Write the image *name* to *folder*: each layer a tar named by its digest, and ``manifest.json``."""
        words = ["push", "--quiet", "--disable-compression", name, f"dir:{folder}"]
        checked(self.run(words), "buildah could not write the image", subject=name)

    def save_archive(self, name: str, path: str, *, for_docker: bool) -> None:
        """Write the image *name* to an archive at *path*, where nothing may be yet."""
        transport = "docker-archive" if for_docker else "oci-archive"
        words = ["push", "--quiet", name, f"{transport}:{path}:{name}"]
        checked(self.run(words), "buildah could not write the image", subject=f"{name} to {path}")

    def tag(self, name: str, further: str) -> None:
        """Have the image *name* found under the name *further*, too."""
        checked(self.run(["tag", name, further]), "buildah could not name the image", subject=f"{name} as {further}")

    def containers_of(self, image: StoredImage) -> list[str]:
        """Return the ids of the working containers that were made from *image*, whichever of its names was used."""
        completed = checked(self.run(["containers", "--all", "--json"]), "buildah could not list its containers")
        try:
            listed = json.loads(completed.stdout or b"[]") or []
            return [each["id"] for each in listed if f"sha256:{each['imageid']}" == image.config_digest]
        except (ValueError, KeyError, TypeError) as error:
            raise IntegrityError(
                "buildah's list of containers is not what this collection knows", tail=completed.text
            ) from error

    def remove_image(self, name: str, *, with_containers: bool = False) -> None:
        """Remove the name *name*, and the image with its last one.

        Args:
            name: the name.
            with_containers: remove the containers that were made from it, too.

        Raises:
            ToolFailed: buildah refused, as it does if another tool's container uses the image.
        """
        completed = self.run(["rmi", *if_true("--force", with_containers), name])
        checked(completed, "buildah could not remove the image", subject=name)

    def push(self, name: str, destination: str, *, insecure: bool, environ: t.Mapping[str, str]) -> Completed:
        """Push the image *name*, whatever comes of it.

        Args:
            name: the image.
            destination: where to, with its transport.
            insecure: take certificates unseen, and speak HTTP without TLS if that is all that is spoken.
            environ: tells buildah where credentials are.
        """
        words = ["push", "--quiet", *if_true("--tls-verify=false", insecure), name, destination]
        return self.run(words, environ=environ)

    def run(self, words: t.Sequence[str], *, environ: t.Mapping[str, str] | None = None, **options: t.Any) -> Completed:
        """Run buildah with *words*; *environ* and *options* are the runner's.

        It collects garbage less often than by default, unless the task's environment says how often (``GOGC``).
        """
        variables = {"GOGC": os.environ.get("GOGC", _GARBAGE_PERCENT), **(environ or {})}
        return self._runner.run(["buildah", *words], environ=variables, **{"timeout": self._timeout, **options})

    def _inspect(self, name: str) -> StoredImage | None:
        completed = self.run(["inspect", "--type", "image", name])
        if completed.rc != 0 and re.search(r"image not known|no such image|does not exist", completed.stderr):
            return None
        checked(completed, "buildah could not inspect the image", subject=name)
        try:
            document = json.loads(completed.stdout)
            manifest, config = document["Manifest"].encode(), document["Config"].encode()
            digest, config_digest = document["FromImageDigest"], f"sha256:{document['FromImageID']}"
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(
                "buildah's description of an image is not what this collection knows",
                subject=name,
                tail=completed.text,
            ) from error
        return StoredImage(name, digest, Manifest.parse(manifest), ImageConfig.parse(config), config_digest)


class BuildahBuilder:
    """Builds with ``buildah build``; the image lands in buildah's store."""

    name = "buildah"
    keeps_contexts = False

    def __init__(self, buildah: Buildah, watch: BuildWatch | None = None) -> None:
        self._buildah = buildah
        self._watch = watch or BuildWatch()

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this builder cannot do."""
        if len(spec.platforms) > 1:
            raise option_refused(self.name, "platform with several elements", "use the backend buildctl or nerdctl")
        refuse_host_gateway(self.name, spec)
        if spec.etc_hosts and spec.network == "none":
            # buildah gives a RUN instruction without a network no hosts file either.
            raise option_refused(self.name, "etc_hosts with network none", "leave one of them out")
        if spec.allow:
            raise option_refused(self.name, "allow", "leave it out: buildah knows no entitlements")
        for key, value in spec.labels.items():
            if _VARIABLE.search(value) or not value.isprintable():
                what = f"labels: {key} with a variable or a character that is not printable"
                raise option_refused(self.name, what, "use the backend buildctl or nerdctl, or another value")
        if spec.attestations:
            raise option_refused(self.name, " and ".join(spec.attestations), "use the backend buildctl or nerdctl")
        if spec.dockerfile:
            _refuse_long_lines(spec)

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        """Build *spec*; raise what ended the build."""
        # Only now is a Dockerfile there that came with a repository.
        _refuse_long_lines(spec)
        mask, progress = SecretMask.of(spec.secrets), BuildahSteps()
        follower = self._watch.follow(progress, mask, StepsFirst())
        told = self._buildah.run(buildah_words(spec), timeout=timeout, follower=follower)
        stdout = mask(told.text).encode("utf-8", "surrogateescape")
        completed = Completed(told.argv, told.rc, stdout, mask(told.stderr))
        output = completed.text + completed.stderr
        if log_path:
            write_log(log_path, output)
        steps = tuple(BuildStep(mask(each.name), each.state == CACHED, each.seconds) for each in progress.steps)
        if completed.rc == 0:
            return BuildReport(tuple(redact(completed.argv)), steps, completed.text, completed.stderr)
        raise self._explain(completed, spec, steps, output)

    def write_root(self, root: RootRequest) -> None:
        """Write the root file system of an image in the store; raise what ended that."""
        completed = self._buildah.run(buildah_root_words(root), timeout=root.timeout)
        checked(completed, "The output could not be written", subject=root.dest)

    def _explain(self, completed: Completed, spec: BuildSpec, steps: t.Sequence[BuildStep], output: str) -> Exception:
        errors = [line for line in completed.stderr.splitlines() if line.startswith(_ERROR_PREFIX)]
        step = steps[-1].name if steps else ""
        _before, _step, step_output = completed.text.rpartition(step) if step else ("", "", "")
        explained = build_failure(
            FailedBuild(
                tool=self.name,
                rc=completed.rc,
                dockerfile=spec.dockerfile_name,
                error=errors[-1][len(_ERROR_PREFIX) :] if errors else completed.stderr,
                output=output,
                step=step,
                step_output=(step_output + completed.stderr).lstrip("\n") if step else "",
                line=_step_line(spec.dockerfile, step),
            )
        )
        return explained or failure(completed, "The build failed", subject=str(spec.reference))


def _step_line(dockerfile: str, step: str) -> int:
    instruction = STEP_LINE.match(step)
    if instruction is None:
        return 0
    try:
        with open(dockerfile, encoding="utf-8", errors="replace") as stream:
            return instruction_line(stream.read(), instruction["instruction"])
    except OSError:
        # The build's own failure is what has to be told, with or without the line.
        return 0


def _refuse_long_lines(spec: BuildSpec) -> None:
    try:
        with open(spec.dockerfile, "rb") as dockerfile:
            number = line_longer_than(dockerfile, _LONGEST_LINE)
    except FileNotFoundError:
        # buildah says so, and what it looked for.
        return
    if number:
        raise InvalidInput(
            "buildah leaves out what follows a line that is too long for it",
            subject=f"{spec.dockerfile_name}, line {number}",
            expected=f"at most {_LONGEST_LINE} bytes in a line",
            remedy="break the line, or use the backend buildctl or nerdctl",
        )


def buildah_words(spec: BuildSpec) -> list[str]:
    """Return the words of ``buildah build`` for *spec*.

    Source: ``docs/buildah-build.1.md`` of buildah 1.28; ``bud`` is its older name, which 1.23 knows alone.
    """
    return [
        # Without --force-rm, the working container of a step that failed stays.
        *("bud", "--layers", "--force-rm", "--format", "oci", "--tag", str(spec.reference), "--file", spec.dockerfile),
        *for_each_pair("--build-arg", spec.args),
        *for_each_pair("--label", spec.labels),
        *if_given("--target", spec.target),
        *for_each("--platform", map(str, spec.platforms)),
        *if_given("--network", "" if spec.network == DEFAULT_NETWORK else spec.network),
        *for_each_pair("--add-host", spec.etc_hosts, separator=":"),
        *for_each_pair("--build-context", spec.build_contexts),
        *for_each("--cache-from", spec.cache_from),
        *for_each("--cache-to", spec.cache_to),
        *if_true("--pull=true", spec.pull),
        *if_true("--no-cache", spec.nocache),
        *secret_words(spec),
        os.path.join(spec.context, ""),
    ]


def buildah_root_words(root: RootRequest) -> list[str]:
    """Return the words of ``buildah build`` that write an image's root file system.

    With ``--layers``, a Dockerfile that only names an image makes no other one of it.
    """
    return [
        *("bud", "--layers", "--force-rm", "--pull-never", "--file", root.dockerfile),
        *for_each("--platform", map(str, root.platforms)),
        *("--output", root.output),
        os.path.join(root.context, ""),
    ]
