# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fetches a file over HTTP: patient where waiting can help, and at once with the cause where it cannot."""

from __future__ import annotations

import dataclasses
import http.client
import os
import ssl
import time
import typing as t
import urllib.error

from ansible.module_utils.urls import open_url
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import require_space
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._url import shown_url, validate_url

ATTEMPTS = 5
"""How often one file is asked for."""

STALLED_SECONDS = 30
"""How long a server may send nothing before the attempt counts as failed."""

_PIECE_BYTES = 1 << 20
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 60.0
# RFC 9110, RFC 6585 and RFC 8470: these say "later"; every other status of 400 and more says "no".
_TRANSIENT_STATUSES = frozenset((408, 425, 429, 500, 502, 503, 504))
_ABSENT_STATUSES = frozenset((404, 410))


class Response(t.Protocol):
    """What a server answered."""

    @property
    def headers(self) -> t.Mapping[str, str]:
        """The header fields; their names are looked up without regard to case."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the body."""

    def close(self) -> None:
        """End the connection."""


def open_http(url: str) -> Response:
    """Open *url* as Ansible does: with the proxies of the environment and the authorities that the node trusts."""
    # With decompress, a server that calls a .tar.gz "Content-Encoding: gzip" would have its bytes changed.
    response: Response = open_url(
        url, timeout=STALLED_SECONDS, decompress=False, http_agent="nephoran.container_build", follow_redirects="all"
    )
    return response


@dataclasses.dataclass(frozen=True)
class Downloader:
    """Fetches files.

    Attributes:
        opener: opens an address; raises what ``urllib`` raises.
        sleep: waits for some seconds between two attempts.
    """

    opener: t.Callable[[str], Response] = open_http
    sleep: t.Callable[[float], None] = time.sleep

    def fetch(self, url: str, path: str) -> None:
        """Write the content of *url* to the new file *path*, which only its owner can read.

        Raises:
            InvalidInput: the address cannot be fetched at all.
            NotFound: the server says that there is no such file.
            Unavailable: the server refuses, or delivered no whole file in ``ATTEMPTS`` attempts, or the file system is
                too small.
            OSError: the file could not be written.
        """
        validate_url(url)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            self._fetch(url, file, os.path.dirname(path))

    def _fetch(self, url: str, file: t.BinaryIO, folder: str) -> None:
        pause = _FIRST_PAUSE_SECONDS
        attempt = 1
        while True:
            file.seek(0)
            file.truncate()
            try:
                _receive(self.opener, url, file, folder)
            except _Later as later:
                if attempt == ATTEMPTS:
                    raise Unavailable(
                        f"The archive could not be fetched in {ATTEMPTS} attempts: {later.cause}",
                        subject=shown_url(url),
                        remedy="try again later, name another address in url, or give a file: src",
                    ) from later
                wanted = later.pause if later.pause is not None else pause
            else:
                file.flush()
                return
            self.sleep(min(wanted, _LONGEST_PAUSE_SECONDS))
            pause *= 2
            attempt += 1


class _Later(Exception):
    """An attempt failed in a way that another one may not."""

    def __init__(self, cause: str, pause: float | None = None) -> None:
        super().__init__(cause)
        self.cause = cause
        self.pause = pause


def _receive(opener: t.Callable[[str], Response], url: str, file: t.BinaryIO, folder: str) -> None:
    response = _opened(opener, url)
    try:
        length = _content_length(response.headers)
        if length is not None:
            require_space(folder, length, "the archive")
        received = 0
        while piece := _next_piece(response):
            file.write(piece)
            received += len(piece)
    finally:
        response.close()
    if length is not None and received != length:
        raise _Later(f"the connection ended after {received} of {length} bytes")


def _opened(opener: t.Callable[[str], Response], url: str) -> Response:
    try:
        return opener(url)
    except urllib.error.HTTPError as error:
        error.close()
        raise _refusal(error, url) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLCertVerificationError):
            raise Unavailable(
                "The server's certificate is not trusted on this node",
                subject=shown_url(url),
                remedy="add the authority's certificate to the node's trust store; look at the node's clock, too",
                tail=str(error.reason),
            ) from error
        raise _Later(str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _Later(str(error) or type(error).__name__) from error


def _next_piece(response: Response) -> bytes:
    try:
        return response.read(_PIECE_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _Later(f"the connection broke: {str(error) or type(error).__name__}") from error


def _refusal(error: urllib.error.HTTPError, url: str) -> ContainerBuildError | _Later:
    said = f"the server answered {error.code} {error.reason}"
    if error.code in _TRANSIENT_STATUSES:
        return _Later(said, _retry_after(error.headers.get("Retry-After", "")))
    kind = NotFound if error.code in _ABSENT_STATUSES else Unavailable
    return kind(
        f"The archive could not be fetched: {said}",
        subject=shown_url(url),
        remedy="look at the address in url, or give a file: src",
    )


def _content_length(headers: t.Mapping[str, str]) -> int | None:
    stated = headers.get("Content-Length", "")
    return int(stated) if stated.isascii() and stated.isdigit() else None


def _retry_after(stated: str) -> float | None:
    # It may be a date as well; the usual pause serves then.
    return float(stated) if stated.isascii() and stated.isdigit() else None
