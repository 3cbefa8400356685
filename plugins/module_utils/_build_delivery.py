# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds where the builder can, and hands the image to the namespace that was asked for."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    Builder,
    BuildReport,
    BuildSpec,
    BuiltImage,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._built_images import (
    BuiltImages,
    ContainerdImages,
    require,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import (
    BuildRequest,
    ImageBuild,
    Look,
    differs,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan, merge_plans
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    label_actions,
    own_labels,
    wanted_labels,
)

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import ImageSource


class Workshop(t.NamedTuple):
    """A builder, the place where it leaves its images, and how they are taken from there.

    Attributes:
        builder: the builder.
        images: its images.
        source: gives the built image as the source of an import.
    """

    builder: Builder
    images: BuiltImages
    source: t.Callable[[], ImageSource]


class Delivered(t.NamedTuple):
    """What came of a build and its delivery.

    Attributes:
        plan: what had to happen.
        reasons: why the image was built; empty if it was not.
        image: the image where it was asked for; None in check mode if it is not there yet.
        report: what the builder said; None if it was not started.
        changed: whether anything moved.
    """

    plan: Plan
    reasons: tuple[str, ...]
    image: BuiltImage | None
    report: BuildReport | None
    changed: bool


def platform_to_bring(spec: BuildSpec) -> Platform | None:
    """Return the platform of which an image built from *spec* must be whole; None: all, and attestations."""
    if spec.attestations:
        return None
    if not spec.platforms:
        return Platform.host()
    return spec.platforms[0] if len(spec.platforms) == 1 else None


class BuildDelivery:
    """One build for one namespace of containerd.

    Args:
        request: what to build.
        store: the containerd that is to have the image.
        namespace: its namespace.
        pinned: whether the kubelet must leave the image; None: as it is.
        workshop: makes the workshop ready; called only if something has to be built or brought.
        records: what earlier builds were made from.
    """

    def __init__(
        self,
        request: BuildRequest,
        store: ImageStore,
        namespace: str,
        pinned: bool | None,
        workshop: t.Callable[[], Workshop],
        records: BuildRecords,
    ) -> None:
        self._request = request
        self._store = store
        self._final = ContainerdImages(store, namespace)
        self._pinned = pinned
        self._workshop = workshop
        self._records = records

    def run(self, check: bool) -> Delivered:
        """Do what has to be done, or only say it if *check*.

        Raises:
            ContainerBuildError: the build or the delivery failed; the name stands for the same image as before then.
        """
        final = ImageBuild(self._request, self._final, self._records)
        with final.looked_at(check=check) as look:
            labels = self._label_plan(look.image)
            if not look.planned.reasons:
                if labels.changed and not check:
                    self._relabel(_labels(look.image), _labels(look.image))
                return Delivered(labels, (), look.image, None, labels.changed)
            workshop = self._workshop()
            workshop.builder.refuse(self._request.spec)
            if workshop.images.place == self._final.place:
                return self._build_here(final, workshop.builder, look, labels, check=check)
        # Whoever builds elsewhere waits for the lock of that place, with no other one in hand.
        return self._build_elsewhere(workshop, look, labels, check=check)

    def _build_here(self, build: ImageBuild, builder: Builder, look: Look, labels: Plan, *, check: bool) -> Delivered:
        plan = merge_plans([look.planned.plan, labels])
        if check:
            return Delivered(plan, look.planned.reasons, look.image, None, True)
        try:
            outcome = build.apply(builder, look)
        except BaseException:
            # BuildKit writes the record anew, without its labels, and may fail to unpack the image after that.
            record = self._store.record(self._final.namespace, self._request.spec.reference)
            if record is not None:
                self._relabel(_labels(look.image), record.labels)
            raise
        self._relabel(_labels(look.image), _labels(outcome.image))
        changed = outcome.changed or labels.changed
        return Delivered(plan, look.planned.reasons, outcome.image, outcome.report, changed)

    def _build_elsewhere(self, workshop: Workshop, final: Look, labels: Plan, *, check: bool) -> Delivered:
        build = ImageBuild(self._request, workshop.images, self._records)
        with build.looked_at(check=check) as look:
            bring = Plan((self._bring_action(final.planned.reasons),))
            plan = merge_plans([look.planned.plan, bring, labels])
            reasons = look.planned.reasons or final.planned.reasons
            if check:
                return Delivered(plan, reasons, final.image, None, True)
            outcome = build.apply(workshop.builder, look)
        image = self._bring(workshop)
        return Delivered(plan, reasons, image, outcome.report, differs(final.image, image) or labels.changed)

    def _bring_action(self, reasons: t.Sequence[str]) -> Action:
        return Action("bring", f"{self._request.spec.reference} to {self._final.place}", "; ".join(reasons))

    def _bring(self, workshop: Workshop) -> BuiltImage:
        # Most images are built where they are to be.
        from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (  # noqa: PLC0415
            ImageImporter,
            ImportRequest,
        )

        spec = self._request.spec
        ImageImporter(self._store).run(
            ImportRequest(
                workshop.source(),
                spec.reference,
                self._final.namespace,
                platform_to_bring(spec),
                pinned=self._pinned,
                # Whoever builds an image decides on its labels; the refusal is for images that came from elsewhere.
                allow_reserved_labels=True,
            )
        )
        image = require(self._final.find(spec.reference, spec.platforms), spec.reference, self._final.place)
        # The same record lets the next run say what moved, whichever place it looks at.
        self._records.save(self._final.place, str(spec.reference), self._request.inputs.to_document(), durable=False)
        return image

    def _label_plan(self, image: BuiltImage | None) -> Plan:
        name = str(self._request.spec.reference)
        present = _labels(image)
        wanted = wanted_labels(present, {}, self._pinned)
        actions = tuple(label_actions(name, present, wanted))
        if not actions:
            return Plan()
        return Plan(actions, {f"labels of {name}": own_labels(present)}, {f"labels of {name}": wanted})

    def _relabel(self, before: t.Mapping[str, str], now: t.Mapping[str, str]) -> None:
        """Give the image's record, which has the labels *now*, those that it had *before*, and the pin."""
        wanted = wanted_labels(before, {}, self._pinned)
        self._store.relabel(self._final.namespace, self._request.spec.reference, now, wanted)


def _labels(image: BuiltImage | None) -> t.Mapping[str, str]:
    return image.record_labels if image else {}
