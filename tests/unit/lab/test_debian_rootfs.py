# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import io
import tarfile
from typing import Any

import pytest
from lab.debian.mirror import Mirror
from lab.debian.rootfs import File, Rootfs, archive_of

RECIPE = Rootfs(
    suite="trixie",
    mirror=Mirror("http://mirror.example/debian/", None, ()),
    packages=("sudo",),
    files={"/etc/motd": File("hello\n")},
    commands=("true",),
)


def test_digest_is_that_of_the_recipe() -> None:
    assert RECIPE.digest() == dataclasses.replace(RECIPE).digest()


@pytest.mark.parametrize(
    "change",
    [
        {"suite": "bookworm"},
        {"mirror": Mirror("http://other.example/debian/", None, ())},
        {"mirror": Mirror("http://mirror.example/debian/", None, ('Acquire::Check-Date "false";',))},
        {"packages": ()},
        {"files": {"/etc/motd": File("hello!\n")}},
        {"files": {"/etc/motd": File("hello\n", mode=0o600)}},
        {"files": {"/etc/issue": File("hello\n")}},
        {"commands": ("false",)},
        {"keeps_package_lists": True},
    ],
)
def test_whatever_changes_the_result_changes_the_digest(change: dict[str, Any]) -> None:
    assert dataclasses.replace(RECIPE, **change).digest() != RECIPE.digest()


def test_files_keep_mode_and_content() -> None:
    archive = archive_of({"/etc/sudoers.d/x": File("x\n", mode=0o440), "/etc/motd": File("grüß dich\n")})
    with tarfile.open(fileobj=io.BytesIO(archive)) as opened:
        entries = {entry.name: (entry.mode, entry.uid, opened.extractfile(entry)) for entry in opened}
        contents = {name: (mode, uid, file.read() if file else None) for name, (mode, uid, file) in entries.items()}
    assert contents == {"etc/motd": (0o644, 0, "grüß dich\n".encode()), "etc/sudoers.d/x": (0o440, 0, b"x\n")}


def test_order_of_files_makes_no_difference() -> None:
    files = {"/b": File("b"), "/a": File("a")}
    assert archive_of(files) == archive_of(dict(reversed(files.items())))
