# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a container once, to its end, and leaves nothing of it."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import tempfile
import typing as t
import uuid

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, failure, redact

_ENV_NAME = re.compile(r"[^=\s\0]+")
# How nerdctl itself fails, as opposed to the container: with this exit status, and with a last line like this.
NERDCTL_FAILED = 1
_FATAL = re.compile(r'level=fatal msg="?(?P<message>.*)')


@dataclasses.dataclass(frozen=True)
class RunRequest:
    """One container that is to run once.

    Attributes:
        image: what it is made of.
        namespace: where the image is, and where the container is made.
        command: what it runs; the image's own command if empty.
        entrypoint: replaces the image's entrypoint; None leaves it.
        network: the network's name; nerdctl's default if empty.
        pull: ``missing``, ``never`` or ``always``.
        env: environment variables.
        volumes: mounts, ``source:destination[:options]``.
        user: whom it runs as; the image's own if empty.
        working_dir: where it runs; the image's own if empty.
    """

    image: Reference
    namespace: str
    command: tuple[str, ...] = ()
    entrypoint: str | None = None
    network: str = ""
    pull: str = "missing"
    env: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    volumes: tuple[str, ...] = ()
    user: str = ""
    working_dir: str = ""


@dataclasses.dataclass(frozen=True)
class RunOutcome:
    """What came of a container.

    Attributes:
        command: the words that it was started with.
        rc: its exit status.
        stdout: what it wrote there.
        stderr: what it wrote there.
    """

    command: tuple[str, ...]
    rc: int
    stdout: str
    stderr: str


def run_once(nerdctl: Nerdctl, request: RunRequest, scratch: str) -> RunOutcome:
    """Run a container to its end and remove it.

    Args:
        nerdctl: the client.
        request: what to run.
        scratch: a private folder: environment variables reach nerdctl in a file, since they may be secrets.

    Raises:
        NotFound: there is no such image.
        ToolFailed: it could not be started, or did not end in time; nothing of it is left then.
        InvalidInput: a variable cannot be passed on.
    """
    name = f"nephoran-container-run-{uuid.uuid4().hex[:12]}"
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        words = run_words(request, name, _write_env(request.env, folder))
        try:
            completed = nerdctl.run(request.namespace, words)
        except ContainerBuildError:
            # Stopping the client leaves the container; the first error is the one to report.
            with contextlib.suppress(ContainerBuildError):
                nerdctl.run(request.namespace, ["rm", "--force", name])
            raise
    lines = completed.stderr.strip().splitlines()
    fatal = _FATAL.search(lines[-1]) if lines and completed.rc == NERDCTL_FAILED else None
    if fatal:
        raise _not_started(request, completed, fatal["message"])
    return RunOutcome(tuple(redact(completed.argv)), completed.rc, completed.text, completed.stderr)


def run_words(request: RunRequest, name: str, env_file: str | None) -> list[str]:
    """Return the words of ``nerdctl run``; source: ``docs/command-reference.md`` of nerdctl v2.2.1."""
    words = ["run", "--rm", "--name", name, f"--pull={request.pull}"]
    if request.network:
        words += ["--network", request.network]
    if env_file is not None:
        words += ["--env-file", env_file]
    for volume in request.volumes:
        words += ["--volume", volume]
    if request.user:
        words += ["--user", request.user]
    if request.working_dir:
        words += ["--workdir", request.working_dir]
    if request.entrypoint is not None:
        words += ["--entrypoint", request.entrypoint]
    return [*words, str(request.image), *request.command]


def _write_env(env: t.Mapping[str, str], folder: str) -> str | None:
    if not env:
        return None
    for key, value in env.items():
        if not _ENV_NAME.fullmatch(key) or key.startswith("#") or "\n" in value or "\0" in value:
            raise InvalidInput(
                "Not an environment variable that can be passed to a container",
                subject=f"env: {key[:80]!r}",
                expected="a name without white space and '=', and a value of one line",
            )
    path = os.path.join(folder, "env")
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.writelines(f"{key}={value}\n" for key, value in env.items())
    return path


def _not_started(request: RunRequest, completed: Completed, message: str) -> ContainerBuildError:
    subject = f"{request.image} in {request.namespace}"
    if re.search(r"image .*not available|no such image|: not found", message):
        return NotFound(
            "There is no such image",
            subject=subject,
            remedy="build or import it first, correct the name or the namespace, or set pull to missing",
            tail=completed.stderr,
        )
    explained = failure(completed, "The container could not be run", subject=subject)
    return (
        explained
        if not isinstance(explained, ToolFailed)
        else ToolFailed("The container could not be run", subject=subject, tail=completed.stderr)
    )
