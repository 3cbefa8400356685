# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compiles requirements/*.in to lock files with a hash for every file, valid for every Python that may use them.

Usage: python tests/tools/lock.py [ARGUMENT OF uv pip compile ...]    (--upgrade-package NAME, for example)
"""

from __future__ import annotations

import subprocess
import sys

from venvs import ENVIRONMENTS, REQUIREMENTS, STATE

OPTIONS = ("--quiet", "--universal", "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-header")


def main() -> int:
    oldest_python = {"bootstrap": (3, 9), **{name: environment.lowest for name, environment in ENVIRONMENTS.items()}}
    upgrade = sys.argv[1:] or ["--upgrade"]
    for name, (major, minor) in oldest_python.items():
        print(f"{name}.in -> {name}.txt", flush=True)
        files = ("--python-version", f"{major}.{minor}", f"{name}.in", "--output-file", f"{name}.txt")
        command = [str(STATE / "uv" / "bin" / "uv"), "pip", "compile", *OPTIONS, *upgrade, *files]
        subprocess.run(command, cwd=REQUIREMENTS, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
