# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses that files are fetched from."""

from __future__ import annotations

import urllib.parse

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput


def shown_url(url: str) -> str:
    """Return *url* without user information and query, which may hold secrets."""
    parts = urllib.parse.urlsplit(url)
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def validate_url(url: str) -> None:
    """Check that *url* is one that can be fetched.

    Raises:
        InvalidInput: it is not an http or https address with a host.
    """
    try:
        parts = urllib.parse.urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable() and " " not in url
    except ValueError:
        usable = False
    if not usable:
        raise InvalidInput(
            "Not an address that can be fetched",
            subject=repr(url[:200]),
            expected="http:// or https://, a host, a path",
        )
