# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a build is asked for, and what came of it, in words that every builder shares."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import for_each
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

# Modes of the network of RUN instructions; the builders do not all know a word for their own default.
DEFAULT_NETWORK, HOST_NETWORK = "default", "host"
# Stands for the address of the host; nerdctl alone looks it up.
HOST_GATEWAY = "host-gateway"
INPUTS_DIGEST_LABEL = "io.nephoran.container-build.inputs-digest"
# Kinds of outputs: the root file system as a folder or as a tar, the image as an archive, the image under more names.
FOLDER_OUTPUT, TAR_OUTPUT, OCI_OUTPUT, DOCKER_OUTPUT, IMAGE_OUTPUT = "local", "tar", "oci", "docker", "image"
OUTPUT_KINDS = (FOLDER_OUTPUT, TAR_OUTPUT, OCI_OUTPUT, DOCKER_OUTPUT, IMAGE_OUTPUT)


class Secret(t.NamedTuple):
    """A secret that a build may mount: its id in the Dockerfile and the file that holds it."""

    id: str
    path: str


class SSHAgent(t.NamedTuple):
    """An SSH agent's socket, or keys, that a build may use under an id."""

    id: str
    paths: tuple[str, ...] = ()


class Output(t.NamedTuple):
    """What is to be made of the image once it is built.

    Attributes:
        kind: one of :data:`OUTPUT_KINDS`.
        dest: the file or folder; empty for ``image``.
        names: further names of the image; for ``image`` alone.
        push: whether registries are to have it under these names, or under its own if there are none.
    """

    kind: str
    dest: str = ""
    names: tuple[Reference, ...] = ()
    push: bool = False


class BuildSpec(t.NamedTuple):
    """One build.

    Attributes:
        reference: the image's name.
        context: the context's folder.
        dockerfile: the Dockerfile's path.
        args: values of ``ARG`` instructions.
        target: the stage to build; the last one if empty.
        platforms: what to build for; the builder's own platform if empty.
        labels: labels of the image.
        network: the network mode of ``RUN`` instructions; the builder's default if empty.
        etc_hosts: host names and their addresses for ``RUN`` instructions.
        build_contexts: further contexts by name: a folder or a builder's own source such as ``docker-image://…``.
        cache_from: caches to import, in the builder's notation.
        cache_to: caches to export, in the builder's notation.
        pull: whether to ask the registry for newer bases.
        nocache: whether to leave the builder's cache unused.
        secrets: secrets that ``RUN --mount=type=secret`` may read.
        ssh: agents that ``RUN --mount=type=ssh`` may use.
        allow: entitlements granted to this build.
        provenance: how much is attested of how the image was made, ``min`` or ``max``; nothing if empty.
        sbom: whether a list of the image's software is attested.
        sbom_generator: the image that makes that list; the builder's choice if empty.
        inline_dockerfile: whether the Dockerfile was given as text, so that its path tells a person nothing.
        fresh_contexts: whether the builder must not rely on the copy of a context that it kept from an earlier build.
    """

    reference: Reference
    context: str
    dockerfile: str
    args: t.Mapping[str, str] = {}
    target: str = ""
    platforms: tuple[Platform, ...] = ()
    labels: t.Mapping[str, str] = {}
    network: str = ""
    etc_hosts: t.Mapping[str, str] = {}
    build_contexts: t.Mapping[str, str] = {}
    cache_from: tuple[str, ...] = ()
    cache_to: tuple[str, ...] = ()
    pull: bool = False
    nocache: bool = False
    secrets: tuple[Secret, ...] = ()
    ssh: tuple[SSHAgent, ...] = ()
    allow: tuple[str, ...] = ()
    provenance: str = ""
    sbom: bool = False
    sbom_generator: str = ""
    inline_dockerfile: bool = False
    fresh_contexts: bool = False

    @property
    def dockerfile_name(self) -> str:
        """What a person calls the Dockerfile: its path, or the option that holds it."""
        return "dockerfile_content" if self.inline_dockerfile else self.dockerfile

    @property
    def attestations(self) -> dict[str, str]:
        """The attributes of each attestation, by its type, in BuildKit's notation."""
        found = {"provenance": f"mode={self.provenance}"} if self.provenance else {}
        if self.sbom:
            found["sbom"] = f"generator={self.sbom_generator}" if self.sbom_generator else ""
        return found

    def with_label(self, key: str, value: str) -> BuildSpec:
        """Return this build with one more label on its image."""
        return self._replace(labels={**self.labels, key: value})


class RootRequest(t.NamedTuple):
    """The root file system of an image, which is to be written to a file or a folder.

    Attributes:
        reference: the image.
        platforms: whose; a folder for each if there are several; the builder's own if empty.
        kind: ``local`` or ``tar``.
        dest: the folder or the tar, which does not exist yet.
        context: an empty folder but for its ``Dockerfile``, which takes the image as it is; see
            ``dockerfile_of_image``.
        timeout: seconds that it may take; None: no limit.
    """

    reference: Reference
    platforms: tuple[Platform, ...]
    kind: str
    dest: str
    context: str
    timeout: int | None = None

    @property
    def dockerfile(self) -> str:
        """The Dockerfile's path."""
        return f"{self.context}/Dockerfile"

    @property
    def output(self) -> str:
        """The output in the notation of all builders."""
        return f"type={self.kind},dest={self.dest}"


class BuildStep(t.NamedTuple):
    """One step of a build.

    Attributes:
        name: as the builder prints it: ``[2/3] COPY app /app``.
        cached: whether the cache answered.
        seconds: how long it took; 0 if the builder does not say.
        error: why it failed; empty if it did not.
    """

    name: str
    cached: bool = False
    seconds: float = 0.0
    error: str = ""


class BuildReport(t.NamedTuple):
    """What a builder said about a build that succeeded.

    Attributes:
        command: the words it was started with.
        steps: its steps in the order in which they began.
        stdout: what it wrote on standard output.
        stderr: its progress as plain lines.
    """

    command: tuple[str, ...]
    steps: tuple[BuildStep, ...]
    stdout: str
    stderr: str


class BuiltImage(t.NamedTuple):
    """An image in a builder's store, as far as a build cares.

    Attributes:
        digest: of what the image's name stands for: an index or a manifest.
        image_id: the digest of the config of the first platform that was asked for.
        identity: digests of manifest and config for each platform: what tells two builds apart, since an attestation
            moves the index's digest at every build (moby#48391).
        inputs_digest: the label that the build was given; empty if it has none.
        missing: digests of blobs that the store should hold and does not.
        lacking: platforms that were asked for and that the image is not for.
        record_labels: the labels of containerd's record of it; none in buildah's store.
    """

    digest: str
    image_id: str
    identity: tuple[str, ...]
    inputs_digest: str = ""
    missing: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()
    record_labels: t.Mapping[str, str] = {}


class Builder(t.Protocol):
    """What the manager needs of a builder.

    Attributes:
        name: what it is called.
        keeps_contexts: whether it keeps a context, and takes files of the next one for the same by size and time.
    """

    name: str
    keeps_contexts: bool

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this builder cannot do."""

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        """Build *spec*; raise ``ToolFailed`` or ``Unavailable`` with the step that failed and its last lines."""

    def write_root(self, root: RootRequest) -> None:
        """Write the root file system of an image in the builder's own store; raise what ended that."""


def dockerfile_of_image(reference: Reference) -> str:
    """Return a Dockerfile whose result is the image itself: builders write outputs of builds, not of images."""
    return f"FROM {reference}\n"


def secret_words(spec: BuildSpec) -> list[str]:
    """Return the words for *spec*'s secrets and agents, alike in all builders: names of files, never values."""
    secrets = (f"id={secret.id},src={secret.path}" for secret in spec.secrets)
    agents = (agent.id + ("=" + ",".join(agent.paths) if agent.paths else "") for agent in spec.ssh)
    return [*for_each("--secret", secrets), *for_each("--ssh", agents)]
