# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes docs/reference from the documentation in modules, plugins and argument specifications.

Usage: python tests/tools/reference.py [--check]    (--check changes nothing and fails when the reference is stale)
"""

from __future__ import annotations

import filecmp
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from venvs import CHECKOUT, ENVIRONMENTS, STATE

REFERENCE = CHECKOUT / "docs" / "reference"
OPTIONS = (
    *("--use-current", "--squash-hierarchy", "--fail-on-error"),
    *("--no-breadcrumbs", "--no-add-antsibull-docs-version", "--output-format", "simplified-rst"),
)
_PUBLISHED = re.compile(r"(?P<name>`nephoran\.container_build collection) <[^>]+>")
_INSTALLATION = re.compile(r"^To install it, use: .*\n", re.MULTILINE)


def generate(to: Path) -> None:
    binaries = ENVIRONMENTS["core-2.19"].path / "bin"
    # antsibull-docs calls ansible-doc by its name.
    path = os.pathsep.join([str(binaries), os.environ["PATH"]])
    subprocess.run(
        [str(binaries / "antsibull-docs"), "collection", *OPTIONS, "--dest-dir", str(to), "nephoran.container_build"],
        env={**os.environ, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(STATE / "collections")},
        cwd=CHECKOUT,
        check=True,
    )


def make_local(reference: Path) -> None:
    """Point to this reference instead of to a published release, which a checkout is not."""
    for file in reference.glob("*.rst"):
        text = file.read_text(encoding="utf-8")
        file.write_text(_INSTALLATION.sub("", _PUBLISHED.sub(r"\g<name> <index.rst>", text)), encoding="utf-8")


def stale_files(fresh: Path) -> list[str]:
    """Return the names that differ between the fresh reference and the one in the checkout."""
    names = {file.name for folder in (fresh, REFERENCE) if folder.is_dir() for file in folder.iterdir()}
    same, _different, _unreadable = filecmp.cmpfiles(fresh, REFERENCE, names, shallow=False)
    return sorted(names - set(same))


def main(*, check: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="reference-") as folder:
        fresh = Path(folder)
        try:
            generate(fresh)
        except subprocess.CalledProcessError as failure:
            print(f"antsibull-docs failed with {failure.returncode}; its output is above", file=sys.stderr)
            return 1
        make_local(fresh)
        stale = stale_files(fresh)
        if check:
            for name in stale:
                print(f"docs/reference/{name} is stale: run `make docs` and commit the result", file=sys.stderr)
            return 1 if stale else 0
        shutil.rmtree(REFERENCE, ignore_errors=True)
        shutil.copytree(fresh, REFERENCE)
        print(f"docs/reference: {len(stale)} of {len(list(fresh.iterdir()))} files changed")
    return 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
