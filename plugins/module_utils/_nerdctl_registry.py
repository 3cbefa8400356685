# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registries as nerdctl reaches them: with the node's hosts.toml and credentials, or those of the task."""

from __future__ import annotations

import base64
import json
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import if_given
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import read_object
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Index, Manifest
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_failure import (
    is_absent,
    patiently,
    registry_failure,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed

# Asking a registry touches no namespace, but nerdctl wants one.
_ANY_NAMESPACE = "default"


class NerdctlRegistry:
    """The registries of images, as ``nerdctl`` reaches them.

    Args:
        nerdctl: the client.
        access: credentials, and what is excused from TLS.
    """

    def __init__(self, nerdctl: Nerdctl, access: RegistryAccess) -> None:
        self._nerdctl = nerdctl
        self._access = access
        self._hosts: dict[str, str] = {}

    def find(self, reference: Reference) -> RemoteImage | None:
        """Return what the registry has under *reference*, None if it has nothing.

        Two questions make one answer. The first tells an index from a manifest, but not the digest of either; the
        second tells the digest of a manifest. Of an index it would tell those of its manifests, and would ask for
        them without the node's ``hosts.toml`` (nerdctl 2.2.1), so it is not asked.

        Raises:
            Unavailable: the registry cannot be reached, wants other credentials, or is out of order.
            IntegrityError: nerdctl's answer is not known here.
        """
        completed = self._inspect(reference, [])
        if is_absent(completed):
            return None
        where = f"{reference} at its registry"
        message = "The registry could not be asked for the image"
        if completed.rc != 0:
            raise registry_failure(completed, message, subject=str(reference))
        if read_object(completed.stdout, where).has("manifests"):
            return RemoteImage(Index.parse(completed.stdout, where=where), None)
        verbose = self._inspect(reference, ["--verbose"])
        if verbose.rc != 0:
            raise registry_failure(verbose, message, subject=str(reference))
        raw = _raw_manifest(verbose, where)
        return RemoteImage(Manifest.parse(raw, where=where), Digest.of(raw))

    def pull(self, namespace: str, reference: Reference, platform: Platform | None) -> Completed:
        """Fetch the image *reference* into *namespace*, as a record of that name, without unpacking it.

        Args:
            namespace: where to.
            reference: the image.
            platform: whose manifest and layers to fetch; None: all.

        Raises:
            ContainerBuildError: it could not be fetched; see :meth:`find`.
        """
        which = ["--all-platforms"] if platform is None else ["--platform", platform.format()]
        words = ["pull", "--quiet", "--unpack=false", *which, reference.containerd_name]
        return self._done(self._run(namespace, reference, words), reference, "The image could not be pulled")

    def push(self, namespace: str, reference: Reference) -> Completed:
        """Push the image *reference* of *namespace* as it is there, with all its platforms.

        Without ``--all-platforms`` nerdctl would make an index of its own for this node's platform and push that.

        Raises:
            ContainerBuildError: it could not be pushed; see :meth:`find`.
        """
        words = ["push", "--quiet", "--all-platforms", reference.containerd_name]
        return self._done(self._run(namespace, reference, words), reference, "The image could not be pushed")

    def _inspect(self, reference: Reference, flags: t.Sequence[str]) -> Completed:
        return self._run(_ANY_NAMESPACE, reference, ["manifest", "inspect", *flags, reference.containerd_name])

    def _run(self, namespace: str, reference: Reference, words: t.Sequence[str]) -> Completed:
        argv = [*if_given("--hosts-dir", self._hosts_folder(reference.domain)), *words]
        return patiently(lambda: self._nerdctl.run(namespace, argv, environ=self._access.environ), self._access)

    def _hosts_folder(self, domain: str) -> str | None:
        if self._access.insecure and domain not in self._hosts:
            self._hosts[domain] = self._access.hosts_folder(domain)
        return self._hosts.get(domain)

    @staticmethod
    def _done(completed: Completed, reference: Reference, message: str) -> Completed:
        if completed.rc != 0:
            raise registry_failure(completed, message, subject=str(reference))
        return completed


def _raw_manifest(completed: Completed, where: str) -> bytes:
    try:
        return base64.b64decode(json.loads(completed.stdout)["Raw"], validate=True)
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError(
            "nerdctl's description of an image at a registry is not what this collection knows",
            subject=where,
            expected="the JSON that `nerdctl manifest inspect --verbose` of nerdctl 2.2 prints",
            tail=completed.text,
        ) from error
