# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This checkout as the archive that ansible-galaxy installs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def build_collection(folder: Path) -> Path:
    """Write the collection's archive into *folder*, which holds no other, and return its path."""
    program = Path(sys.executable).parent / "ansible-galaxy"
    command = [str(program), "collection", "build", "--output-path", str(folder), str(CHECKOUT)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (archive,) = folder.glob("*.tar.gz")
    return archive
