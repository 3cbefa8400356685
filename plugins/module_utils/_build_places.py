# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A built image in a namespace of containerd or in buildah's store: written to outputs, named, and pushed."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_delivery import (
    Workshop,
    platform_to_bring,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    DOCKER_OUTPUT,
    OCI_OUTPUT,
    Builder,
    RootRequest,
    dockerfile_of_image,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah, BuildahBuilder
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah_push import BuildahPusher
from ansible_collections.nephoran.container_build.plugins.module_utils._built_images import (
    ContainerdImages,
    require,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import (
    ON_CHANGE,
    BuildRequest,
    ImageBuild,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_export import (
    ExportRequest,
    ImageExporter,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import require_in_buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._image_push import (
    ImagePusher,
    Pushed,
    PushRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tag import TagRequest, tag_image
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage

Registries = t.Callable[[Reference], tuple[NerdctlRegistry, RegistryAccess]]

_ARCHIVES = (OCI_OUTPUT, DOCKER_OUTPUT)


class ContainerdPlace:
    """A built image in a namespace of containerd.

    Args:
        request: what was built.
        store: the containerd.
        namespace: its namespace.
        workshop: makes the workshop ready; called only if a root file system has to be written.
        records: what earlier builds were made from.
        registries: gives the way to the registry of a name.
        scratch: a private folder.
    """

    def __init__(
        self,
        request: BuildRequest,
        store: ImageStore,
        namespace: str,
        workshop: t.Callable[[], Workshop],
        records: BuildRecords,
        registries: Registries,
        scratch: str,
    ) -> None:
        self._request = request
        self._store = store
        self._namespace = namespace
        self.where = namespace
        self._workshop = workshop
        self._records = records
        self._registries = registries
        self._scratch = scratch

    def write(self, kind: str, path: str) -> None:
        """Write the image as *kind* to *path*; archives out of its namespace, all else where it was built."""
        spec = self._request.spec
        if kind in _ARCHIVES:
            for_docker = kind == DOCKER_OUTPUT
            # Docker's archives have no place for attestations.
            platform = (*spec.platforms, Platform.host())[0] if for_docker else platform_to_bring(spec)
            wanted = ExportRequest(self._namespace, (spec.reference,), path, platform, for_docker=for_docker)
            ImageExporter(self._store).run(wanted)
            return
        workshop = self._workshop()
        self._require_in_workshop(workshop)
        with image_lock(f"build {workshop.images.place}", str(spec.reference)):
            _write_root(workshop.builder, self._request, kind, path, self._scratch)

    def name(self, names: t.Sequence[Reference], *, check: bool) -> Plan:
        """Have the image found under *names*, too, or only say it if *check*."""
        request = TagRequest(self._namespace, self._request.spec.reference, tuple(names))
        return tag_image(self._store, request, self._scratch, check=check).plan

    def push(self, destination: Reference, *, check: bool) -> Pushed:
        """Have a registry have the image under *destination*, or only say it if *check*."""
        # A further name of the image is only there once it is given.
        reference = self._request.spec.reference if check else destination
        request = PushRequest(self._namespace, reference, destination)
        registry, _access = self._registries(destination)
        return ImagePusher(self._store, registry, self._scratch).run(request, check=check)

    def remote(self, destination: Reference) -> RemoteImage | None:
        """Return what the registry has under *destination*."""
        return self._registries(destination)[0].find(destination)

    def _require_in_workshop(self, workshop: Workshop) -> None:
        """Build the image where the builder can see it, if it is gone from there, or if something else is there."""
        spec, place = self._request.spec, workshop.images.place
        final = ContainerdImages(self._store, self._namespace)
        wanted = require(final.find(spec.reference, spec.platforms), spec.reference, final.place)
        found = workshop.images.find(spec.reference, spec.platforms)
        if found is None or found.missing or found.inputs_digest != wanted.inputs_digest:
            request = self._request._replace(rebuild=ON_CHANGE)
            found = ImageBuild(request, workshop.images, self._records).apply(workshop.builder).image
        if found.inputs_digest != wanted.inputs_digest:
            raise IntegrityError(
                "The builder cannot make the image of an output again: what it was made from has changed",
                subject=f"{spec.reference} in {place}",
                expected=f"inputs digest {wanted.inputs_digest}",
                remedy="set rebuild to on_change",
            )


class BuildahPlace:
    """A built image in buildah's store.

    Args:
        request: what was built.
        buildah: the store.
        registries: gives the way to the registry of a name.
        scratch: a private folder.
    """

    where = "buildah's store"

    def __init__(self, request: BuildRequest, buildah: Buildah, registries: Registries, scratch: str) -> None:
        self._request = request
        self._buildah = buildah
        self._registries = registries
        self._scratch = scratch

    def write(self, kind: str, path: str) -> None:
        """Write the image as *kind* to *path*."""
        if kind in _ARCHIVES:
            self._buildah.save_archive(str(self._request.spec.reference), path, for_docker=kind == DOCKER_OUTPUT)
        else:
            _write_root(BuildahBuilder(self._buildah), self._request, kind, path, self._scratch)

    def name(self, names: t.Sequence[Reference], *, check: bool) -> Plan:
        """Have the image found under *names*, too, or only say it if *check*."""
        image = require_in_buildah(self._buildah, self._request.spec.reference)
        actions, before, after = [], {}, {}
        for name in names:
            there = self._buildah.find(name)
            before[str(name)] = {"present": there is not None, "digest": there.digest if there else ""}
            after[str(name)] = {"present": True, "digest": image.digest}
            if there is None or there.digest != image.digest:
                actions.append(
                    Action("name", f"{name} in {self.where}", f"{there.digest if there else 'absent'} → {image.digest}")
                )
                if not check:
                    self._buildah.tag(image.name, str(name))
        return Plan(tuple(actions), before, after)

    def push(self, destination: Reference, *, check: bool) -> Pushed:
        """Have a registry have the image under *destination*, or only say it if *check*."""
        registry, access = self._registries(destination)
        pusher = BuildahPusher(self._buildah, registry, access)
        return pusher.run(self._request.spec.reference, destination, check=check)

    def remote(self, destination: Reference) -> RemoteImage | None:
        """Return what the registry has under *destination*."""
        return self._registries(destination)[0].find(destination)


def _write_root(builder: Builder, request: BuildRequest, kind: str, path: str, scratch: str) -> None:
    spec = request.spec
    folder = tempfile.mkdtemp(prefix="output-", dir=scratch)
    root = RootRequest(spec.reference, spec.platforms, kind, path, folder, request.timeout)
    with open(root.dockerfile, "w", encoding="utf-8") as file:
        file.write(dockerfile_of_image(spec.reference))
    os.chmod(root.dockerfile, 0o644)
    builder.write_root(root)
