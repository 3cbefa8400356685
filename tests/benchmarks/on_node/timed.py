# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times one command on a node and sees to it that it did what it is timed for.

Runs on the node: Python's standard library only. Reads ``{"prepare": …, "run": …, "expect": …}`` from standard input
and prints the seconds that ``run`` took. ``prepare`` and ``run`` are shell commands; ``expect`` must stand in what
``run`` prints.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time

SHOWN = 1000


def main() -> int:
    """Run the plan; the exit status is not 0 if a command fails or does something else."""
    plan = json.load(sys.stdin)
    _run(plan["prepare"])
    # What others wrote goes to the disk first: a command that waits for its own data would wait for theirs, too.
    os.sync()
    started = time.monotonic()
    said = _run(plan["run"])
    took = time.monotonic() - started
    if plan["expect"] not in said:
        print(f"{plan['expect']!r} was expected in:\n{said[:SHOWN]}", file=sys.stderr)
        return 1
    print(took)
    return 0


def _run(command: str) -> str:
    process = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", command],
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
    )
    said = process.stdout.decode("utf-8", "replace")
    if process.returncode:
        print(said, file=sys.stderr)
        sys.exit(process.returncode)
    return said


if __name__ == "__main__":
    sys.exit(main())
