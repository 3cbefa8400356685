# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a build failed, in words for the person who wrote the Dockerfile."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import HOST_GATEWAY, BuildSpec
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    NotFound,
    ToolFailed,
    Unavailable,
    printable,
)

_NO_REGISTRY_HINT = (
    "check the name and tag; if the node reaches it only through a mirror or with credentials, "
    "say so in registries_hosts and apply the role nephoran.container_build.registries"
)


class _Cause(t.NamedTuple):
    """A sentence of a builder and what it means.

    The pattern's group ``what`` names what the failure is about; ``{code}`` and ``{line}`` in the message are its
    groups of these names.
    """

    pattern: str
    kind: type[ContainerBuildError]
    message: str
    remedy: str = ""


# BuildKit's words first (v0.26.3: frontend/dockerfile, util/resolver, solver/errdefs), then buildah's (1.23 to 1.39).
_CAUSES: tuple[_Cause, ...] = (
    _Cause(
        r"dockerfile parse error on line (?P<line>\d+): (?P<what>.+)",
        InvalidInput,
        "Line {line} of the Dockerfile cannot be parsed",
        "correct the line",
    ),
    _Cause(
        r"the Dockerfile cannot be empty|^no contents in ", InvalidInput, "The Dockerfile is empty", "give it a FROM"
    ),
    _Cause(
        r"target stage \"?(?P<what>[^\"\n]+?)\"? could not be found|[Tt]he target \"(?P<what2>[^\"]+)\" was not found",
        InvalidInput,
        "The Dockerfile has no such target stage",
        "set target to the name of a stage (FROM … AS name), or leave it out",
    ),
    _Cause(
        r"failed to resolve source metadata for (?P<what>\S+): "
        r".*(?:not found|access denied|no such host|401 Unauthorized|403 Forbidden)",
        NotFound,
        "A base image could not be found",
        _NO_REGISTRY_HINT,
    ),
    _Cause(
        r"failed to resolve source metadata for (?P<what>\S+):",
        Unavailable,
        "The registry did not answer for a base image",
        _NO_REGISTRY_HINT,
    ),
    _Cause(
        r"failed to (?:compute cache key|calculate checksum).*?\"(?P<what>/[^\"]*)\": not found",
        InvalidInput,
        "The Dockerfile copies a path that the context does not hold",
        "check the path, and that .dockerignore does not leave it out",
    ),
    _Cause(
        r"process \"(?P<what>(?:[^\"\\]|\\.)*)\" did not complete successfully: exit code: (?P<code>\d+)",
        ToolFailed,
        "A RUN instruction ended with exit code {code}",
        "see what it said last, and correct its command",
    ),
    _Cause(
        r"failed to load LLB: (?P<what>\S+) is not allowed|granting entitlement (?P<what2>\S+) is not allowed",
        InvalidInput,
        "The builder does not grant an entitlement that the build asks for",
        "name it in allow, and in buildkit_insecure_entitlements of the role nephoran.container_build.buildkit; the "
        "daemon of buildkit_rootless grants none",
    ),
    _Cause(
        r"secret (?P<what>\S+): not found|no secret with id (?P<what2>\S+) found",
        InvalidInput,
        "The Dockerfile wants a secret that the build was not given",
        "name it in secrets",
    ),
    _Cause(
        r"base name \((?P<what>.*?)\) should not be blank|no FROM statement found",
        InvalidInput,
        "The Dockerfile has no FROM with the name of an image",
        "give it one; a FROM of an ARG without a value counts as none",
    ),
    _Cause(
        r"failed to parse stage name \"(?P<what>[^\"]*)\"|repository name must be lowercase|invalid reference format",
        InvalidInput,
        "A FROM instruction holds what is no name of an image",
        "correct the name; its path is of lower-case letters",
    ),
    _Cause(
        r"[Uu]nknown instruction: \\?\"?(?P<what>[^\\\"\s]+)",
        InvalidInput,
        "The Dockerfile holds an unknown instruction",
        "correct the instruction",
    ),
    _Cause(
        r"docker://(?P<what>\S+): .*(?:manifest unknown|not found|denied|unauthorized|no such host)",
        NotFound,
        "A base image could not be found",
        _NO_REGISTRY_HINT,
    ),
    _Cause(
        r"initializing source docker://(?P<what>\S+): ",
        Unavailable,
        "The registry did not answer for a base image",
        _NO_REGISTRY_HINT,
    ),
    _Cause(
        r"building at STEP \"(?P<what>(?:COPY|ADD) .*?)\": .*?no such file or directory",
        InvalidInput,
        "The Dockerfile copies a path that the context does not hold",
        "check the path, and that .dockerignore does not leave it out",
    ),
    _Cause(
        r"building at STEP \"(?P<what>RUN .*)\": (?:while running runtime: )?exit status (?P<code>\d+)",
        ToolFailed,
        "A RUN instruction ended with exit code {code}",
        "see what it said last, and correct its command",
    ),
    _Cause(
        r"no stages to build|file with no instructions",
        InvalidInput,
        "The Dockerfile holds no instruction",
        "give it a FROM",
    ),
)


class FailedBuild(t.NamedTuple):
    """What a builder said of a build that failed.

    Attributes:
        tool: the builder's name.
        rc: its exit status.
        dockerfile: the Dockerfile's path.
        error: the sentence that ended the build.
        output: the whole of what the builder printed.
        step: the step that failed, as the builder names it; empty if it did not say.
        step_output: what that step printed.
        line: the line of the Dockerfile; 0 if unknown.
    """

    tool: str
    rc: int
    dockerfile: str
    error: str
    output: str
    step: str = ""
    step_output: str = ""
    line: int = 0


def build_failure(failed: FailedBuild) -> ContainerBuildError | None:
    """Return what *failed* means, or None if its error is not a sentence about the build itself."""
    where = f"{failed.dockerfile}, line {failed.line}" if failed.line else failed.dockerfile
    details = {"step": failed.step, "dockerfile": failed.dockerfile, "dockerfile_line": failed.line}
    tail = "\n".join(part for part in (failed.step_output or failed.output, failed.error) if part)
    for cause in _CAUSES:
        found = re.search(cause.pattern, failed.error, re.DOTALL)
        if found:
            groups = {key: value for key, value in found.groupdict().items() if value}
            what = groups.get("what") or groups.get("what2") or failed.step
            message = cause.message.format(code=groups.get("code", ""), line=groups.get("line", ""))
            subject = f"{_shown(what)} ({where})" if what.strip() else where
            return cause.kind(message, subject=subject, remedy=cause.remedy or None, tail=tail, details=details)
    if failed.step or failed.line:
        message = f"The build failed: {failed.tool} exited with {failed.rc}"
        subject = f"step {_shown(failed.step)} ({where})" if failed.step else where
        return ToolFailed(message, subject=subject, tail=tail, details=details)
    return None


def _shown(text: str, limit: int = 200) -> str:
    text = printable(text)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def option_refused(builder: str, option: str, remedy: str) -> InvalidInput:
    """Return the error for an option that *builder* cannot honour."""
    return InvalidInput(f"The backend {builder} cannot do what an option asks for", subject=option, remedy=remedy)


def refuse_host_gateway(builder: str, spec: BuildSpec) -> None:
    """Refuse an address that only nerdctl looks up.

    Raises:
        InvalidInput: *spec* has it.
    """
    if HOST_GATEWAY in spec.etc_hosts.values():
        raise option_refused(builder, f"etc_hosts with {HOST_GATEWAY}", "write the address, or use the backend nerdctl")
