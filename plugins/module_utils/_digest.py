# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Content digests, ``<algorithm>:<hex>``.

Source: the section *Digests* of the OCI image specification's ``descriptor.md``; the algorithms are those of
github.com/opencontainers/go-digest v1.0.0, which containerd, BuildKit and nerdctl share.
"""

from __future__ import annotations

import hashlib
import re
import typing as t
from dataclasses import dataclass

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

HEX_LENGTHS: t.Mapping[str, int] = {"sha256": 64, "sha384": 96, "sha512": 128}

_EXPECTED = "sha256, sha384 or sha512, a colon, and all of the hash in lower-case hexadecimal"
_HEX = re.compile(r"[a-f0-9]+")


class Hasher(t.Protocol):
    """What :mod:`hashlib` gives: a hash that takes its content piece by piece."""

    def update(self, data: bytes, /) -> None:
        """Take the next piece of the content."""

    def hexdigest(self) -> str:
        """Return the hash of all pieces so far in lower-case hexadecimal."""


@dataclass(frozen=True, order=True)
class Digest:
    """A content digest; ``str()`` gives ``<algorithm>:<hex>``."""

    algorithm: str
    encoded: str

    def __post_init__(self) -> None:
        length = HEX_LENGTHS.get(self.algorithm)
        if length is None or len(self.encoded) != length or not _HEX.fullmatch(self.encoded):
            shown = f"{self.algorithm}:{self.encoded}"[:150]
            raise InvalidInput("Not a valid digest", subject=repr(shown), expected=_EXPECTED)

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Parse ``<algorithm>:<hex>``.

        Raises:
            InvalidInput: the algorithm is unknown, or the hash is of another length or not lower-case hexadecimal.
        """
        algorithm, colon, encoded = text.partition(":")
        if not colon:
            raise InvalidInput("Not a valid digest", subject=repr(text[:150]), expected=_EXPECTED)
        return cls(algorithm, encoded)

    @classmethod
    def of(cls, content: bytes, algorithm: str = "sha256") -> Digest:
        """Return the digest of *content*."""
        return cls(algorithm, hashlib.new(algorithm, content).hexdigest())

    def hasher(self) -> Hasher:
        """Return a fresh hash object of this digest's algorithm."""
        return hashlib.new(self.algorithm)

    def matches(self, content: bytes) -> bool:
        """Tell whether *content* has this digest."""
        return Digest.of(content, self.algorithm) == self

    @property
    def short(self) -> str:
        """The first 12 hexadecimal digits, as tools print an image's id."""
        return self.encoded[:12]

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"
