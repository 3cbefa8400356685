# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The links by which the rest of the system finds what a generation holds: which are wanted, which are there.

All of them lead through ``current``, so that switching generations touches none that both have.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    TEMPORARY_SUFFIX,
    make_directories,
    replace_link,
    sync_directory,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout


@dataclasses.dataclass(frozen=True)
class Skipped:
    """A link that is wanted and was not made.

    Attributes:
        path: where it would be.
        reason: why it is not.
    """

    path: str
    reason: str


@dataclasses.dataclass(frozen=True)
class LinkPlan:
    """What has to happen to links.

    Attributes:
        create: the target of each link that is missing or wrong, by its path.
        remove: links of ours that lead to nothing the generation holds.
        right: links that stay as they are.
        skipped: links that are wanted and are not made.
    """

    create: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    remove: tuple[str, ...] = ()
    right: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    def created_in(self, folder: str) -> list[str]:
        """Return the names of the links to be made in *folder*."""
        return sorted(os.path.basename(path) for path in self.create if os.path.dirname(path) == folder)

    def removed_from(self, folder: str) -> list[str]:
        """Return the names of the links to be removed from *folder*."""
        return sorted(os.path.basename(path) for path in self.remove if os.path.dirname(path) == folder)

    @property
    def linked(self) -> list[str]:
        """The paths of all links once the plan was applied."""
        return sorted([*self.create, *self.right])


@dataclasses.dataclass(frozen=True)
class Found:
    """What lies in the folders of links.

    Attributes:
        ours: the target of each link that leads into the installation, by its path.
        others: what else stands there, by its path: ``a file``, ``a link to <target>``.
    """

    ours: t.Mapping[str, str]
    others: t.Mapping[str, str]


def link_folders(layout: Layout, cni_bin_dirs: t.Iterable[str]) -> list[str]:
    """Return the folders that links are made in, each once."""
    return list(dict.fromkeys([layout.commands, layout.plugins, *cni_bin_dirs]))


def find_links(layout: Layout, folders: t.Iterable[str]) -> Found:
    """Look at everything in *folders* but the links that a killed run had not given their names yet."""
    ours: dict[str, str] = {}
    others: dict[str, str] = {}
    for folder in folders:
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(TEMPORARY_SUFFIX):
                    continue
                if not entry.is_symlink():
                    others[entry.path] = "a file"
                    continue
                target = os.readlink(entry.path)
                if layout.owns_target(target):
                    ours[entry.path] = target
                else:
                    others[entry.path] = f"a link to {target}"
    return Found(ours, others)


def wanted_links(
    layout: Layout, commands: t.Iterable[str], plugins: t.Collection[str], cni_bin_dirs: t.Iterable[str]
) -> dict[str, str]:
    """Return the target of each link that *commands* and *plugins* want, by its path."""
    wanted = {os.path.join(layout.commands, command): layout.command_target(command) for command in commands}
    for folder in dict.fromkeys([layout.plugins, *cni_bin_dirs]):
        wanted.update({os.path.join(folder, plugin): layout.plugin_target(plugin) for plugin in plugins})
    return wanted


def plan_links(wanted: t.Mapping[str, str], found: Found, withheld: t.Mapping[str, str]) -> LinkPlan:
    """Decide about every link; pure.

    Args:
        wanted: the target of each link by its path.
        found: what stands in the folders.
        withheld: why a link must not be made, by its path. One that is there already stays: containers that run may
            have been started through it.
    """
    create: dict[str, str] = {}
    right: list[str] = []
    skipped: list[Skipped] = []
    for path, target in sorted(wanted.items()):
        if path in found.others:
            skipped.append(Skipped(path, f"{found.others[path]} of somebody else is there"))
        elif path in withheld and path in found.ours:
            right.append(path)
            skipped.append(
                Skipped(path, f"{withheld[path]}; an earlier run linked it, and running containers may depend on that")
            )
        elif path in withheld:
            skipped.append(Skipped(path, withheld[path]))
        elif found.ours.get(path) == target:
            right.append(path)
        else:
            create[path] = target
    remove = tuple(sorted(found.ours.keys() - wanted.keys()))
    return LinkPlan(create, remove, tuple(right), tuple(skipped))


def make_links(plan: LinkPlan) -> None:
    """Make the links of *plan*, durably; a link of ours that is wrong is replaced by one rename.

    Raises:
        FileExistsError: something came to stand in the place of a new link meanwhile.
    """
    for path, target in plan.create.items():
        make_directories(os.path.dirname(path))
        if os.path.islink(path):
            replace_link(path, target)
        else:
            os.symlink(target, path)
    for folder in {os.path.dirname(path) for path in plan.create}:
        sync_directory(folder)


def remove_links(paths: t.Iterable[str]) -> None:
    """Remove links of ours, durably."""
    folders = set()
    for path in paths:
        os.unlink(path)
        folders.add(os.path.dirname(path))
    for folder in folders:
        sync_directory(folder)
