# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes a build context: a Dockerfile, and files of random bytes in ten folders.

Runs on the node: Python's standard library only. Usage: make_context.py FOLDER FILES MEGABYTES
"""

from __future__ import annotations

import os
import random
import shutil
import sys
from pathlib import Path

MEGABYTE = 1_000_000
POOL = 64 * MEGABYTE
FOLDERS = 10
DOCKERFILE = "FROM scratch\nCOPY . /app/\n"


def main() -> None:
    """Make the context anew."""
    root, files, megabytes = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    root.joinpath("Dockerfile").write_text(DOCKERFILE, encoding="ascii")
    size = megabytes * MEGABYTE // files
    # Cut from one pool at random places: as random as need be, and ready sooner than fresh bytes for each file.
    pool = os.urandom(max(POOL, 2 * size))
    for number in range(files):
        folder = root / f"part-{number % FOLDERS}"
        folder.mkdir(exist_ok=True)
        start = random.randrange(len(pool) - size)  # noqa: S311 - no secret
        folder.joinpath(f"data-{number:04}").write_bytes(memoryview(pool)[start : start + size])


if __name__ == "__main__":
    main()
