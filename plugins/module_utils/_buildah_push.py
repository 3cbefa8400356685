# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pushes an image of buildah's store to a registry, if the registry has another one under the name, or none.

buildah compresses layers on the way, so the manifest that the registry gets is known only afterwards. The config is not
touched and names the plain layers: two manifests with one config are one image.
"""

from __future__ import annotations

from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah, StoredImage
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import require_in_buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._image_push import Pushed
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_failure import (
    patiently,
    registry_failure,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import redact


class BuildahPusher:
    """Observes, plans and applies pushes out of buildah's store.

    Args:
        buildah: the store.
        registry: tells what registries have.
        access: how buildah reaches registries.
    """

    def __init__(self, buildah: Buildah, registry: NerdctlRegistry, access: RegistryAccess) -> None:
        self._buildah = buildah
        self._registry = registry
        self._access = access

    def run(self, reference: Reference, destination: Reference, *, check: bool = False) -> Pushed:
        """Push the image *reference* to *destination* if the registry has another one, or only say it if *check*.

        Raises:
            NotFound: there is no such image.
            IntegrityError: the registry has something else afterwards.
            Unavailable: the registry cannot be reached, wants other credentials, or is out of order.
        """
        image = require_in_buildah(self._buildah, reference)
        remote = self._registry.find(destination)
        plan = self.plan(image, destination, remote)
        if check or not plan.changed:
            return Pushed(plan, str(remote.digest or "") if remote is not None and not plan.changed else "")
        command = self._push(image, destination)
        arrived = self._registry.find(destination)
        if arrived is None or not arrived.has_config(image.config_digest):
            raise IntegrityError(
                "The image was pushed, but the registry has something else under its name",
                subject=str(destination),
                expected=f"a manifest of the image {image.config_digest}",
                remedy="see whether somebody else pushes to the same name, then run the task again",
            )
        return Pushed(plan, str(arrived.digest), command)

    @staticmethod
    def plan(image: StoredImage, destination: Reference, remote: RemoteImage | None) -> Plan:
        """Return what must happen; pure."""
        name = str(destination)
        if remote is not None and remote.has_config(image.config_digest):
            return Plan((), {name: remote.shown()}, {name: remote.shown()})
        before = {"present": False} if remote is None else remote.shown()
        after = {"present": True, "image_id": image.config_digest}
        old = "absent" if remote is None else before.get("digest", "another index")
        return Plan((Action("push", name, f"{old} → image {image.config_digest}"),), {name: before}, {name: after})

    def _push(self, image: StoredImage, destination: Reference) -> tuple[str, ...]:
        access = self._access
        completed = patiently(
            lambda: self._buildah.push(
                image.name, f"docker://{destination}", insecure=access.insecure, environ=access.environ
            ),
            access,
        )
        if completed.rc != 0:
            raise registry_failure(completed, "The image could not be pushed", subject=str(destination))
        return tuple(redact(completed.argv))
