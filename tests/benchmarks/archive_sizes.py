# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A first install beside a bare `tar -xzf`, with the lab's archive and with a larger one.

The lab's archive lacks components that the release has, so that the release is larger.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab.toolchain import archive, ensure, ensure_program, tree
from lab.toolchain.modules import KUBERNETES
from rich.console import Console

from benchmarks.installs import by_hand, cost, fresh, install
from benchmarks.report import Table, spread

# Beside the folders whose programs become commands.
_MORE_PROGRAMS = "libexec/more"


def measure(prefix: str, rounds: int) -> Table:
    """Measure both sides with each of the archives in turn, each time on a node of its own."""
    rows = []
    with _larger() as larger:
        seconds: dict[Path, tuple[list[float], list[float]]] = {ensure().path: ([], []), larger: ([], [])}
        words = {path: ("--extra-vars", json.dumps(_variables(path))) for path in seconds}
        for number in range(rounds):
            for path, (bare, ours) in seconds.items():
                with fresh(f"{prefix}-bare{number}") as (node,):
                    bare.append(cost([node], partial(by_hand, node, path.read_bytes(), {})).seconds)
                with fresh(f"{prefix}-ours{number}") as (node,):
                    ours.append(cost([node], partial(install, node.inventory, *words[path], changes=True)).seconds)
        for path, (bare, ours) in seconds.items():
            ratio = statistics.median(ours) / statistics.median(bare)
            rows.append((f"{path.stat().st_size / 1e6:.0f} MB", spread(bare), spread(ours), f"{ratio:.2f}"))
    headings = ("archive", "by hand: s, median (least, most)", "the playbook install", "of by hand")
    return Table(f"Archives of two sizes, {rounds} rounds", headings, tuple(rows))


@contextmanager
def _larger() -> Iterator[Path]:
    """Make an archive of the lab's and of the programs of Kubernetes, which are of the same kind."""
    lab, programs = ensure().path, ensure_program(KUBERNETES, KUBERNETES.programs[0]).parent
    with tempfile.TemporaryDirectory(prefix="larger-archive-") as folder:
        root, larger = Path(folder, "tree"), Path(folder, lab.name)
        root.mkdir()
        subprocess.run(["tar", "-xzf", lab, "-C", root], check=True)
        shutil.copytree(programs, root / _MORE_PROGRAMS)
        (root / tree.CHECKSUMS).write_text(tree.checksums(root), encoding="utf-8")
        Console(stderr=True).print(f"Packing an archive that is larger than {lab.name}")
        archive.pack(root, larger, lambda _name: None)
        yield larger


def _variables(path: Path) -> dict[str, str]:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return {"nerdctl_full_archive": str(path), "nerdctl_full_checksum": f"sha256:{digest}"}
