# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small archives with the layout of nerdctl-full, so that an installation costs milliseconds."""

from __future__ import annotations

import hashlib
import importlib.util
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

MAKER = Path(__file__).resolve().parents[1] / "integration/targets/nerdctl_full/files/make_archives.py"
SUMS = "share/doc/nerdctl-full/SHA256SUMS"
COMMANDS = ("containerd", "containerd-shim-runc-v2", "ctr", "nerdctl-one", "nerdctl-two", "nerdctl-three")


def _maker() -> ModuleType:
    """What the module's own integration target makes its archives with."""
    spec = importlib.util.spec_from_file_location("nerdctl_full_make_archives", MAKER)
    if spec is None or spec.loader is None:
        raise ImportError(f"{MAKER} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Archive:
    """An archive in memory.

    :param version: nerdctl's version that it states.
    :param content: its bytes.
    :param sums: sha256 of each of its files, by path.
    """

    version: str
    content: bytes
    sums: dict[str, str]

    @property
    def checksum(self) -> str:
        """What the option ``checksum`` wants."""
        return f"sha256:{hashlib.sha256(self.content).hexdigest()}"


def make(version: str, *more_commands: str, programs: dict[str, bytes] | None = None) -> Archive:
    """Make an archive.

    :param version: of nerdctl.
    :param more_commands: commands beside :data:`COMMANDS`.
    :param programs: content of commands that have to be real programs, by path.
    """
    maker = _maker()
    machine = maker.ELF_MACHINES[platform.machine()]
    files: dict[str, bytes] = maker.files_of(version, machine, [*COMMANDS, *more_commands])
    files.update(programs or {})
    sums = {path: hashlib.sha256(content).hexdigest() for path, content in files.items()}
    return Archive(version, maker.archive_of(files, maker.listing(files)), sums)
