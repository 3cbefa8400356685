# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the virtual environments from the lock files in requirements/, and the link by which Ansible finds the tree.

What is up to date is left alone.

Usage: python3 tests/tools/venvs.py [NAME ...]    (all environments when none is named)
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import debian
from pythons import Interpreter, find_interpreter

CHECKOUT = Path(__file__).resolve().parents[2]
REQUIREMENTS = CHECKOUT / "requirements"
STATE = CHECKOUT / ".ansible"
# Ansible finds a collection by its folder's name only, and a checkout's folder may have any.
COLLECTION_LINK = STATE / "collections" / "ansible_collections" / "nephoran" / "container_build"


@dataclass(frozen=True)
class Environment:
    """A virtual environment: where it is, what is in it and which Pythons it may have."""

    name: str
    folder: str
    lowest: tuple[int, int]
    highest: tuple[int, int]
    newest: bool
    optional: bool
    purpose: str

    @property
    def path(self) -> Path:
        return CHECKOUT / self.folder

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def lock(self) -> Path:
        return REQUIREMENTS / f"{self.name}.txt"

    @property
    def pythons(self) -> str:
        """The accepted versions, for people: `3.11 to 3.13`."""
        lowest, highest = (".".join(map(str, version)) for version in (self.lowest, self.highest))
        return lowest if lowest == highest else f"{lowest} to {highest}"

    def find_python(self) -> Interpreter | None:
        return find_interpreter(self.lowest, self.highest, newest=self.newest)

    def is_ready(self) -> bool:
        """Whether the environment was made completely from today's lock file and its Python still exists."""
        stamp = self.path / ".locked"
        return stamp.is_file() and self.python.exists() and stamp.read_text(encoding="utf-8") == self.fingerprint()

    def fingerprint(self) -> str:
        return hashlib.sha256(self.lock.read_bytes()).hexdigest()


ENVIRONMENTS = {
    environment.name: environment
    for environment in (
        Environment("core-2.19", ".venv", (3, 11), (3, 13), False, False, "developer tools, ansible-core 2.19"),
        Environment("core-2.21", ".venv-core-2.21", (3, 12), (3, 14), True, True, "developer tools, ansible-core 2.21"),
        Environment("target", ".venv-target", (3, 9), (3, 9), False, True, "unit tests on the oldest Python of a node"),
    )
}


class EnvironmentFailure(Exception):
    """An environment cannot be made; the message says what to do."""


def make(environment: Environment) -> bool:
    """Bring one environment up to date; return False when it is optional and this machine has no Python for it."""
    if environment.is_ready():
        _finish(environment)
        return True
    interpreter = environment.find_python()
    if interpreter is None:
        missing = f"no Python {environment.pythons} on this machine (searched PATH and pyenv)"
        if environment.optional:
            print(f"*** {environment.folder} SKIPPED: {missing}; not tested here: {environment.purpose}", flush=True)
            return False
        raise EnvironmentFailure(f"{environment.folder}: {missing}. Install one, for example Debian's python3.")
    started = time.monotonic()
    print(f"{environment.folder}: {environment.purpose}, {interpreter} ...", flush=True)
    uv = _bootstrap_uv()
    (environment.path / ".locked").unlink(missing_ok=True)
    _run([uv, "venv", "--quiet", "--clear", "--no-project", "--python", interpreter.path, environment.path])
    _run([uv, "pip", "sync", "--quiet", "--require-hashes", "--python", environment.python, environment.lock])
    _finish(environment)
    (environment.path / ".locked").write_text(environment.fingerprint(), encoding="utf-8")
    print(f"{environment.folder}: ready after {time.monotonic() - started:.0f} s", flush=True)
    return True


def _finish(environment: Environment) -> None:
    """Give the node's Python what a controller sends to it: this ansible-core installs on no Python so old."""
    if environment.name != "target":
        return
    (site_packages,) = environment.path.glob("lib/python*/site-packages")
    (ansible,) = ENVIRONMENTS["core-2.19"].path.glob("lib/python*/site-packages/ansible")
    for sent in ("release.py", "module_utils"):
        link(site_packages / "ansible" / sent, ansible / sent)
    # A controller sends a package that says nothing, not ansible's own, which imports what a node has not got.
    (site_packages / "ansible" / "__init__.py").touch()


def link(path: Path, target: Path) -> None:
    """Make `path` a relative symbolic link to `target`, unless it is one already."""
    value = os.path.relpath(target, path.parent)
    if path.is_symlink() and os.readlink(path) == value:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(value)


def _bootstrap_uv() -> Path:
    """Return the pinned uv, installed by the standard library's venv and pip when it is not there yet."""
    home = STATE / "uv"
    uv = home / "bin" / "uv"
    lock = REQUIREMENTS / "bootstrap.txt"
    stamp = home / ".locked"
    fingerprint = hashlib.sha256(lock.read_bytes()).hexdigest()
    if uv.exists() and stamp.is_file() and stamp.read_text(encoding="utf-8") == fingerprint:
        return uv
    interpreter = find_interpreter((3, 9), (3, 15))
    if interpreter is None:
        raise EnvironmentFailure("no Python 3.9 or newer on this machine. Install one, for example Debian's python3.")
    _ensure_venv_module(interpreter)
    _run([interpreter.path, "-m", "venv", "--clear", home])
    pip: list[str | Path] = [home / "bin" / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    _run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", lock])
    stamp.write_text(fingerprint, encoding="utf-8")
    return uv


def _ensure_venv_module(interpreter: Interpreter) -> None:
    """Debian ships Python without ensurepip, which venv wants: install the package that has it."""
    probe: list[str | Path] = [interpreter.path, "-c", "import ensurepip, venv"]
    if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
        return
    package = f"python{interpreter.version[0]}.{interpreter.version[1]}-venv"
    if not debian.can_install():
        raise EnvironmentFailure(
            f"{interpreter} cannot make virtual environments. Install its venv package ({package})."
        )
    try:
        debian.install(package)
    except subprocess.CalledProcessError as failure:
        raise EnvironmentFailure(f"{package} cannot be installed: apt-get ended with {failure.returncode}.") from None


def _run(command: Sequence[str | Path]) -> None:
    # Only Pythons of this machine are used: uv's own would come from a place that may be out of reach.
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never"}
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise EnvironmentFailure(f"failed with {done.returncode}: {' '.join(map(str, command))}")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    STATE.mkdir(exist_ok=True)
    with (STATE / "venvs.lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main(names: Sequence[str]) -> int:
    unknown = [name for name in names if name not in ENVIRONMENTS]
    if unknown:
        print(f"unknown environment: {', '.join(unknown)} (known: {', '.join(ENVIRONMENTS)})", file=sys.stderr)
        return 2
    try:
        with _one_at_a_time():
            link(COLLECTION_LINK, CHECKOUT)
            for name in names or ENVIRONMENTS:
                make(ENVIRONMENTS[name])
    except EnvironmentFailure as failure:
        print(failure, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
