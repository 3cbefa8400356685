# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the options of ``image_build`` into a build, and refuses what no builder could make sense of."""

from __future__ import annotations

import functools
import os
import re
import tempfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import (
    ContextSnapshot,
    HashCache,
    snapshot_context,
    snapshot_folder,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_inputs import BuildInputs
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    HOST_GATEWAY,
    BuildSpec,
    Secret,
    SSHAgent,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import BuildRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._option_text import option_text, plain_text
from ansible_collections.nephoran.container_build.plugins.module_utils._output_options import (
    pushed_names,
    read_outputs,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._git import Git
    from ansible_collections.nephoran.container_build.plugins.module_utils._git_context import GitContext

DOCKERFILE_NAMES = ("Dockerfile", "Containerfile")
# Compiled where an option is given that they are for; few tasks give any.
_ARG_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
_HOST = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?"
_ADDRESS = rf"[0-9A-Fa-f.:]+|{HOST_GATEWAY}"
_STAGE = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_SOURCE_SCHEMES = ("docker-image://", "oci-layout://", "https://", "http://", "git://", "ssh://", "target:")

Params = t.Mapping[str, t.Any]


def read_build_request(params: Params, scratch: str, cache: HashCache | None, git: t.Callable[[], Git]) -> BuildRequest:
    """Return the build that the options *params* ask for.

    Args:
        params: the module's options.
        scratch: a private folder for an inline Dockerfile and for secrets on their way.
        cache: digests of files from earlier runs.
        git: gives what finds and fetches a context that is in a repository.

    Raises:
        InvalidInput: an option's value cannot be used, or a file that it names is not there.
        NotFound: a repository has no such branch, tag or commit.
        Unavailable: a repository cannot be reached.
    """
    repository = _repository(params["path"])
    context = _existing_folder(params["path"], "path") if repository is None else params["path"]
    dockerfile = _dockerfile(params, context, scratch) if repository is None else ""
    spec = BuildSpec(
        reference=_reference(params["name"], params["tag"]),
        context=context,
        dockerfile=dockerfile,
        inline_dockerfile=params["dockerfile_content"] is not None,
        args=_texts(params["args"], "args", _ARG_NAME),
        target=_stage(params["target"]),
        platforms=tuple(Platform.parse(specifier) for specifier in params["platform"]),
        labels=_labels(params["labels"]),
        network=params["network"] or "",
        etc_hosts=_etc_hosts(params["etc_hosts"]),
        build_contexts=_build_contexts(params["build_contexts"]),
        cache_from=_words(params["cache_from"], "cache_from"),
        cache_to=_words(params["cache_to"], "cache_to"),
        pull=params["pull"],
        nocache=params["nocache"],
        secrets=tuple(_secret(secret, scratch) for secret in params["secrets"]),
        ssh=tuple(_agent(agent) for agent in params["ssh"]),
        allow=_words(params["allow"], "allow"),
        provenance=params["provenance"] or "",
        sbom=params["sbom"],
        sbom_generator=_generator(params["sbom_generator"], params["sbom"]),
    )
    outputs = read_outputs(params, spec)
    pushes = pushed_names(params, spec.reference, outputs)
    prepare = None
    if repository is None:
        inputs = BuildInputs.of(spec, _read(dockerfile), _snapshots(params, spec, cache))
    else:
        prepare, inputs = _read_repository(params, repository, git(), spec, scratch, cache)
    return BuildRequest(
        spec=spec,
        log_path=_log_path(params["log_path"]),
        timeout=positive_timeout(params["timeout"]),
        inputs=inputs,
        prepare=prepare,
        rebuild=params["rebuild"],
        outputs=outputs,
        pushes=pushes,
    )


def _repository(path: str) -> GitContext | None:
    if os.path.isabs(path):
        return None
    from ansible_collections.nephoran.container_build.plugins.module_utils._git_context import GitContext  # noqa: PLC0415

    return GitContext.parse(path) if GitContext.is_one(path) else None


def _reference(name: str, tag: str) -> Reference:
    given = Reference.parse(name)
    if given.digest is not None:
        raise InvalidInput(
            "An image that is to be built cannot be named by its digest", subject=name, expected="name[:tag]"
        )
    # A tag in the name wins, as in community.docker.docker_image_build.
    return given if ":" in name.rsplit("/", 1)[-1] else given.with_tag(tag)


def _existing_folder(path: str, option: str) -> str:
    plain_text(path, option)
    if not os.path.isabs(path):
        raise InvalidInput(
            "Not an absolute path", subject=f"{option}: {path}", remedy="name the folder from the root of the node"
        )
    if not os.path.exists(path):
        raise InvalidInput(
            "The build context does not exist on this node",
            subject=f"{option}: {path}",
            expected="a folder on the node, not on the controller",
            remedy="copy it there first (ansible.builtin.copy, ansible.posix.synchronize), or correct the path",
        )
    if not os.path.isdir(path):
        raise InvalidInput("The build context is not a folder", subject=f"{option}: {path}", remedy="name its folder")
    return os.path.normpath(path)


def _dockerfile(params: Params, context: str, scratch: str) -> str:
    if params["dockerfile_content"] is not None:
        folder = tempfile.mkdtemp(prefix="dockerfile-", dir=scratch)
        path = os.path.join(folder, "Dockerfile")
        with open(path, "w", encoding="utf-8") as stream:
            stream.write(plain_text(params["dockerfile_content"], "dockerfile_content"))
        return path
    plain_text(params["dockerfile"] or "", "dockerfile")
    names = [params["dockerfile"]] if params["dockerfile"] else list(DOCKERFILE_NAMES)
    paths = [os.path.normpath(os.path.join(context, name)) for name in names]
    for path in paths:
        if os.path.isfile(path):
            return path
    raise InvalidInput(
        "There is no Dockerfile",
        subject=paths[0],
        expected=" or ".join(paths),
        remedy="correct dockerfile, which is relative to path, or give the text in dockerfile_content",
    )


def _log_path(path: str | None) -> str | None:
    if path is not None and not (os.path.isabs(path) and path.isprintable() and os.path.basename(path)):
        raise InvalidInput("Not the absolute path of a file", subject=f"log_path: {path[:120]!r}")
    if path is not None and (os.path.isdir(path) or os.path.islink(path)):
        raise InvalidInput(
            "The build's log cannot be written there", subject=f"log_path: {path}", expected="a plain file, or none yet"
        )
    return path


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError as error:
        raise InvalidInput("The Dockerfile cannot be read", subject=path, tail=str(error)) from error


def _read_repository(
    params: Params, repository: GitContext, git: Git, spec: BuildSpec, scratch: str, cache: HashCache | None
) -> tuple[t.Callable[[BuildSpec], BuildSpec], BuildInputs]:
    """Return what checks a context in a repository out, and the inputs of a build of it: the commit says it all."""
    if os.path.isabs(params["dockerfile"] or ""):
        raise InvalidInput(
            "The Dockerfile of a context in a git repository is in the repository",
            subject=f"dockerfile: {params['dockerfile']}",
            remedy="name it relative to the context's folder, or give its text in dockerfile_content",
        )
    commit = git.resolve(repository)

    def check_out(wanted: BuildSpec) -> BuildSpec:
        folder = os.path.join(tempfile.mkdtemp(prefix="repository-", dir=scratch), "files")
        git.check_out(repository, commit, folder)
        context = os.path.join(folder, repository.folder)
        if not (os.path.isdir(context) and _is_within(context, folder)):
            raise NotFound(
                "The git repository has no such folder",
                subject=f"{repository.folder} in {repository.remote} at {commit}",
                remedy="correct what follows the : in path",
            )
        dockerfile = _dockerfile(params, context, scratch)
        if params["dockerfile_content"] is None and not _is_within(dockerfile, folder):
            raise InvalidInput("The Dockerfile leads out of its git repository", subject=f"{dockerfile} at {commit}")
        return wanted._replace(context=context, dockerfile=dockerfile)

    text = plain_text(params["dockerfile_content"] or "", "dockerfile_content")
    inputs = BuildInputs.of(spec, text.encode(), _folder_snapshots(params, spec, cache))
    settings = {**inputs.settings, **repository.settings(commit)}
    if params["dockerfile"]:
        settings["dockerfile"] = params["dockerfile"]
    return check_out, inputs._replace(settings=settings)


def _is_within(path: str, folder: str) -> bool:
    real = os.path.realpath(folder)
    return os.path.commonpath([os.path.realpath(path), real]) == real


def _snapshots(params: Params, spec: BuildSpec, cache: HashCache | None) -> dict[str, ContextSnapshot]:
    for_buildah = params["backend"] == "buildah"
    main = snapshot_context(spec.context, spec.dockerfile, cache, for_buildah=for_buildah)
    return {"": main, **_folder_snapshots(params, spec, cache)}


def _folder_snapshots(params: Params, spec: BuildSpec, cache: HashCache | None) -> dict[str, ContextSnapshot]:
    # buildah leaves nothing out of named contexts, whatever ignore files are in them (1.28.2).
    snapshot = (
        snapshot_folder if params["backend"] == "buildah" else functools.partial(snapshot_context, dockerfile=None)
    )
    folders = {name: source for name, source in spec.build_contexts.items() if os.path.isabs(source)}
    return {name: snapshot(folder, cache=cache) for name, folder in folders.items()}


def _texts(values: t.Mapping[str, t.Any], option: str, names: str) -> dict[str, str]:
    texts: dict[str, str] = {}
    for key, value in values.items():
        if not re.fullmatch(names, str(key)):
            raise InvalidInput("Not a valid name", subject=f"{option}: {str(key)[:80]!r}", expected=names)
        texts[str(key)] = option_text(value, f"{option}: {key}")
    return texts


def _labels(values: t.Mapping[str, t.Any]) -> dict[str, str]:
    labels = {str(key): option_text(value, f"labels: {key}") for key, value in values.items()}
    for key in labels:
        if not key or key.startswith("-") or "=" in key or not key.isprintable() or " " in key:
            raise InvalidInput(
                "Not a valid label", subject=f"labels: {key[:80]!r}", expected="a key without white space and '='"
            )
    return labels


def _stage(target: str | None) -> str:
    if target and not re.fullmatch(_STAGE, target):
        raise InvalidInput("Not the name of a stage", subject=f"target: {target[:80]!r}", expected=_STAGE)
    return target or ""


def _etc_hosts(values: t.Mapping[str, t.Any]) -> dict[str, str]:
    hosts = {str(host): option_text(address, f"etc_hosts: {host}") for host, address in values.items()}
    for host, address in hosts.items():
        if not re.fullmatch(_HOST, host) or not re.fullmatch(_ADDRESS, address):
            raise InvalidInput(
                "Not a host name with an address",
                subject=f"etc_hosts: {host[:80]!r}: {address[:80]!r}",
                expected="a host name, and an IPv4 or IPv6 address or host-gateway",
            )
    return hosts


def _build_contexts(values: t.Mapping[str, t.Any]) -> dict[str, str]:
    contexts: dict[str, str] = {}
    for name, raw in values.items():
        source = option_text(raw, f"build_contexts: {name}")
        if not re.fullmatch(_NAME, str(name).replace("/", "-").replace(":", "-")):
            raise InvalidInput("Not the name of a build context", subject=f"build_contexts: {str(name)[:80]!r}")
        if os.path.isabs(source):
            source = _existing_folder(source, f"build_contexts: {name}")
        elif not source.startswith(_SOURCE_SCHEMES):
            raise InvalidInput(
                "Not a source of a build context",
                subject=f"build_contexts: {name}: {source[:120]}",
                expected=f"an absolute path, or a source that begins with {', '.join(_SOURCE_SCHEMES)}",
            )
        contexts[str(name)] = source
    return contexts


def _words(values: t.Sequence[str], option: str) -> tuple[str, ...]:
    for value in values:
        if not value or value.startswith("-") or not value.isprintable():
            raise InvalidInput("Not a usable value", subject=f"{option}: {value[:120]!r}")
    return tuple(values)


def _generator(name: str | None, sbom: bool) -> str:
    if name is None:
        return ""
    if not sbom:
        raise InvalidInput(
            "An SBOM's generator is named, but no SBOM is asked for",
            subject=f"sbom_generator: {name[:200]}",
            remedy="set sbom, or leave it out",
        )
    return str(Reference.parse(name))


def _secret(secret: Params, scratch: str) -> Secret:
    identifier, kind = secret["id"], secret["type"]
    if not re.fullmatch(_NAME, identifier):
        raise InvalidInput("Not the id of a secret", subject=f"secrets: {identifier[:80]!r}", expected=_NAME)
    if kind == "file":
        return Secret(identifier, _secret_file(identifier, secret["src"]))
    value = _variable(identifier, secret["env"]) if kind == "env" else _secret_bytes(identifier, secret["value"])
    # A file, and not the builder's own env=: so the value stands in no process's environment that others may read.
    descriptor, path = tempfile.mkstemp(prefix="secret-", dir=scratch)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(value)
    return Secret(identifier, path)


def _variable(identifier: str, name: str) -> bytes:
    value = os.environb.get(os.fsencode(plain_text(name, f"secrets: {identifier}: env")))
    if value is None:
        raise InvalidInput(
            "The environment variable of a secret is not set on the node",
            subject=f"secrets: {identifier}: {name}",
            remedy="set it on the node for the user that the task runs as, or give the value with type value",
        )
    return value


def _secret_bytes(identifier: str, value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        # The value itself must not be in the message, nor in the error that the message comes from.
        raise InvalidInput("The value of a secret is not Unicode", subject=f"secrets: {identifier}") from None


def _secret_file(identifier: str, path: str) -> str:
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise InvalidInput("The file of a secret cannot be read", subject=f"secrets: {identifier}: {path}")
    _refuse_comma(path, f"secrets: {identifier}")
    return path


def _agent(agent: Params) -> SSHAgent:
    identifier, paths = agent["id"], tuple(agent["paths"])
    if not re.fullmatch(_NAME, identifier):
        raise InvalidInput("Not the id of an SSH agent", subject=f"ssh: {identifier[:80]!r}", expected=_NAME)
    for path in paths:
        if not os.path.exists(path):
            raise InvalidInput("The socket or key of an SSH agent does not exist", subject=f"ssh: {identifier}: {path}")
        _refuse_comma(path, f"ssh: {identifier}")
    return SSHAgent(identifier, paths)


def _refuse_comma(path: str, where: str) -> None:
    # The builders read the word as comma-separated values.
    if "," in path or '"' in path or not path.isprintable():
        raise InvalidInput(
            "A path that builders cannot be given", subject=f"{where}: {path[:120]!r}", expected="no comma and no quote"
        )
