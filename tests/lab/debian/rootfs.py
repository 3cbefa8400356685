# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recipes for Debian root file systems: what goes in, a digest of it, and the making."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab import console, paths, prerequisites, shell
from lab.debian.mirror import Mirror

DEBIAN_PACKAGES = ("mmdebstrap", "debian-archive-keyring", "zstd")
WORKING_GIBIBYTES = 2.0

# mmdebstrap mounts /proc, /sys and more. In namespaces of its own all that goes with it, however it ends; and it does
# end when it is told to, with all the processes that it started.
ISOLATION = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


@dataclass(frozen=True)
class File:
    """A file that is added to a root file system.

    :param content: text.
    :param mode: permission bits; the owner is root.
    """

    content: str
    mode: int = 0o644


@dataclass(frozen=True)
class Rootfs:
    """The recipe of a root file system.

    :param suite: Debian's name of the release.
    :param mirror: where its packages come from, now and later.
    :param packages: what is installed beside apt and the essential packages.
    :param files: absolute path to file.
    :param commands: shell commands that run inside once the packages and files are there.
    :param keeps_package_lists: whether apt knows packages from the start, as on an installed machine.
    """

    suite: str
    mirror: Mirror
    packages: tuple[str, ...] = ()
    files: Mapping[str, File] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    keeps_package_lists: bool = False

    def digest(self) -> str:
        """The digest (hexadecimal SHA-256) of all that this machine puts into the result."""
        files = {path: [file.content, file.mode] for path, file in self.files.items()}
        inputs = [self._mmdebstrap("FILES", "RESULT"), files, platform.machine()]
        return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()

    def make(self, archive: Path, title: str) -> None:
        """Make the root file system as a tar archive, compressed as the name of ``archive`` ends.

        :param title: what is made, for the person who watches.
        :raises LabError: if a prerequisite is missing or mmdebstrap fails; ``archive`` is then as it was.
        """
        prerequisites.require_root(f"to make {title}")
        prerequisites.ensure_debian_packages(DEBIAN_PACKAGES)
        prerequisites.require_disk(paths.cache_directory(), WORKING_GIBIBYTES)
        with console.step(f"Making {title}") as step, paths.staged(archive) as made:
            files = made.with_name("files.tar")
            files.write_bytes(archive_of(self.files))
            # Beside the result, since mmdebstrap refuses a file system without devices, which /tmp often is, and so
            # that what it leaves when it is killed goes with the staging.
            working = made.with_name("working")
            working.mkdir()
            shell.follow(
                [*ISOLATION, *self._mmdebstrap(str(files), str(made))], step.report, env={"TMPDIR": str(working)}
            )

    def _mmdebstrap(self, files: str, result: str) -> list[str]:
        argv = ["mmdebstrap", "--mode=root", "--variant=minbase"]
        # Translated descriptions are of no use to a test, and as large as all that is.
        argv += [f"--aptopt={option}" for option in ('Acquire::Languages "none"', *self.mirror.options)]
        argv += ["--skip=cleanup/apt/lists"] if self.keeps_package_lists else []
        argv += [f"--include={','.join(self.packages)}"] if self.packages else []
        argv += [f"--customize-hook=tar-in {shlex.quote(files)} /"]
        argv += [f'--customize-hook=chroot "$1" sh -ec {shlex.quote(command)}' for command in self.commands]
        return [*argv, self.suite, result, *self.mirror.sources(self.suite)]


def archive_of(files: Mapping[str, File]) -> bytes:
    """A tar archive of the files, byte for byte the same for the same files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, file in sorted(files.items()):
            content = file.content.encode()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(content)
            entry.mode = file.mode
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()
