# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts ansible-playbook and ends it, or its connections, as soon as it shows that a step has begun.

Usage: interrupt.py (playbook|connections) WORDS COMMAND...

Prints what the command showed on standard error. Fails if WORDS were not shown, or if it went on.
"""

from __future__ import annotations

import os
import pathlib
import signal
import subprocess
import sys
import threading

PATIENCE_SECONDS = 60


def descendants(pid: int) -> list[int]:
    """Return the processes that *pid* started, and those that they started."""
    found = []
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += [child, *descendants(child)]
    return found


def is_ssh(pid: int) -> bool:
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip() == "ssh"


def main(what: str, words: str, command: list[str]) -> int:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as playbook:
        impatience = threading.Timer(PATIENCE_SECONDS, playbook.kill)
        impatience.start()
        for line in playbook.stderr:
            print(line, end="")
            if words in line:
                break
        else:
            print("The step was not shown.")
            return 1
        if what == "playbook":
            playbook.send_signal(signal.SIGINT)
        else:
            for pid in filter(is_ssh, descendants(playbook.pid)):
                os.kill(pid, signal.SIGKILL)
        print(playbook.stderr.read())
        status = playbook.wait()
        impatience.cancel()
        print(f"status {status}")
    return 0 if status != 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
