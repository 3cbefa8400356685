# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What follows a build: outputs are written, the image gets further names, and registries get the image."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_delivery import Delivered
from ansible_collections.nephoran.container_build.plugins.module_utils._build_outputs import BuildOutputs, OutputWriter
from ansible_collections.nephoran.container_build.plugins.module_utils._image_push import Pushed
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan, merge_plans
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._remote_image import RemoteImage

_BUILT = "the image is built"


class ImagePlace(OutputWriter, t.Protocol):
    """Where the image is once it is built, and what can be done with it there.

    Attributes:
        where: the place in the words of actions.
    """

    where: str

    def name(self, names: t.Sequence[Reference], *, check: bool) -> Plan:
        """Have the image found under *names*, too, or only say it if *check*; the image must be there."""

    def push(self, destination: Reference, *, check: bool) -> Pushed:
        """Have a registry have the image under *destination*, or only say it if *check*; the image must be there."""

    def remote(self, destination: Reference) -> RemoteImage | None:
        """Return what the registry has under *destination*."""


@dataclasses.dataclass(frozen=True)
class FollowUp:
    """What is to follow a build.

    Attributes:
        outputs: the outputs that are asked for.
        names: further names that the image is to have where it is.
        pushes: names under which registries are to have it.
    """

    outputs: BuildOutputs
    names: tuple[Reference, ...]
    pushes: tuple[Reference, ...]


@dataclasses.dataclass(frozen=True)
class Finished:
    """What came of a build and of what follows it.

    Attributes:
        delivered: both taken together.
        pushed: the digests that registries have, or would have, by the image's names; empty where only a push tells.
    """

    delivered: Delivered
    pushed: t.Mapping[str, str]


def finish(delivered: Delivered, follow_up: FollowUp, place: ImagePlace, *, check: bool) -> Finished:
    """Do what follows the build that *delivered* came of, or only say it if *check*.

    Raises:
        ContainerBuildError: something could not be done. The image is there then, and what was done before.
    """
    built = bool(delivered.reasons)
    # The image that a build would make is another one than is there.
    image = None if check and built else delivered.image
    due = follow_up.outputs.due(image, built=built)
    plans = [delivered.plan, follow_up.outputs.plan(due)]
    if image is None:
        plans += [_names_to_come(follow_up.names, place), *(_push_to_come(name, place) for name in follow_up.pushes)]
        moved, pushed = True, dict.fromkeys(map(str, follow_up.pushes), "")
    else:
        moved = bool(due) if check else follow_up.outputs.write(due, image, place)
        if follow_up.names:
            plans.append(place.name(follow_up.names, check=check))
        done = [place.push(name, check=check) for name in follow_up.pushes]
        plans += [push.plan for push in done]
        pushed = {str(name): push.digest for name, push in zip(follow_up.pushes, done)}
        moved = moved or any(plan.changed for plan in plans[2:])
    reasons = (*delivered.reasons, *(each.reason for each in due if each.reason))
    whole = delivered._replace(plan=merge_plans(plans), reasons=reasons, changed=delivered.changed or moved)
    return Finished(whole, pushed)


def _names_to_come(names: t.Sequence[Reference], place: ImagePlace) -> Plan:
    actions = tuple(Action("name", f"{name} in {place.where}", _BUILT) for name in names)
    return Plan(actions, {}, {str(name): {"present": True} for name in names})


def _push_to_come(destination: Reference, place: ImagePlace) -> Plan:
    # Asked although the answer decides nothing, so that a registry that cannot be reached is told of before the build.
    remote = place.remote(destination)
    shown = f"{destination} at its registry"
    before = {"present": False} if remote is None else remote.shown()
    return Plan((Action("push", str(destination), _BUILT),), {shown: before}, {shown: {"present": True}})
