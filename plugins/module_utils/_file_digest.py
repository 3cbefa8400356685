# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sha256 of a file."""

from __future__ import annotations

import hashlib

_PIECE_BYTES = 1 << 20


def file_digest(path: str) -> str | None:
    """Return the sha256 of the file that *path* leads to, in hexadecimal digits; ``None`` if there is none.

    Raises:
        OSError: it is there and cannot be read.
    """
    digest = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
        return None
    return digest.hexdigest()
