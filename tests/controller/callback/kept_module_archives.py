# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the playbooks of the tests share the archives that Ansible packs modules into (docs/decisions/0064).

Ansible parses a module and all that it imports, packs it once for each run of a playbook, and finds it packed in a
folder of that run's own afterwards. Here that folder is a link to one that stays for as long as no source changes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible.release import __version__ as ansible_version

CHECKOUT = Path(__file__).resolve().parents[3]
KEPT = CHECKOUT / ".ansible" / "module-archives"
# What goes into archives: the collection's own files, and other packages by the versions that are pinned.
SOURCES = ("meta/runtime.yml", "plugins/module_utils/**/*.py", "plugins/modules/*.py", "requirements/*.txt")
# Where Ansible looks, below its folder for one run (ansible.executor.module_common).
LOOKED_INTO = "ansiballz_cache"
# Longer than any playbook runs.
UNUSED_SECONDS = 24 * 60 * 60


class CallbackModule(CallbackBase):  # type: ignore[misc]  # ansible-core has no types
    """Called back for nothing: Ansible makes it before a run has its first module to pack."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_module_archives"

    def __init__(self) -> None:
        super().__init__()
        share(Path(constants.DEFAULT_LOCAL_TMP) / LOOKED_INTO, KEPT / fingerprint(CHECKOUT))


def fingerprint(checkout: Path) -> str:
    """What archives that are made now depend on: these sources, this ansible-core, and this Python."""
    digest = hashlib.sha256(f"{ansible_version} {sys.version}".encode())
    for path in _sources(checkout):
        digest.update(f"\n{path.relative_to(checkout)} {path.stat().st_size}\n".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _sources(checkout: Path) -> Iterator[Path]:
    for pattern in SOURCES:
        yield from sorted(checkout.glob(pattern))


def share(looked_into: Path, kept: Path) -> None:
    """Have *looked_into* be *kept*, and remove the neighbours of *kept* that nobody has used for a day."""
    kept.mkdir(parents=True, exist_ok=True)
    os.utime(kept)
    for neighbour in kept.parent.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another run removed it
            if time.time() - neighbour.stat().st_mtime > UNUSED_SECONDS:
                shutil.rmtree(neighbour)
    looked_into.symlink_to(kept)
