# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks again and again for what a file holds, and for the same in Base64, in the command line of every process.

Usage: watch_argv.py WORD until STOP        until the file STOP exists
       watch_argv.py WORD run COMMAND...    until the command ends; its output is searched, too

Prints as JSON where the word was found, how often it looked, the builders it saw, and the command's status and output.
"""

from __future__ import annotations

import base64
import json
import pathlib
import subprocess
import sys
import tempfile
import time
import typing as t

PAUSE_SECONDS = 0.02
BUILDERS = {"nerdctl", "buildctl", "buildah"}


class Watch:
    """What was seen so far."""

    def __init__(self, word: bytes) -> None:
        # The middle of a text in Base64 depends on where in three bytes it begins.
        encoded = [base64.b64encode(b"x" * shift + word)[4:-4] for shift in range(3)]
        self.words = (word, *encoded)
        self.found: set[str] = set()
        self.builders: set[str] = set()
        self.looks = 0

    def holds_word(self, text: bytes) -> bool:
        return any(word in text for word in self.words)

    def look(self) -> None:
        self.looks += 1
        for process in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                name = (process / "comm").read_text().strip()
                if self.holds_word((process / "cmdline").read_bytes()):
                    self.found.add(f"a command line of {name}")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if name in BUILDERS:
                self.builders.add(name)

    def look_until(self, ended: t.Callable[[], bool]) -> None:
        while not ended():
            self.look()
            time.sleep(PAUSE_SECONDS)


def main(word_file: str, how: str, *words: str) -> None:
    watch = Watch(pathlib.Path(word_file).read_bytes().strip())
    told: dict[str, t.Any] = {}
    if how == "until":
        watch.look_until(pathlib.Path(words[0]).exists)
    else:
        with tempfile.TemporaryFile() as output:
            command = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
            watch.look_until(lambda: command.poll() is not None)
            output.seek(0)
            lines = output.read().splitlines()
        watch.found.update(
            f"line {number} of the output: {line[:60].decode(errors='replace')}"
            for number, line in enumerate(lines, 1)
            if watch.holds_word(line)
        )
        told = {
            "status": command.returncode,
            "lines": len(lines),
            "last": b"\n".join(lines[-30:]).decode(errors="replace"),
        }
    print(json.dumps({"found": sorted(watch.found), "looks": watch.looks, "builders": sorted(watch.builders), **told}))


if __name__ == "__main__":
    main(*sys.argv[1:])
