# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The digests that registries have for the images which a build begins with, as a part of what decides its result."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_inputs import BASE_SETTING
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec
from ansible_collections.nephoran.container_build.plugins.module_utils._dockerfile_bases import bases_of
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import BuildRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Index, select_manifest
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage

FindRemote = t.Callable[[Reference], "RemoteImage | None"]


def with_bases(request: BuildRequest, dockerfile: bytes, find: FindRemote) -> BuildRequest:
    """Return *request* with the digests of its bases among its inputs, and with a builder that asks for them, too.

    Args:
        request: the build.
        dockerfile: the Dockerfile's content.
        find: asks a registry.

    Raises:
        NotFound: a registry has no such base, or not for a platform.
        Unavailable: a registry does not answer.
        InvalidInput: a FROM instruction cannot be made sense of.
    """
    bases = base_digests(request.spec, dockerfile, find)
    inputs = request.inputs._replace(settings={**request.inputs.settings, **bases})
    # Without that, a builder that has an older base would take it, and the digest would not be what was built on.
    return request._replace(spec=request.spec._replace(pull=True), inputs=inputs)


def base_digests(spec: BuildSpec, dockerfile: bytes, find: FindRemote) -> dict[str, str]:
    """Return for ``base NAME`` of each image of a FROM instruction the digest of its manifest.

    A platform's own manifest, and not the index: an index moves with every platform and every attestation. Errors are
    those of :func:`with_bases`.
    """
    text = dockerfile.decode("utf-8", "replace")
    digests: dict[Reference, dict[str, str]] = {}
    remotes: dict[Reference, RemoteImage] = {}
    for base in bases_of(text, spec.args, spec.platforms, spec.build_contexts, Platform.host()):
        reference = base.reference
        if reference.digest is not None:
            # Named by its digest, it cannot move, and the Dockerfile and the arguments are inputs.
            continue
        if reference not in remotes:
            remotes[reference] = _require(find(reference), reference)
        digests.setdefault(reference, {})[str(base.platform)] = _digest(remotes[reference], base.platform)
    return {f"{BASE_SETTING}{reference}": _told(by_platform) for reference, by_platform in digests.items()}


def _digest(remote: RemoteImage, platform: Platform) -> str:
    if isinstance(remote.document, Index):
        return str(select_manifest(remote.document, platform).digest)
    return str(remote.digest)


def _told(by_platform: t.Mapping[str, str]) -> str:
    if len(set(by_platform.values())) == 1:
        return next(iter(by_platform.values()))
    return ", ".join(f"{platform} {digest}" for platform, digest in sorted(by_platform.items()))


def _require(remote: RemoteImage | None, reference: Reference) -> RemoteImage:
    if remote is None:
        raise NotFound(
            "The registry has no such base image, so whether it moved cannot be told",
            subject=f"FROM {reference}",
            remedy="correct the name, push the image there, or set base_digest to ignore",
        )
    return remote
