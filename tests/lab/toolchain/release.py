# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The release itself, where it can be reached."""

from __future__ import annotations

import hashlib
import http.client
import urllib.request
from collections.abc import Callable
from pathlib import Path

from lab.toolchain.modules import NERDCTL_FULL_VERSION

SHA256 = {
    "amd64": "cf4720a290f098f1a66d34a1b2e1d3736c9014fceca737861fb7a069c66c01c2",
    "arm64": "2c4b97312acd41c4dfe80db6e82592367b3862b5db4c51ce67a6d79bf6ee00ee",
}
RELEASES = "https://github.com/containerd/nerdctl/releases/download"
STALL_SECONDS = 10
_CHUNK = 1024 * 1024


class NotDownloaded(Exception):
    """The release could not be had; the message says why."""


def file_name(arch: str) -> str:
    """The archive's name for an architecture."""
    return f"nerdctl-full-{NERDCTL_FULL_VERSION}-linux-{arch}.tar.gz"


def download(arch: str, target: Path, on_progress: Callable[[str], None], releases: str = RELEASES) -> None:
    """Download the release's archive and verify it.

    A server that says nothing for :data:`STALL_SECONDS` seconds is given up on.

    :param target: the file to write; what it holds after a failure is of no use.
    :param on_progress: called with how far it is.
    :param releases: URL of the folder that holds a folder for each version.
    :raises NotDownloaded: if the server cannot be reached, refuses, breaks off, or serves anything but the release.
    """
    url = f"{releases}/v{NERDCTL_FULL_VERSION}/{file_name(arch)}"
    digest = hashlib.sha256()
    received = 0
    try:
        with _opened(url) as answer, open(target, "wb") as file:
            while chunk := answer.read(_CHUNK):
                digest.update(chunk)
                received += len(chunk)
                file.write(chunk)
                on_progress(f"{received // _CHUNK} MiB")
    # OSError: no route, no name, an HTTP error status, a stall.
    except (OSError, http.client.HTTPException) as error:
        raise NotDownloaded(f"{url}: {error}") from error
    if digest.hexdigest() != SHA256[arch]:
        raise NotDownloaded(
            f"{url}: {received} bytes with the sha256 {digest.hexdigest()} came where {SHA256[arch]} was expected, "
            "so this is not the release, or only a part of it"
        )


def _opened(url: str) -> http.client.HTTPResponse:
    answer = urllib.request.urlopen(url, timeout=STALL_SECONDS)  # noqa: S310 - the scheme is not anybody's input
    assert isinstance(answer, http.client.HTTPResponse)
    return answer
