# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that go into a bundle: proven by what is known of them, and read for what has to be said of them."""

from __future__ import annotations

import json
import os
import tarfile
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle import Source
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle_manifest import Member, validate_path
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import INDEX_NAME, parse_index
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import disk_error
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._file_digest import file_digest
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import parse_checksum

COLLECTION = ("nephoran", "container_build")
_COLLECTION_MANIFEST = "MANIFEST.json"


def archive_source(src: str, checksum: str, version: str, architecture: str) -> Source:
    """Return an archive nerdctl-full.

    Raises:
        IntegrityError: it has another checksum.
        NotFound: it is not there.
    """
    place = f"archives/{architecture}/{os.path.basename(src)}"
    return _proven(src, parse_checksum(checksum), place, "archive", {"version": version, "architecture": architecture})


def overlay_source(src: str, checksum: str, component: str, version: str, architecture: str) -> Source:
    """Return a component that is laid over an archive.

    Raises:
        IntegrityError: it has another checksum.
        NotFound: it is not there.
    """
    details = {"component": component, "version": version, "architecture": architecture}
    place = f"overlays/{architecture}/{component}/{os.path.basename(src)}"
    return _proven(src, parse_checksum(checksum), place, "overlay", details)


def collection_source(src: str) -> Source:
    """Return the collection itself, as ``ansible-galaxy collection build`` writes it.

    Raises:
        InvalidInput: it is something else.
        NotFound: it is not there.
    """
    source = _source(src, f"collection/{os.path.basename(src)}", "collection", {})
    try:
        with tarfile.open(src, "r:gz") as tar:
            file = tar.extractfile(_COLLECTION_MANIFEST)
            info = json.loads(file.read())["collection_info"] if file else {}
        named, version = (info["namespace"], info["name"]), info["version"]
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        raise _not_the_collection(src, str(error)) from error
    if named != COLLECTION or not isinstance(version, str):
        raise _not_the_collection(src, f"it is {'.'.join(map(str, named))}")
    return _with_details(source, {"version": version})


def images_source(src: str) -> Source:
    """Return an archive of images.

    Raises:
        InvalidInput: it is none, or its images have no names.
        IntegrityError: it is damaged.
        NotFound: it is not there.
    """
    source = _source(src, f"images/{os.path.basename(src)}", "images", {})
    with ImageArchive.open(src) as archive:
        digests = {str(name): str(image.root.digest) for image in archive.images for name in image.names}
        if not digests:
            raise InvalidInput(
                "The archive does not say what its images are called",
                subject=src,
                remedy="export them by their names, with image_export",
            )
        platforms = sorted({str(platform) for image in archive.images for platform in archive.platforms(image)})
    return _with_details(source, {"digests": digests, "platforms": platforms})


def package_sources(folder: str, distribution: str, release: str, architecture: str) -> list[Source]:
    """Return a flat repository: its index, and the packages that it names.

    Raises:
        IntegrityError: a file is not what the index says.
        NotFound: a file is not there.
    """
    details = {"distribution": distribution, "release": release, "architecture": architecture}
    place = f"packages/{distribution.lower()}-{release}-{architecture}"
    index = os.path.join(folder, INDEX_NAME)
    sources = [_source(index, f"{place}/{INDEX_NAME}", "package_index", details)]
    with open(index, encoding="utf-8", errors="surrogateescape") as file:
        packages = parse_index(file.read(), folder)
    for package in packages:
        src = os.path.join(folder, package.filename)
        digest = Digest("sha256", package.sha256)
        sources.append(_proven(src, digest, f"{place}/{package.filename}", "package", details))
    return sources


def _proven(src: str, digest: Digest, place: str, kind: str, details: t.Mapping[str, t.Any]) -> Source:
    source = _source(src, place, kind, details)
    if source.member.sha256 != digest.encoded:
        raise IntegrityError(
            "The file has another checksum",
            subject=src,
            expected=f"{digest}; found sha256:{source.member.sha256}",
            remedy="fetch it again, and compare the checksum with the one that its release lists",
        )
    return source


def _source(src: str, place: str, kind: str, details: t.Mapping[str, t.Any]) -> Source:
    try:
        sha256 = file_digest(src)
    except OSError as error:
        raise disk_error(error, "reading a file for the bundle", src) from error
    if sha256 is None:
        raise NotFound("There is no such file", subject=src, remedy="correct the path in src")
    return Source(Member(validate_path(place), os.path.getsize(src), sha256, kind, details), src)


def _with_details(source: Source, details: t.Mapping[str, t.Any]) -> Source:
    member = source.member
    return Source(Member(member.path, member.size, member.sha256, member.kind, details), source.path)


def _not_the_collection(src: str, reason: str) -> InvalidInput:
    return InvalidInput(
        f"Not the collection ({reason})",
        subject=src,
        expected=f"{'-'.join(COLLECTION)}-<version>.tar.gz with its {_COLLECTION_MANIFEST}",
        remedy="make it with ansible-galaxy collection build, or fetch it with ansible-galaxy collection download",
    )
