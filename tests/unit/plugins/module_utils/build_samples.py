# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What builders wrote when small builds were run by them: data/builds.

BuildKit 0.26.3 with `--progress=rawjson`, through nerdctl 2.2.1 (`daemon_killed` through buildctl); of failed builds
the lines that only count bytes were left out. buildah 1.28.2 with `bud`, which writes on both streams. Paths, names
and addresses of the machine were replaced.
"""

from __future__ import annotations

import pathlib

from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed

DATA = pathlib.Path(__file__).parent / "data" / "builds"
BUILDKIT_SAMPLES = sorted(path.stem for path in (DATA / "buildkit").iterdir())
BUILDAH_SAMPLES = sorted(path.name.split(".")[0] for path in (DATA / "buildah").glob("*.out.txt"))


def _read(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


def buildkit_stderr(name: str) -> str:
    return _read(DATA / "buildkit" / f"{name}.txt")


def buildah_run(name: str, rc: int) -> Completed:
    folder = DATA / "buildah"
    out, err = _read(folder / f"{name}.out.txt"), _read(folder / f"{name}.err.txt")
    return Completed(("/usr/bin/buildah", "bud"), rc, out.encode(), err)
