# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""buildctl: builds through BuildKit's Dockerfile frontend, and the daemon that does them."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import for_each, for_each_pair, if_true
from ansible_collections.nephoran.container_build.plugins.module_utils._build_end import BetweenSteps
from ansible_collections.nephoran.container_build.plugins.module_utils._build_progress import (
    BuildkitSteps,
    parse_progress,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    DEFAULT_NETWORK,
    HOST_NETWORK,
    BuildReport,
    BuildSpec,
    RootRequest,
    secret_words,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import BuildWatch
from ansible_collections.nephoran.container_build.plugins.module_utils._buildkit_workers import (
    CANNOT_LIST_WORKERS,
    Worker,
    ask_workers,
    read_workers,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import (
    Completed,
    Runner,
    checked,
    failure,
    redact,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._secret_mask import SecretMask

_SOCKET = "unix://"


class Buildctl:
    """``buildctl`` against one BuildKit daemon.

    Args:
        runner: starts the processes.
        host: the daemon's address: ``unix:///…`` or ``tcp://…``.
        tls_words: the words by which client and daemon prove who they are; none over a socket.
    """

    def __init__(self, runner: Runner, host: str, tls_words: t.Sequence[str] = ()) -> None:
        self._runner = runner
        self.host = host
        self._tls_words = tuple(tls_words)

    def workers(self, timeout: int | None = None) -> list[Worker]:
        """Return the daemon's workers.

        Raises:
            Unavailable: the daemon does not answer.
        """
        if self.host.startswith(_SOCKET):
            # Without a process, which would take longer to start than the daemon to answer.
            return ask_workers(self._runner.dial(self.host.removeprefix(_SOCKET), timeout), self.host)
        completed = self.run(["debug", "workers", "--format", "{{json .}}"], timeout=timeout)
        checked(completed, CANNOT_LIST_WORKERS, subject=self.host)
        return read_workers(completed.text, self.host)

    def containerd_worker(self) -> Worker | None:
        """Return the daemon's containerd worker; ``None`` if it keeps what it builds to itself.

        Raises:
            Unavailable: it has no worker at all, or does not answer.
        """
        workers = self.workers()
        if not workers:
            raise Unavailable(
                "BuildKit has no worker, so that it can build nothing",
                subject=self.host,
                expected="[worker.containerd] or [worker.oci] enabled = true in buildkitd.toml",
                remedy="apply the role nephoran.container_build.buildkit, or set buildkit_host to another daemon",
            )
        return next((worker for worker in workers if worker.executor == "containerd"), None)

    def forget_contexts(self) -> None:
        """Have the daemon drop the copies of contexts that it keeps from one build to the next.

        Of a context's files it takes over those whose size or time of modification differ from its copy
        (``source/local/source.go`` of v0.26.3), and would miss a change of neither. The cache of layers stays; a copy
        that a build is using stays too.
        """
        completed = self.run(["prune", "--filter", "type==source.local"])
        checked(completed, "BuildKit did not drop its copies of contexts", subject=self.host)

    def run(self, words: t.Sequence[str], **options: t.Any) -> Completed:
        """Run buildctl with *words*; options are the runner's."""
        return self._runner.run(["buildctl", "--addr", self.host, *self._tls_words, *words], **options)


class BuildctlBuilder:
    """Builds with ``buildctl build``; the image lands in the worker's namespace of containerd."""

    name = "buildctl"
    keeps_contexts = True

    def __init__(self, buildctl: Buildctl, watch: BuildWatch | None = None) -> None:
        self._buildctl = buildctl
        self._watch = watch or BuildWatch()

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this builder cannot do."""
        from ansible_collections.nephoran.container_build.plugins.module_utils._build_failure import (  # noqa: PLC0415
            refuse_host_gateway,
        )

        refuse_host_gateway(self.name, spec)

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        """Build *spec* and unpack the image; raise what ended the build."""
        if spec.fresh_contexts:
            self._buildctl.forget_contexts()
        follower = self._watch.follow(BuildkitSteps(), SecretMask.of(spec.secrets), BetweenSteps())
        completed = self._buildctl.run(["build", *buildctl_words(spec)], timeout=timeout, follower=follower)
        return read_buildkit_build(self.name, completed, spec, log_path)

    def write_root(self, root: RootRequest) -> None:
        """Write the root file system of an image in the worker's namespace; raise what ended that."""
        completed = self._buildctl.run(["build", *buildctl_root_words(root)], timeout=root.timeout)
        checked(completed, "The output could not be written", subject=root.dest)


def buildctl_words(spec: BuildSpec, output: str | None = None) -> list[str]:
    """Return the words of ``buildctl build`` for *spec*.

    Args:
        spec: the build.
        output: where the image goes, in buildctl's notation; the worker's own store if not given.

    Source: ``frontend/dockerui/config.go`` and ``frontend/dockerfile/builder`` of BuildKit v0.26.3.
    """
    sources, folders = _context_sources(spec)
    options = {
        "filename": os.path.basename(spec.dockerfile),
        "target": spec.target,
        "platform": ",".join(map(str, spec.platforms)),
        "force-network-mode": "" if spec.network == DEFAULT_NETWORK else spec.network,
        "add-hosts": ",".join(f"{host}={address}" for host, address in sorted(spec.etc_hosts.items())),
        "image-resolve-mode": "pull" if spec.pull else "",
    }
    given = {key: value for key, value in options.items() if value}
    given.update({f"build-arg:{key}": value for key, value in spec.args.items()})
    given.update({f"label:{key}": value for key, value in spec.labels.items()})
    given.update({f"context:{name}": source for name, source in sources.items()})
    given.update({f"attest:{kind}": attributes for kind, attributes in spec.attestations.items()})
    return [
        *("--progress=rawjson", "--frontend", "dockerfile.v0"),
        *for_each_pair("--local", folders),
        *for_each_pair("--opt", given),
        *if_true("--no-cache", spec.nocache),
        *for_each("--import-cache", spec.cache_from),
        *for_each("--export-cache", spec.cache_to),
        *secret_words(spec),
        *for_each("--allow", _entitlements(spec)),
        *("--output", output or f"type=image,name={spec.reference},unpack=true"),
    ]


def buildctl_root_words(root: RootRequest) -> list[str]:
    """Return the words of ``buildctl build`` that write an image's root file system.

    ``image-resolve-mode=local`` takes the image that containerd has, and asks no registry
    (``util/resolver/resolver.go`` of BuildKit v0.26.3).
    """
    options = {
        "filename": os.path.basename(root.dockerfile),
        "image-resolve-mode": "local",
        "platform": ",".join(map(str, root.platforms)),
    }
    return [
        *("--progress=plain", "--frontend", "dockerfile.v0"),
        *for_each_pair("--local", {"context": root.context, "dockerfile": root.context}),
        *for_each_pair("--opt", {key: value for key, value in options.items() if value}),
        *("--output", root.output),
    ]


def _entitlements(spec: BuildSpec) -> list[str]:
    """Return what the build is allowed: the host's network too if its steps are to have that."""
    implied = ["network.host"] if spec.network == HOST_NETWORK else []
    return sorted({*spec.allow, *implied})


def _context_sources(spec: BuildSpec) -> tuple[dict[str, str], dict[str, str]]:
    """Return the sources of the named contexts, and the folders by the names that the client offers them under."""
    folders = {"context": spec.context, "dockerfile": os.path.dirname(spec.dockerfile)}
    sources = dict(spec.build_contexts)
    for number, (name, source) in enumerate(sorted(spec.build_contexts.items())):
        if os.path.isabs(source):
            folders[f"context-{number}"] = source
            sources[name] = f"local:context-{number}"
    return sources, folders


def read_buildkit_build(tool: str, completed: Completed, spec: BuildSpec, log_path: str | None) -> BuildReport:
    """Return what a BuildKit client's finished build says, without values of secrets; keep its log at *log_path*.

    Raises:
        ContainerBuildError: the build failed; the error names the step, its last lines and the Dockerfile's line.
    """
    mask = SecretMask.of(spec.secrets)
    progress = parse_progress(completed.stderr).masked(mask)
    if log_path:
        from ansible_collections.nephoran.container_build.plugins.module_utils._build_log import write_log  # noqa: PLC0415

        write_log(log_path, progress.output)
    if completed.rc == 0:
        command = tuple(redact(completed.argv))
        return BuildReport(command, progress.steps, mask(completed.text), progress.output)
    # What failures mean is of no use to a build that did not fail.
    from ansible_collections.nephoran.container_build.plugins.module_utils._build_failure import (  # noqa: PLC0415
        FailedBuild,
        build_failure,
    )

    explained = build_failure(
        FailedBuild(
            tool=tool,
            rc=completed.rc,
            dockerfile=spec.dockerfile_name,
            error=progress.error,
            output=progress.output,
            step=progress.failed_step,
            step_output=progress.failed_output,
            line=progress.dockerfile_line,
        )
    )
    if explained is not None:
        raise explained
    stdout = mask(completed.text).encode("utf-8", "surrogateescape")
    plain = Completed(completed.argv, completed.rc, stdout, progress.output)
    raise failure(plain, "The build failed", subject=str(spec.reference))
