# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has to happen to an installation of the archive; pure: decided from values, touching nothing."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._links import Found, LinkPlan
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._unpacked import Unpacked


@dataclasses.dataclass(frozen=True)
class Installation:
    """What is there.

    Attributes:
        current: the generation that serves.
        generations: all generations, the one that served last first.
        links: what stands in the folders of links.
        leftovers: what killed runs left behind.
        exists: whether the installation has a folder of its own.
        unpacked: an archive unpacked by hand that is to be taken over.
    """

    current: str | None
    generations: tuple[str, ...]
    links: Found
    leftovers: tuple[str, ...]
    exists: bool
    unpacked: Unpacked | None = None

    @property
    def generations_to_be(self) -> tuple[str, ...]:
        """The generations once what was unpacked by hand was taken over, the one that served last first."""
        if self.unpacked is None:
            return self.generations
        return (self.unpacked.name, *(name for name in self.generations if name != self.unpacked.name))

    @property
    def links_to_be(self) -> Found:
        """What stands in the folders of links once what was unpacked by hand was taken over."""
        return self.links if self.unpacked is None else self.unpacked.after(self.links)

    @property
    def serves_to_be(self) -> str | None:
        """The generation that serves once what was unpacked by hand was taken over."""
        return self.current if self.unpacked is None else self.unpacked.name

    def as_diff(self) -> dict[str, t.Any]:
        """Return the part that a user observes."""
        return {"current": self.current, "generations": sorted(self.generations), "links": sorted(self.links.ours)}


@dataclasses.dataclass(frozen=True)
class Desired:
    """What is to be there.

    Attributes:
        generation: the name of the generation that is to serve.
        keep: how many generations may stay, this one included; all if ``None``.
        downloads: the addresses that archives are fetched from, fit for people.
        overlays: the components that take the place of the archive's.
        rollback: whether it is a way back, which may lead to an older version.
    """

    generation: str
    keep: int | None
    downloads: tuple[str, ...] = ()
    overlays: tuple[str, ...] = ()
    rollback: bool = False


def surplus(desired: Desired, generations: t.Sequence[str]) -> list[str]:
    """Return the generations beyond the number that may stay, those that served last kept first."""
    if desired.keep is None:
        return []
    others = [name for name in generations if name != desired.generation]
    return others[max(desired.keep - 1, 0) :]


def plan_present(
    desired: Desired,
    actual: Installation,
    layout: Layout,
    links: LinkPlan | None,
    folders: t.Sequence[str],
    removable: t.Sequence[str],
) -> Plan:
    """Return the plan that makes the desired generation serve.

    Args:
        desired: what is to be there.
        actual: what is there.
        layout: where it is.
        links: what happens to links; ``None`` while the generation is not there, so that nobody knows its commands. The
            plan then names only the folders that have no link yet.
        folders: the folders of links.
        removable: the surplus generations that nothing needs.
    """
    name = desired.generation
    actions = [*_sweeps(actual), *_adoption(actual, layout)]
    if name not in actual.generations:
        actions += [Action("download", address) for address in desired.downloads]
        actions.append(Action("stage", name, f"with {', '.join(desired.overlays)}" if desired.overlays else ""))
    actions += _expected_link_actions(actual, name, folders) if links is None else _link_actions(links, folders)
    if actual.serves_to_be != name:
        way = "back, " if desired.rollback else ""
        actions.append(Action("switch", layout.current, f"{way}{actual.serves_to_be or 'nothing'} → {name}"))
    if links is not None:
        actions += [
            Action("unlink", folder, ", ".join(links.removed_from(folder)))
            for folder in folders
            if links.removed_from(folder)
        ]
    actions += [Action("remove", layout.generation(old), f"more than {desired.keep} generations") for old in removable]
    before = actual.as_diff()
    after = {"current": name, "generations": sorted({*actual.generations_to_be, name} - set(removable))}
    if links is None:
        del before["links"]
    else:
        after["links"] = links.linked
    return Plan(tuple(actions), before, after)


def plan_absent(actual: Installation, layout: Layout, folders: t.Sequence[str]) -> Plan:
    """Return the plan that removes every link of ours and every generation."""
    actions = []
    for folder in folders:
        names = sorted(os.path.basename(path) for path in actual.links.ours if os.path.dirname(path) == folder)
        if names:
            actions.append(Action("unlink", folder, ", ".join(names)))
    actions += [Action("remove", path, "left behind by a run that was ended") for path in _outside(actual, layout)]
    if actual.exists:
        actions.append(Action("remove", layout.base, ", ".join(sorted(actual.generations))))
    return Plan(tuple(actions), actual.as_diff(), {"current": None, "generations": [], "links": []})


def _sweeps(actual: Installation) -> list[Action]:
    return [Action("remove", path, "left behind by a run that was ended") for path in actual.leftovers]


def _adoption(actual: Installation, layout: Layout) -> list[Action]:
    if actual.unpacked is None:
        return []
    names = ", ".join(sorted(os.path.basename(path) for path in actual.unpacked.giving_way))
    return [Action("take over", layout.prefix, f"unpacked by hand: {names} → {actual.unpacked.name}")]


def _outside(actual: Installation, layout: Layout) -> list[str]:
    return [path for path in actual.leftovers if not path.startswith(layout.base + "/")]


def _expected_link_actions(actual: Installation, name: str, folders: t.Sequence[str]) -> list[Action]:
    linked = {os.path.dirname(path) for path in actual.links_to_be.ours}
    return [Action("link", folder, f"what {name} holds for it") for folder in folders if folder not in linked]


def _link_actions(links: LinkPlan, folders: t.Sequence[str]) -> list[Action]:
    return [
        Action("link", folder, ", ".join(links.created_in(folder))) for folder in folders if links.created_in(folder)
    ]
