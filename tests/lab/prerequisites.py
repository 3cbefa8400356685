# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the machine must have before the lab can work: installed if it is a Debian package, asked for otherwise."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from lab import console, paths, shell
from lab.errors import LabError

GIB = 1024**3
LOCK_TIMEOUT_SECONDS = 600
GO_VERSION = (1, 25)
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_instances")
"""How many inotify instances one user may have (inotify(7)); root's are those of all nodes together."""
INOTIFY_INSTANCES = 1024


def require_root(purpose: str) -> None:
    """Check that this process is root.

    :param purpose: what root is needed for, as the end of a sentence that begins "Root is needed ".
    :raises LabError: if it is not.
    """
    if os.geteuid() != 0:
        raise LabError(
            f"Root is needed {purpose}.",
            remedy="Run the same command with sudo --preserve-env=PATH,NEPHORAN_LAB_CACHE.",
        )


def require_disk(directory: Path, gibibytes: float) -> None:
    """Check that the file system of ``directory``, which must exist, has this much room.

    :raises LabError: if it has less.
    """
    free = shutil.disk_usage(directory).free / GIB
    if free < gibibytes:
        raise LabError(
            f"{directory} has {free:.1f} GiB free; {gibibytes:g} GiB are needed.",
            remedy=f"Make room there, or let {paths.CACHE_VARIABLE} name a folder on another disk.",
        )


def ensure_inotify_instances(limit: Path = INOTIFY_LIMIT) -> None:
    """Let root have enough inotify instances for a dozen nodes: Linux begins with 128, and a systemd takes ten of them.

    :param limit: the kernel's setting.
    :raises LabError: if it is too low and cannot be raised.
    """
    if int(limit.read_text(encoding="ascii")) >= INOTIFY_INSTANCES:
        return
    try:
        limit.write_text(f"{INOTIFY_INSTANCES}\n", encoding="ascii")
    except OSError as error:
        raise LabError(
            f"{limit} allows too few inotify instances for several nodes, and cannot be raised: {error}.",
            remedy=f"Raise it on the machine itself: sysctl fs.inotify.max_user_instances={INOTIFY_INSTANCES}.",
        ) from error
    console.say(f"fs.inotify.max_user_instances is now {INOTIFY_INSTANCES}, until the next boot.")


def require_go(minimum: tuple[int, int] = GO_VERSION) -> Path:
    """Find Go.

    :returns: the ``go`` command.
    :raises LabError: if there is none or it is older than ``minimum``.
    """
    wanted = ".".join(map(str, minimum))
    remedy = f"Install Go {wanted} or newer and put its bin folder on PATH."
    go = shutil.which("go")
    if go is None:
        raise LabError(
            f"Go {wanted} or newer is needed to build the toolchain, and there is no go command on PATH.", remedy=remedy
        )
    # Else a go.mod nearby can make go fetch another version of itself just to answer this.
    said = shell.run([go, "version"], env={"GOTOOLCHAIN": "local"}).stdout
    found = go_version(said)
    if found < minimum:
        raise LabError(
            f"Go {wanted} or newer is needed to build the toolchain; {go} is {said.strip()!r}.", remedy=remedy
        )
    return Path(go)


def go_version(output: str) -> tuple[int, int]:
    """The major and minor number in what ``go version`` prints.

    :raises LabError: if there is none.
    """
    match = re.search(r"\bgo(\d+)\.(\d+)", output)
    if match is None:
        raise LabError(f"Cannot tell the version of Go from what `go version` printed: {output.strip()!r}.")
    return int(match[1]), int(match[2])


def ensure_debian_packages(names: Sequence[str]) -> None:
    """Install those of the packages that are not installed, waiting for whoever holds dpkg's lock.

    :raises LabError: if one is missing and this is not root, or not Debian, or the installation fails.
    """
    if not missing_debian_packages(names):
        return
    if shutil.which("apt-get") is None:
        raise LabError(
            f"These Debian packages are needed: {' '.join(names)}. This machine has no apt-get to install them with.",
            remedy="Run the lab on Debian 12 or newer.",
        )
    require_root(f"to install the Debian packages {' '.join(missing_debian_packages(names))}")
    with paths.locked("debian-packages"):
        missing = missing_debian_packages(names)
        if missing:
            _install_debian_packages(missing)


def _install_debian_packages(names: Sequence[str]) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    apt_get = ["apt-get", "--quiet", "-o", f"DPkg::Lock::Timeout={LOCK_TIMEOUT_SECONDS}"]
    with console.step(f"Installing Debian packages: {' '.join(names)}") as step:
        updated = shell.run([*apt_get, "update"], env=environment, check=False)
        if updated.returncode != 0:
            # The source at fault may be one that these packages do not come from: the installation will tell.
            console.say(f"apt-get update failed, going on with the package lists there are:\n{updated.stderr.rstrip()}")
        shell.follow([*apt_get, "install", "--yes", "--no-install-recommends", *names], step.report, env=environment)


def missing_debian_packages(names: Sequence[str]) -> list[str]:
    """Those of the packages that dpkg does not list as installed."""
    if shutil.which("dpkg-query") is None:
        return list(names)
    listed = shell.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Package}\\n", *names], check=False
    ).stdout
    installed = {line.partition(" ")[2] for line in listed.splitlines() if line.startswith("installed ")}
    return [name for name in names if name not in installed]
