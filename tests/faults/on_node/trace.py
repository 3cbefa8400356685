# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lists the system calls by which all threads of a module change the disk below a folder, in their order.

Runs on the node. Reads ``library``, ``module``, ``root`` and ``options`` as JSON from standard input.
"""

from __future__ import annotations

import json
import sys

from module_process import Module


def main() -> None:
    """Run the module and print what strace saw."""
    plan = json.load(sys.stdin)
    finished = Module(plan["library"], plan["module"]).run(plan["options"], watched=True, threads=True)
    if finished.status != 0:
        raise SystemExit(f"The run failed with {finished.status}: {finished.result.get('msg')}")
    print(json.dumps({"calls": [(call.name, call.text) for call in finished.calls if plan["root"] in call.text]}))


if __name__ == "__main__":
    main()
