# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds with a daemon that does not build in this node's containerd, and brings the image there.

Such a daemon is on another machine, or it is not root and keeps its images to itself.
"""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._archive_source import images_of_archive
from ansible_collections.nephoran.container_build.plugins.module_utils._build_delivery import (
    Workshop,
    platform_to_bring,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_end import BetweenSteps
from ansible_collections.nephoran.container_build.plugins.module_utils._build_failure import refuse_host_gateway
from ansible_collections.nephoran.container_build.plugins.module_utils._build_progress import BuildkitSteps
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    FOLDER_OUTPUT,
    TAR_OUTPUT,
    BuildReport,
    BuildSpec,
    Output,
    RootRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import BuildWatch
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import (
    Buildctl,
    buildctl_words,
    read_buildkit_build,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._builder_pool import (
    first_that_answers,
    read_builders,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._built_images import ContainerdImages
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import BuildRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    ImportRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import (
    ImageSource,
    NamespaceSource,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_builder import nerdctl_build_words
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._secret_mask import SecretMask

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


_WITHOUT_CONTAINERD = "build with a daemon that has a containerd worker"


class ArchiveClient(t.Protocol):
    """A client that has a daemon write an image into an archive."""

    name: str

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this client cannot do."""

    def build_archive(self, spec: BuildSpec, archive: str, **options: t.Any) -> Completed:
        """Build *spec* into the OCI archive *archive*; options are the runner's."""


class BuildctlArchives:
    """``buildctl build`` into an archive."""

    name = "buildctl"

    def __init__(self, buildctl: Buildctl) -> None:
        self._buildctl = buildctl

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this client cannot do."""
        refuse_host_gateway(self.name, spec)

    def build_archive(self, spec: BuildSpec, archive: str, **options: t.Any) -> Completed:
        """Build *spec* into the OCI archive *archive*; options are the runner's."""
        output = f"type=oci,name={spec.reference},dest={archive}"
        return self._buildctl.run(["build", *buildctl_words(spec, output)], **options)


class NerdctlArchives:
    """``nerdctl build`` into an archive, by the daemon at *host*."""

    name = "nerdctl"

    def __init__(self, nerdctl: Nerdctl, namespace: str, host: str) -> None:
        self._nerdctl = nerdctl
        self._namespace = namespace
        self._host = host

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this client cannot do: nothing so far."""

    def build_archive(self, spec: BuildSpec, archive: str, **options: t.Any) -> Completed:
        """Build *spec* into the OCI archive *archive*; options are the runner's."""
        words = nerdctl_build_words(spec, f"type=oci,dest={archive}")
        return self._nerdctl.run(self._namespace, words, environ={"BUILDKIT_HOST": self._host}, **options)


class RemoteBuilder:
    """Builds where this node's containerd is not; the image comes back as an archive, into a namespace here.

    Args:
        client: what has the daemon build.
        buildctl: the daemon's own client.
        store: the containerd that is to have the image.
        namespace: its namespace.
        scratch: a private folder, with room for the image.
        watch: follows builds.
    """

    # It drops what the daemon has before each build, and the daemon that builds in containerd gets nothing.
    keeps_contexts = False

    def __init__(
        self,
        client: ArchiveClient,
        buildctl: Buildctl,
        store: ImageStore,
        namespace: str,
        scratch: str,
        watch: BuildWatch | None = None,
    ) -> None:
        self.name = client.name
        self._client = client
        self._buildctl = buildctl
        self._store = store
        self._namespace = namespace
        self._scratch = scratch
        self._watch = watch or BuildWatch()

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this builder cannot do."""
        self._client.refuse(spec)

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        """Build *spec*, and import and unpack the image; raise what ended that."""
        # Builds of others came in between, so that no record of this node's tells what the daemon last got.
        self._buildctl.forget_contexts()
        # Not the platform of the machine that happens to build.
        wanted = spec._replace(platforms=spec.platforms or (Platform.host(),))
        follower = self._watch.follow(BuildkitSteps(), SecretMask.of(spec.secrets), BetweenSteps())
        with tempfile.TemporaryDirectory(prefix="remote-", dir=self._scratch) as folder:
            archive = os.path.join(folder, "image.tar")
            completed = self._client.build_archive(wanted, archive, timeout=timeout, follower=follower)
            report = read_buildkit_build(self.name, completed, spec, log_path)
            self._import(spec, archive)
        return report

    def write_root(self, root: RootRequest) -> None:
        """Refuse to write a root file system: the daemon does not have the image any more."""
        raise _no_root(root.kind, _WITHOUT_CONTAINERD)

    def _import(self, spec: BuildSpec, path: str) -> None:
        with ImageArchive.open(path) as archive:
            ((_name, source),) = images_of_archive(archive, [spec.reference], self._scratch)
            request = ImportRequest(
                source,
                spec.reference,
                self._namespace,
                platform_to_bring(spec),
                unpack=True,
                # Whoever builds an image decides on its labels; the refusal is for images that came from elsewhere.
                allow_reserved_labels=True,
            )
            ImageImporter(self._store).run(request)


def refuse_remotely(params: t.Mapping[str, t.Any], outputs: t.Sequence[Output]) -> None:
    """Refuse what a pool of builders cannot do, whether or not anything has to be built.

    Args:
        params: the module's options.
        outputs: what is to be made of the image.

    Raises:
        InvalidInput: an option cannot be used, or not together with a pool.
    """
    if params["backend"] != "buildctl":
        raise InvalidInput(
            f"{params['backend']} does not build on other machines",
            subject="builders",
            remedy="set backend to buildctl, or leave builders out",
        )
    if params["buildkit_host"]:
        raise InvalidInput(
            "Either a pool of builders or one daemon builds",
            subject="builders and buildkit_host",
            remedy="leave one of them out",
        )
    read_builders(params["builders"])
    for output in outputs:
        if output.kind in (FOLDER_OUTPUT, TAR_OUTPUT):
            raise _no_root(output.kind, "build on this node, without builders")


def remote_workshop(
    module: AnsibleModule, runner: Runner, store: ImageStore, namespace: str, request: BuildRequest
) -> Workshop:
    """Return a workshop whose builder is the first of the module's pool that answers.

    Raises:
        Unavailable: none answers.
    """
    buildctl = first_that_answers(read_builders(module.params["builders"]), runner, module.warn)
    return _workshop(module, store, namespace, request, BuildctlArchives(buildctl), buildctl)


def workshop_without_containerd(
    module: AnsibleModule, buildctl: Buildctl, store: ImageStore, namespace: str, request: BuildRequest
) -> Workshop:
    """Return a workshop whose builder is a daemon without a containerd worker, such as one that is not root.

    Raises:
        InvalidInput: an output cannot be had this way.
    """
    for output in request.outputs:
        if output.kind in (FOLDER_OUTPUT, TAR_OUTPUT):
            raise _no_root(output.kind, _WITHOUT_CONTAINERD)
    client: ArchiveClient = BuildctlArchives(buildctl)
    if module.params["backend"] == "nerdctl":
        client = NerdctlArchives(store.nerdctl, namespace, buildctl.host)
    return _workshop(module, store, namespace, request, client, buildctl)


def _workshop(
    module: AnsibleModule,
    store: ImageStore,
    namespace: str,
    request: BuildRequest,
    client: ArchiveClient,
    buildctl: Buildctl,
) -> Workshop:
    watch = BuildWatch(module.params["progress_id"])
    builder = RemoteBuilder(client, buildctl, store, namespace, module.tmpdir, watch)

    def source() -> ImageSource:
        state = store.find(namespace, request.spec.reference, platform_to_bring(request.spec))
        if state is None:
            raise NotFound("The image is gone", subject=f"{request.spec.reference} in namespace {namespace}")
        return NamespaceSource(store, state, module.tmpdir)

    return Workshop(builder, ContainerdImages(store, namespace), source)


def _no_root(kind: str, other_way: str) -> InvalidInput:
    return InvalidInput(
        "What was not built in this node's containerd cannot be written as a root file system",
        subject=f"outputs: type {kind}",
        remedy=f"take an archive (type oci or docker), or {other_way}",
    )
