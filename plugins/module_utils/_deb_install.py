# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian packages out of a folder: which of them the node lacks, and their installation without a network."""

from __future__ import annotations

import fnmatch
import os
import typing as t
from dataclasses import dataclass

from ansible_collections.nephoran.container_build.plugins.module_utils._apt import Apt, Step, installed_versions
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import (
    INDEX_NAME,
    Package,
    parse_index,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._file_digest import file_digest
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner


class PackagesNeeded(NotFound):
    """Packages have to be installed, and their files are not on the node."""

    kind = "packages_needed"


@dataclass(frozen=True)
class InstallRequest:
    """What is asked for.

    Attributes:
        names: the packages; each a name, or a name, ``=`` and a version that may end in an asterisk.
        folder: the flat repository; ``None`` if the packages have to be there already.
        allow_downgrade: whether a version may take the place of a newer one.
        lock_timeout: seconds to wait for another package manager.
    """

    names: tuple[str, ...]
    folder: str | None = None
    allow_downgrade: bool = False
    lock_timeout: int = 300


@dataclass(frozen=True)
class Installed:
    """What was done, or would be.

    Attributes:
        plan: the steps and the difference.
        added: the names of packages that were not there at all.
    """

    plan: Plan
    added: tuple[str, ...] = ()


def install_packages(runner: Runner, request: InstallRequest, scratch: str, *, check: bool) -> Installed:
    """Have the packages on the node; one that is there in a version that will do stays as it is.

    Args:
        runner: starts the processes.
        request: what is asked for.
        scratch: a private folder.
        check: whether to do nothing, and only say what would be done.

    Raises:
        PackagesNeeded: the files of packages that have to be installed are not in the folder; its details name them.
        IntegrityError: a file is not what the index says.
        ToolFailed: apt refuses.
    """
    lacking = lacking_names(request.names, installed_versions(runner, [_split(name)[0] for name in request.names]))
    if not lacking:
        return Installed(Plan())
    if request.folder is None:
        raise _needed(lacking, ())
    index = os.path.join(request.folder, INDEX_NAME)
    try:
        with open(index, encoding="utf-8") as file:
            packages = parse_index(file.read(), request.folder)
    except FileNotFoundError as error:
        raise NotFound(
            "The folder is no flat repository", subject=request.folder, expected=f"{INDEX_NAME} in it"
        ) from error
    apt = Apt.over_folder(runner, request.folder, scratch)
    steps = apt.foresee(lacking, allow_downgrade=request.allow_downgrade)
    if not check:
        _prove(request.folder, lacking, _files_of(steps, packages, request.folder))
        apt.install(lacking, allow_downgrade=request.allow_downgrade, lock_timeout=request.lock_timeout)
    return Installed(_plan(steps), tuple(step.name for step in steps if not step.old))


def lacking_names(names: t.Sequence[str], installed: t.Mapping[str, str]) -> list[str]:
    """Return those of *names* that are not *installed* in a version that will do."""
    return [name for name in names if not fnmatch.fnmatchcase(installed.get(_split(name)[0], ""), _split(name)[1])]


def _split(name: str) -> tuple[str, str]:
    package, _equals, version = name.partition("=")
    # Of what is not there the version is empty, which this does not match.
    return package, version or "?*"


def _files_of(steps: t.Iterable[Step], packages: t.Iterable[Package], folder: str) -> list[Package]:
    known = {(package.name, package.version, package.architecture): package for package in packages}
    try:
        return [known[step.name, step.version, step.architecture] for step in steps]
    except KeyError as error:
        raise IntegrityError(
            "apt would install a package that the index does not name",
            subject=f"{' '.join(error.args[0])}, {folder}",
            remedy="make the repository again",
        ) from error


def _prove(folder: str, names: t.Sequence[str], packages: t.Sequence[Package]) -> None:
    found = {package: file_digest(os.path.join(folder, package.filename)) for package in packages}
    missing = [package.filename for package, digest in found.items() if digest is None]
    if missing:
        raise _needed(names, missing)
    for package, digest in found.items():
        if digest != package.sha256:
            raise IntegrityError(
                "The file is not the package that the index names",
                subject=os.path.join(folder, package.filename),
                expected=f"sha256:{package.sha256}; found sha256:{digest}",
                remedy="copy it again, or make the repository again",
            )


def _needed(names: t.Sequence[str], files: t.Sequence[str]) -> PackagesNeeded:
    return PackagesNeeded(
        "Packages are not installed, and their files are not here",
        subject=" ".join(files or names),
        expected="a flat repository with them in src",
        details={"needed": list(files)},
    )


def _plan(steps: t.Sequence[Step]) -> Plan:
    return Plan(
        tuple(
            Action("install", step.name, f"{step.old} → {step.version}" if step.old else step.version) for step in steps
        ),
        before={step.name: step.old for step in steps if step.old},
        after={step.name: step.version for step in steps},
    )
