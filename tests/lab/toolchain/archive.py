# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs a tree so that the same content always gives the same bytes."""

from __future__ import annotations

import datetime as dt
import gzip
import os
import stat
import tarfile
from collections.abc import Callable
from pathlib import Path

TIMESTAMP = int(dt.datetime(2025, 12, 22, tzinfo=dt.UTC).timestamp())
"""The day nerdctl-full 2.2.1 was released. Every entry carries it."""


def pack(root: Path, archive: Path, on_entry: Callable[[str], None]) -> None:
    """Write a gzipped tar of everything beneath ``root``.

    Entries are in the order of their names and owned by root. Neither the tar's nor the gzip's header tells when or
    where it was made.

    :param on_entry: called with each entry's name before it is written.
    """
    with (
        open(archive, "wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0) as compressed,
        tarfile.open(mode="w", fileobj=compressed, format=tarfile.USTAR_FORMAT) as tar,
    ):
        for path in sorted(root.rglob("*")):
            name = str(path.relative_to(root))
            on_entry(name)
            entry = _entry(path, name)
            if entry.isreg():
                with open(path, "rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)


def _entry(path: Path, name: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mtime = TIMESTAMP
    if path.is_symlink():
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
    elif path.is_dir():
        entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    else:
        status = path.stat()
        entry.size, entry.mode = status.st_size, stat.S_IMODE(status.st_mode)
    return entry
