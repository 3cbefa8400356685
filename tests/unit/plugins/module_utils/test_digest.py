# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Digests."""

from __future__ import annotations

import hashlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput


@pytest.mark.parametrize(("algorithm", "length"), [("sha256", 64), ("sha384", 96), ("sha512", 128)])
def test_a_digest_survives_a_round_trip(algorithm: str, length: int) -> None:
    digest = Digest.of(b"content", algorithm)
    assert len(digest.encoded) == length
    assert Digest.parse(str(digest)) == digest
    assert digest.matches(b"content")
    assert not digest.matches(b"other")


def test_the_hasher_is_the_digests_own_algorithm() -> None:
    hasher = Digest.of(b"", "sha512").hasher()
    hasher.update(b"con")
    hasher.update(b"tent")
    assert hasher.hexdigest() == hashlib.sha512(b"content").hexdigest()


def test_short_is_what_tools_print() -> None:
    assert Digest.parse("sha256:" + "0123456789abcdef" * 4).short == "0123456789ab"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        ":" + "a" * 64,
        "sha256:" + "a" * 63,
        "sha256:" + "a" * 65,
        "sha256:" + "A" * 64,
        "sha256:" + "g" * 64,
        "sha256:" + "a" * 64 + "\n",
        "sha256:" + "a" * 63 + "\n",
        "SHA256:" + "a" * 64,
        "md5:" + "a" * 32,
        "../../etc/passwd:" + "a" * 64,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="Not a valid digest"):
        Digest.parse(text)
