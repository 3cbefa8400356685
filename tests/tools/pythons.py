# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds the Python interpreters of this machine, those that pyenv hides included."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MINORS = range(9, 16)
# Where distributions have their own Python.
DISTRIBUTION = Path("/usr/bin")
_PROBE = "import sys; print(sys.version_info[0], sys.version_info[1], sys.executable, sep='\\n')"


class Interpreter(NamedTuple):
    """A Python that runs, and the version it says it is."""

    version: tuple[int, int]
    path: Path

    @property
    def of_distribution(self) -> bool:
        """Whether it came with the machine's distribution."""
        return self.path.parent == DISTRIBUTION

    def __str__(self) -> str:
        return f"Python {self.version[0]}.{self.version[1]} ({self.path})"


def find_interpreter(lowest: tuple[int, int], highest: tuple[int, int], *, newest: bool = False) -> Interpreter | None:
    """Return the oldest Python between two versions, both inclusive, or the newest of them; None when there is none.

    Of several with one version it is the distribution's, which is built with a profile of what Python does: one that
    was built without, as pyenv does it, takes twice as long to compile what it runs. After it comes the one that the
    user's PATH prefers.
    """
    fitting = [found for found in interpreters() if lowest <= found.version <= highest]
    if not fitting:
        return None
    wanted = max(found.version for found in fitting) if newest else min(found.version for found in fitting)
    return min((found for found in fitting if found.version == wanted), key=lambda found: not found.of_distribution)


def interpreters() -> Iterator[Interpreter]:
    """Yield each Python of this machine once, those that PATH prefers first."""
    seen: set[Path] = set()
    for candidate in _candidates():
        found = _probe(candidate)
        if found and found.path not in seen:
            seen.add(found.path)
            yield found


def _candidates() -> Iterator[Path]:
    for name in ("python3", *(f"python3.{minor}" for minor in _MINORS)):
        for folder in os.get_exec_path():
            candidate = Path(folder, name)
            if candidate.is_file() and os.access(candidate, os.X_OK):
                yield candidate
    # pyenv's shims answer only for the versions that are selected: its other versions are found by their folders.
    pyenv_root = os.environ.get("PYENV_ROOT") or (Path.home() / ".pyenv" if shutil.which("pyenv") else None)
    if pyenv_root:
        yield from sorted(Path(pyenv_root).glob("versions/*/bin/python3"))


def _probe(candidate: Path) -> Interpreter | None:
    try:
        answer = subprocess.run([candidate, "-c", _PROBE], capture_output=True, text=True, timeout=20, check=False)
    except OSError:
        return None
    lines = answer.stdout.splitlines()
    if answer.returncode or len(lines) != 3:
        return None
    return Interpreter((int(lines[0]), int(lines[1])), Path(lines[2]))
