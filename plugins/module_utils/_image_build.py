# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds an image when, and only when, something that decides its result has moved."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_inputs import BuildInputs
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    INPUTS_DIGEST_LABEL,
    Builder,
    BuildReport,
    BuildSpec,
    BuiltImage,
    Output,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._built_images import BuiltImages, require
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import (
    image_lock,
    image_lock_if_free,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action, Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

ALWAYS, ON_CHANGE, NEVER = "always", "on_change", "never"


class BuildRequest(t.NamedTuple):
    """One image that is to be built if need be.

    Attributes:
        spec: the build.
        inputs: what decides its result.
        rebuild: ``on_change``: if inputs moved or the image is missing; ``always``; ``never``: only if it is missing.
        log_path: the file that is to have all that the builder says; None: none.
        timeout: seconds that the build may take; None: no limit.
        outputs: what is to be made of the image.
        pushes: names under which registries are to have it.
        prepare: fetches what the spec only names, and returns the spec with where it is; None: nothing to fetch.
    """

    spec: BuildSpec
    inputs: BuildInputs
    rebuild: str = ON_CHANGE
    log_path: str | None = None
    timeout: int | None = None
    outputs: tuple[Output, ...] = ()
    pushes: tuple[Reference, ...] = ()
    prepare: t.Callable[[BuildSpec], BuildSpec] | None = None


class BuildPlan(t.NamedTuple):
    """Whether to build, and why.

    Attributes:
        plan: the action, and the image before and after.
        reasons: why; empty if nothing has to be built.
    """

    plan: Plan
    reasons: tuple[str, ...]


class Look(t.NamedTuple):
    """What a look at the place found.

    Attributes:
        image: the image that is there; None if there is none.
        planned: what must happen.
        alone: whether no other task can build the image before the end of the block that the look was given to.
    """

    image: BuiltImage | None
    planned: BuildPlan
    alone: bool


class BuildOutcome(t.NamedTuple):
    """What came of a build.

    Attributes:
        before: the image before it; None if there was none.
        image: the image now.
        report: what the builder said; None if there was nothing to build.
    """

    before: BuiltImage | None
    image: BuiltImage
    report: BuildReport | None

    @property
    def changed(self) -> bool:
        """Whether the image is another one now."""
        return differs(self.before, self.image)


def differs(before: BuiltImage | None, after: BuiltImage) -> bool:
    """Tell whether *after* is something else than *before*, or whole where that was not."""
    return before is None or bool(before.missing) or before.identity != after.identity


class ImageBuild:
    """Observes, plans and applies a build in a builder's own store.

    Args:
        request: what to build.
        images: where the builder leaves its images.
        records: what earlier builds were made from.
    """

    def __init__(self, request: BuildRequest, images: BuiltImages, records: BuildRecords) -> None:
        self._request = request
        self._images = images
        self._records = records

    @contextlib.contextmanager
    def looked_at(self, *, check: bool) -> t.Iterator[Look]:
        """Give what is there and what must happen, so that :meth:`apply` need not look once more.

        Nobody is waited for: a task that finds nothing to do is not held up by one that builds.

        Args:
            check: whether nothing will be done.
        """
        with contextlib.ExitStack() as stack:
            alone = not check and stack.enter_context(image_lock_if_free(*self._lock))
            before = self.observe()
            yield Look(before, self.plan(before), alone)

    @property
    def _lock(self) -> tuple[str, str]:
        return f"build {self._images.place}", str(self._request.spec.reference)

    def observe(self) -> BuiltImage | None:
        """Return the image that is there; None if there is none."""
        spec = self._request.spec
        return self._images.find(spec.reference, spec.platforms)

    def plan(self, before: BuiltImage | None) -> BuildPlan:
        """Return what must happen if *before* is there."""
        spec, inputs = self._request.spec, self._request.inputs
        reasons = tuple(self._reasons(before))
        name = str(spec.reference)
        shown_before = _shown(before)
        if not reasons:
            return BuildPlan(Plan((), {name: shown_before}, {name: shown_before}), ())
        after = {"present": True, "inputs_digest": inputs.digest, "rebuild_reasons": list(reasons)}
        action = Action("build", f"{name} in {self._images.place}", "; ".join(reasons))
        return BuildPlan(Plan((action,), {name: shown_before}, {name: after}), reasons)

    def apply(self, builder: Builder, look: Look | None = None) -> BuildOutcome:
        """Build the image if that is still needed once this task is alone with its name.

        Args:
            builder: builds.
            look: what :meth:`looked_at` gave, within its block.

        Raises:
            ContainerBuildError: the build failed; the image that was there before still is.
        """
        if look is not None and look.alone:
            return self._apply(builder, look.image, look.planned)
        with image_lock(*self._lock):
            before = self.observe()
            return self._apply(builder, before, self.plan(before))

    def _apply(self, builder: Builder, before: BuiltImage | None, planned: BuildPlan) -> BuildOutcome:
        if before is not None and not planned.reasons:
            return BuildOutcome(before, before, None)
        spec, inputs = self._request.spec, self._request.inputs
        labelled = spec.with_label(INPUTS_DIGEST_LABEL, inputs.digest)
        fresh = labelled._replace(fresh_contexts=self._changed_unseen())
        if self._request.prepare is not None:
            # What was fetched was not compared with the context that was sent last.
            fresh = self._request.prepare(fresh)._replace(fresh_contexts=True)
        if builder.keeps_contexts:
            # Before the build: whatever becomes of it, its context may have been sent.
            self._records.save_sent(self._images.place, inputs.to_document())
        report = builder.build(fresh, self._request.log_path, self._request.timeout)
        image = require(self.observe(), spec.reference, self._images.place)
        # Only what a later build says of its reasons depends on this record: a power loss may take it.
        self._records.save(self._images.place, str(spec.reference), inputs.to_document(), durable=False)
        return BuildOutcome(before, image, report)

    def _changed_unseen(self) -> bool:
        """Tell whether a builder that goes by size and time could take a file of an earlier context for one of this."""
        last = self._records.load_sent(self._images.place)
        if last is None:
            # Nobody knows what was sent before the first build since the node started.
            return True
        own = self._records.load(self._images.place, str(self._request.spec.reference)) or {}
        return self._request.inputs.changed_unseen(last) or self._request.inputs.changed_unseen(own)

    def _reasons(self, before: BuiltImage | None) -> t.Iterator[str]:
        if before is None:
            yield "image missing"
            return
        if self._request.rebuild == ALWAYS:
            yield "rebuild: always"
        if self._request.rebuild != ON_CHANGE:
            return
        yield from (f"image incomplete: blob {digest} is missing" for digest in before.missing)
        digest = self._request.inputs.digest
        if before.missing:
            return
        if before.inputs_digest == digest:
            yield from (f"platform missing: {platform}" for platform in before.lacking)
            return
        if not before.inputs_digest:
            yield "the image carries no inputs digest: something else built it"
            return
        record = self._records.load(self._images.place, str(self._request.spec.reference))
        if record is not None and record.get("digest") == before.inputs_digest:
            changes = self._request.inputs.changes_since(record)
            if changes:
                yield from changes
                return
        yield f"inputs digest: {before.inputs_digest} → {digest}"


def _shown(image: BuiltImage | None) -> dict[str, t.Any]:
    if image is None:
        return {"present": False}
    return {
        "present": True,
        "digest": image.digest,
        "image_id": image.image_id,
        "inputs_digest": image.inputs_digest,
    }
