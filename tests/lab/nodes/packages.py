# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Debian packages that one node downloaded serve the next one.

Each node has a folder of its own behind ``/var/cache/apt/archives``, since apt locks that folder. A node begins with
links to all packages that nodes of its kind ever downloaded; apt only ever renames a finished package into the folder
and unlinks it, so that what one node does to its folder no other node sees.
"""

from __future__ import annotations

import os
from pathlib import Path

from lab import paths

MOUNT_POINT = "/var/cache/apt/archives"


def prepare(node: str, kind: str) -> Path:
    """Fill the folder of a node that is about to be made.

    :returns: the folder.
    """
    with paths.locked("packages"):
        _collect(kind)
        directory = _directory(node, kind)
        paths.remove(directory)
        directory.mkdir(parents=True)
        for package in _pool(kind).glob("*.deb"):
            os.link(package, directory / package.name)
    return directory


def collect(node: str, kind: str) -> None:
    """Keep what a node that is gone had downloaded, and remove its folder."""
    with paths.locked("packages"):
        _collect(kind)
        paths.remove(_directory(node, kind))


def _collect(kind: str) -> None:
    pool = _pool(kind)
    for package in _nodes(kind).glob("*/*.deb"):
        if not (pool / package.name).exists():
            os.link(package, pool / package.name)


def _pool(kind: str) -> Path:
    return paths.cache_directory("packages", kind)


def _nodes(kind: str) -> Path:
    return paths.cache_directory("node-packages", kind)


def _directory(node: str, kind: str) -> Path:
    return _nodes(kind) / node
