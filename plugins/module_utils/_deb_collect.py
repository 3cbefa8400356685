# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collects packages with all that they need, as a folder from which a node without a network can install them."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._apt import Apt, Step, control_file
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import (
    INDEX_NAME,
    Package,
    parse_index,
    plain_filename,
    stanza,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    Refused,
    ToolFailed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._file_digest import file_digest
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import PUBLIC_MODE, write_file
from ansible_collections.nephoran.container_build.plugins.module_utils._output_place import put_folder_in_place, staged
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner


def collect_packages(
    runner: Runner, names: t.Sequence[str], dest: str, scratch: str, *, check: bool
) -> tuple[Plan, list[Step]]:
    """Make *dest* a flat repository of *names* and of all that they need, down to the C library.

    Args:
        runner: starts the processes.
        names: the packages; each a name, or a name, ``=`` and a version.
        dest: the folder.
        scratch: a private folder.
        check: whether to do nothing, and only say what would be done.

    Returns:
        What was done, or would be, and the packages.

    Raises:
        Refused: *dest* is a folder with something else in it.
        ToolFailed: apt does not know a package, or cannot fetch it.
    """
    found = _found(dest)
    apt = Apt.from_nothing(runner, scratch)
    steps = sorted(apt.foresee(names), key=lambda step: (step.name, step.architecture))
    wanted = {step.name: step.version for step in steps}
    if {(package.name, package.version, package.architecture) for package in found} == {
        (step.name, step.version, step.architecture) for step in steps
    }:
        return Plan(), steps
    before = {package.name: package.version for package in found}
    plan = Plan((Action("collect", dest, f"{len(steps)} packages"),), before=before, after=wanted)
    if not check:
        apt.download(names)
        with staged(dest) as temporary:
            os.mkdir(temporary)
            _fill(runner, os.path.join(scratch, "archives"), temporary, steps)
            put_folder_in_place(temporary, dest)
    return plan, steps


def _found(dest: str) -> tuple[Package, ...]:
    """Return the packages that are there, each as its index says; none if one of them is not."""
    index = os.path.join(dest, INDEX_NAME)
    if not os.path.exists(index):
        if os.path.lexists(dest) and (not os.path.isdir(dest) or os.listdir(dest)):
            raise Refused(
                "The folder holds something else than packages, and would be replaced",
                subject=dest,
                expected=f"no folder, an empty one, or one with {INDEX_NAME}",
                remedy="name another folder",
            )
        return ()
    with open(index, encoding="utf-8") as file:
        text = file.read()
    try:
        packages = parse_index(text, dest)
    except IntegrityError:
        # Made by a run that another one did better: it is replaced as a whole.
        return ()
    whole = all(file_digest(os.path.join(dest, package.filename)) == package.sha256 for package in packages)
    return packages if whole else ()


def _fill(runner: Runner, archives: str, folder: str, steps: t.Sequence[Step]) -> None:
    """Move the packages that apt fetched into *folder*, and write their index."""
    entries: dict[tuple[str, str, str], str] = {}
    for name in sorted(os.listdir(archives)):
        path = os.path.join(archives, name)
        if not name.endswith(".deb"):
            continue
        control = control_file(runner, path)
        fields = dict(line.split(": ", 1) for line in control.splitlines() if not line.startswith(" ") and ": " in line)
        key = (fields["Package"], fields["Version"], fields["Architecture"])
        plain = plain_filename(*key)
        place = os.path.join(folder, plain)
        digest = file_digest(path) or ""
        entries[key] = stanza(control, plain, os.path.getsize(path), digest)
        # The scratch folder may be on another file system.
        with open(path, "rb") as source, open(place, "xb") as target:
            while piece := source.read(1 << 20):
                target.write(piece)
        os.unlink(path)
    missing = {(step.name, step.version, step.architecture) for step in steps} - set(entries)
    if missing:
        raise ToolFailed(
            "apt did not fetch all packages",
            subject=", ".join(sorted(" ".join(key) for key in missing)),
            remedy="run the task again",
        )
    text = "\n".join(entries[key] for key in sorted(entries))
    write_file(os.path.join(folder, INDEX_NAME), text, PUBLIC_MODE)
