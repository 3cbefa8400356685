# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installs a Debian package that the tools need, before any environment exists."""

from __future__ import annotations

import os
import shutil
import subprocess

LOCK_TIMEOUT_SECONDS = 600


def can_install() -> bool:
    """Whether this machine has apt and the user may use it."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(package: str) -> None:
    """Install a package, fetching the package lists first if that needs to be.

    :raises subprocess.CalledProcessError: if apt-get fails; it has said why on the terminal.
    """
    print(f"installing {package} ...", flush=True)
    apt_get = ["apt-get", "--quiet=2", f"--option=DPkg::Lock::Timeout={LOCK_TIMEOUT_SECONDS}"]
    command = [*apt_get, "install", "--yes", "--no-install-recommends", package]
    variables = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, env=variables, capture_output=True, check=False).returncode == 0:
        return
    subprocess.run([*apt_get, "update"], env=variables, stdin=subprocess.DEVNULL, check=True)
    subprocess.run(command, env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
