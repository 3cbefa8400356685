# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs `ansible-test sanity` on a clean copy of the checkout, with every Python of this machine that a node may have.

Usage: python tests/tools/sanity.py ENVIRONMENT [ARGUMENT OF ansible-test ...]    (an environment as in venvs.py)
"""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import debian
from pythons import interpreters
from venvs import CHECKOUT, ENVIRONMENTS, link

OLDEST_PYTHON_OF_A_NODE = (3, 9)
# ansible-test keeps its environments below HOME. One of its own touches nobody else's, and serves all checkouts: making
# the environments takes longer than using them.
HOME = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nephoran-sanity"
# The pip that each ansible-core starts its environments with: a part of the script's name.
PIP_OF = {"core-2.19": "24.2", "core-2.21": "25.2"}


def copy_collection(to: Path) -> Path:
    """Copy what git knows or would add to the only path where ansible-test takes it for a collection."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=CHECKOUT,
        stdout=subprocess.PIPE,
        check=True,
    )
    collection = to / "ansible_collections" / "nephoran" / "container_build"
    for name in sorted(os.fsdecode(listed.stdout).split("\0")):
        source = CHECKOUT / name
        if not name or not (source.is_file() or source.is_symlink()):
            continue  # deleted, and git has not been told yet
        (collection / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, collection / name, follow_symlinks=False)
    return collection


def write_pip_configuration() -> None:
    """Give the pip that ansible-test runs the user's settings: it has another home and none of the environment's."""
    settings = {
        name[len("PIP_") :].lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_")
    }
    settings.setdefault("cache-dir", str(Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "pip")))
    settings["quiet"] = "1"
    parser = configparser.RawConfigParser()
    parser["global"] = settings
    (HOME / ".pip").mkdir(parents=True, exist_ok=True)
    with (HOME / ".pip" / "pip.conf").open("w", encoding="utf-8") as file:
        parser.write(file)
    users = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", "pip")
    link(HOME / ".config" / "pip", users)


def ensure_shellcheck() -> None:
    """Have the one program that ansible-test does not bring itself."""
    if shutil.which("shellcheck"):
        return
    if debian.can_install():
        debian.install("shellcheck")
    else:
        print("*** shellcheck is not installed: shell scripts are NOT tested here", flush=True)


def environment_variables() -> dict[str, str]:
    """Return what ansible-test runs with: a home of its own, and all Pythons of this machine that a node may have."""
    folders = [str(found.path.parent) for found in interpreters() if found.version >= OLDEST_PYTHON_OF_A_NODE]
    path = os.pathsep.join([*dict.fromkeys(folders), os.environ["PATH"]])
    return {**os.environ, "HOME": str(HOME), "PATH": path}


def main(name: str, arguments: Sequence[str]) -> int:
    pip_script = HOME / ".ansible" / "test" / "cache" / f"get_pip_{PIP_OF[name].replace('.', '_')}.py"
    pip_script.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(Path(__file__).with_name("get_pip.py"), pip_script)
    write_pip_configuration()
    ensure_shellcheck()
    ansible_test = str(ENVIRONMENTS[name].path / "bin" / "ansible-test")
    colour = "yes" if sys.stdout.isatty() else "no"
    with tempfile.TemporaryDirectory(prefix="sanity-") as folder:
        collection = copy_collection(Path(folder))
        command = [ansible_test, "sanity", "--color", colour, *arguments]
        return subprocess.run(command, cwd=collection, env=environment_variables(), check=False).returncode


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in PIP_OF:
        sys.exit(f"usage: sanity.py {'|'.join(PIP_OF)} [ARGUMENT OF ansible-test ...]")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
