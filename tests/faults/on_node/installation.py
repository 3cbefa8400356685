# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks at an installation of the archive from outside, as whoever calls its commands does.

Runs on the node: Python's standard library only, and none of the collection's code, which is what is tested.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat

LINK_FOLDERS = ("prefix/bin", "prefix/libexec/cni", "cni")
GENERATIONS = "prefix/lib/nerdctl-full/generations"
LOCK = "prefix/lib/nerdctl-full/.lock"
SUMS = "share/doc/nerdctl-full/SHA256SUMS"


def sha256(path: str) -> str:
    """Return the sha256 of a file's content."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def served(root: str) -> dict[str, str]:
    """Return the sha256 of each command and CNI plugin that can be started, by its path below *root*.

    A link that leads nowhere starts nothing, and hidden names are no commands.
    """
    found = {}
    for folder in LINK_FOLDERS:
        path = os.path.join(root, folder)
        for name in sorted(os.listdir(path)) if os.path.isdir(path) else []:
            full = os.path.join(path, name)
            if os.path.isfile(full) and not name.startswith("."):
                found[os.path.join(folder, name)] = sha256(full)
    return found


def damage(root: str, archives: dict[str, dict[str, str]]) -> list[str]:
    """Return what is wrong with generations: each must be one of *archives* (sha256 by path), whole and unchanged."""
    wrong = []
    folder = os.path.join(root, GENERATIONS)
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        expected = archives.get(name.rpartition("-")[0])
        generation = os.path.join(folder, name)
        files = {
            os.path.relpath(os.path.join(parent, file), generation): sha256(os.path.join(parent, file))
            for parent, _folders, names in os.walk(generation)
            for file in names
        }
        files.pop(SUMS, None)
        if expected is None or files != expected:
            wrong.append(f"the generation {name} is not what its archive holds")
    return wrong


def served_by(root: str) -> set[str]:
    """Return the generations that the links of commands and plugins lead into."""
    generations = set()
    base = os.path.realpath(os.path.join(root, GENERATIONS)) + "/"
    for path in served(root):
        real = os.path.realpath(os.path.join(root, path))
        generations.add(real[len(base) :].split("/")[0] if real.startswith(base) else "no generation")
    return generations


def listing(root: str) -> dict[str, str]:
    """Return kind, mode and content of everything below *root*, by path; the lock's content is of no interest."""
    found = {}
    for parent, folders, names in os.walk(root):
        for name in (*folders, *names):
            full = os.path.join(parent, name)
            path = os.path.relpath(full, root)
            status = os.lstat(full)
            content = ""
            if stat.S_ISLNK(status.st_mode):
                content = os.readlink(full)
            elif stat.S_ISREG(status.st_mode) and path != LOCK:
                content = sha256(full)
            found[path] = f"{stat.filemode(status.st_mode)} {content}".strip()
    return found


def differences(found: dict[str, str], expected: dict[str, str]) -> list[str]:
    """Return in words how two listings differ."""
    return [
        f"{path}: {found.get(path, 'absent')} instead of {expected.get(path, 'absent')}"
        for path in sorted(found.keys() | expected.keys())
        if found.get(path) != expected.get(path)
    ]


def replace(root: str, template: str) -> None:
    """Make *root* a copy of *template*, times and links included."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(template, root, symlinks=True)
