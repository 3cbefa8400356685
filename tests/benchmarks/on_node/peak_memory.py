# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs a module's program and says how much memory it had resident at its peak, its children's not counted.

Runs on the node: Python's standard library only. Usage: peak_memory.py REPORT PROGRAM. The file REPORT gets two numbers
of kilobytes: the peak of the program itself and that of the largest process that it started.
"""

from __future__ import annotations

import atexit
import re
import resource
import runpy
import sys
from pathlib import Path


def main() -> None:
    """Run the program in this very process, so that what is read at its end is the program's."""
    report, program = Path(sys.argv[1]), sys.argv[2]
    atexit.register(_report, report)
    sys.argv = [program]
    runpy.run_path(program, run_name="__main__")


def _report(path: Path) -> None:
    # ru_maxrss of RUSAGE_SELF may be that of the process which started this one; VmHWM is this program's alone.
    own = re.search(r"^VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    if own is None:
        raise RuntimeError("the kernel does not tell VmHWM")
    path.write_text(f"{own[1]} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss}\n", encoding="ascii")


if __name__ == "__main__":
    main()
