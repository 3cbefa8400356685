# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When an image is built, why, and what came of it."""

from __future__ import annotations

import contextlib
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _build_record, _image_build, _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import ContextSnapshot
from ansible_collections.nephoran.container_build.plugins.module_utils._build_inputs import BuildInputs
from ansible_collections.nephoran.container_build.plugins.module_utils._build_record import BuildRecords
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    INPUTS_DIGEST_LABEL,
    BuildReport,
    BuildSpec,
    BuiltImage,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound, ToolFailed
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import (
    ALWAYS,
    NEVER,
    ON_CHANGE,
    BuildRequest,
    ImageBuild,
    differs,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

APP = Reference.parse("app:v1")
NAME = str(APP)
SPEC = BuildSpec(APP, "/srv/app", "/srv/app/Dockerfile", platforms=(Platform.parse("linux/amd64"),))
CONTEXT = ContextSnapshot({"src/app.py": "file 0644 2"})
REPORT = BuildReport(("builder", "build"), (), "", "")
BLOB = "sha256:" + "b" * 64


def inputs_of(spec: BuildSpec, context: ContextSnapshot = CONTEXT) -> BuildInputs:
    return BuildInputs.of(spec, b"FROM scratch\n", {"": context})


INPUTS = inputs_of(SPEC)
OTHER = inputs_of(SPEC._replace(args={"VERSION": "1"}), ContextSnapshot({"src/app.py": "file 0644 1"}))


def image(inputs_digest: str = INPUTS.digest, **changes: t.Any) -> BuiltImage:
    return BuiltImage("sha256:d", "sha256:i", ("sha256:m", "sha256:i"), inputs_digest)._replace(**changes)


class Images:
    """A place with at most one image, which notes what it was asked for."""

    place = "namespace default"

    def __init__(self, there: BuiltImage | None = None) -> None:
        self.there = there
        self.asked: list[tuple[Reference, tuple[Platform, ...]]] = []

    def find(self, reference: Reference, platforms: t.Sequence[Platform]) -> BuiltImage | None:
        self.asked.append((reference, tuple(platforms)))
        return self.there


class Builder:
    """Leaves an image in a place, or fails."""

    name = "builder"
    keeps_contexts = True

    def __init__(self, images: Images, result: BuiltImage | Exception | None) -> None:
        self._images = images
        self._result = result
        self.builds: list[tuple[BuildSpec, str | None, int | None]] = []

    def refuse(self, spec: BuildSpec) -> None:
        raise AssertionError("whoever starts a build has asked already")

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        self.builds.append((spec, log_path, timeout))
        if isinstance(self._result, Exception):
            raise self._result
        self._images.there = self._result
        return REPORT


@pytest.fixture(autouse=True)
def locks(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr(_image_lock.image_lock.__wrapped__, "__defaults__", (str(tmp_path / "locks"),))


@pytest.fixture
def records(tmp_path: pathlib.Path) -> BuildRecords:
    return BuildRecords(str(tmp_path / "state"))


def build_of(
    records: BuildRecords, images: Images, rebuild: str = ON_CHANGE, inputs: BuildInputs = INPUTS
) -> ImageBuild:
    return ImageBuild(BuildRequest(SPEC, inputs, rebuild, "/var/log/x.log", 60), images, records)


def reasons(records: BuildRecords, before: BuiltImage | None, rebuild: str = ON_CHANGE) -> tuple[str, ...]:
    return build_of(records, Images(before), rebuild).plan(before).reasons


class TestReasons:
    """Why an image is built."""

    def test_it_is_missing(self, records: BuildRecords) -> None:
        for rebuild in (ON_CHANGE, ALWAYS, NEVER):
            assert reasons(records, None, rebuild) == ("image missing",)

    def test_nothing_moved(self, records: BuildRecords) -> None:
        assert reasons(records, image()) == ()

    def test_always(self, records: BuildRecords) -> None:
        assert reasons(records, image(), ALWAYS) == ("rebuild: always",)

    @pytest.mark.parametrize("there", [image("sha256:old"), image(""), image(missing=(BLOB,))])
    def test_never(self, records: BuildRecords, there: BuiltImage) -> None:
        assert reasons(records, there, NEVER) == ()

    def test_it_is_incomplete(self, records: BuildRecords) -> None:
        there = image(missing=(BLOB, "sha256:c"))
        assert reasons(records, there) == (
            f"image incomplete: blob {BLOB} is missing",
            "image incomplete: blob sha256:c is missing",
        )

    def test_a_platform_is_missing(self, records: BuildRecords) -> None:
        assert reasons(records, image(lacking=("linux/arm64",))) == ("platform missing: linux/arm64",)

    def test_something_else_built_it(self, records: BuildRecords) -> None:
        (reason,) = reasons(records, image(""))
        assert "carries no inputs digest" in reason

    def test_inputs_moved_and_nobody_remembers_how(self, records: BuildRecords) -> None:
        assert reasons(records, image("sha256:old")) == (f"inputs digest: sha256:old → {INPUTS.digest}",)

    def test_inputs_moved_and_the_record_says_how(self, records: BuildRecords) -> None:
        records.save("namespace default", NAME, OTHER.to_document())
        assert reasons(records, image(OTHER.digest)) == ("arg VERSION: 1 → (none)", "context: src/app.py changed")

    def test_a_record_of_another_image_says_nothing(self, records: BuildRecords) -> None:
        records.save("namespace default", NAME, OTHER.to_document())
        assert reasons(records, image("sha256:old")) == (f"inputs digest: sha256:old → {INPUTS.digest}",)

    def test_a_record_of_another_place_says_nothing(self, records: BuildRecords) -> None:
        records.save("namespace k8s.io", NAME, OTHER.to_document())
        assert reasons(records, image(OTHER.digest)) == (f"inputs digest: {OTHER.digest} → {INPUTS.digest}",)

    def test_a_record_that_explains_nothing_is_no_reason_to_say_nothing(self, records: BuildRecords) -> None:
        records.save("namespace default", NAME, {**INPUTS.to_document(), "digest": "sha256:old"})
        assert reasons(records, image("sha256:old")) == (f"inputs digest: sha256:old → {INPUTS.digest}",)


class TestPlan:
    """What is said beforehand."""

    def test_a_build(self, records: BuildRecords) -> None:
        planned = build_of(records, Images()).plan(image(""))
        (reason,) = planned.reasons
        assert planned.plan.action_lines() == [f"build {NAME} in namespace default ({reason})"]
        assert planned.plan.before == {
            NAME: {"present": True, "digest": "sha256:d", "image_id": "sha256:i", "inputs_digest": ""}
        }
        assert planned.plan.after == {
            NAME: {"present": True, "inputs_digest": INPUTS.digest, "rebuild_reasons": [reason]}
        }

    def test_the_first_build(self, records: BuildRecords) -> None:
        assert build_of(records, Images()).plan(None).plan.before == {NAME: {"present": False}}

    def test_nothing(self, records: BuildRecords) -> None:
        plan = build_of(records, Images()).plan(image()).plan
        assert not plan.changed
        assert plan.before == plan.after

    def test_it_asks_for_the_platforms_that_are_wanted(self, records: BuildRecords) -> None:
        images = Images(image())
        assert build_of(records, images).observe() == image()
        assert images.asked == [(APP, SPEC.platforms)]


class TestApply:
    """What is done."""

    def test_the_builder_gets_the_label_the_log_and_the_limit(self, records: BuildRecords) -> None:
        images = Images()
        builder = Builder(images, image())
        outcome = build_of(records, images).apply(builder)
        ((spec, log_path, timeout),) = builder.builds
        assert spec._replace(fresh_contexts=False) == SPEC.with_label(INPUTS_DIGEST_LABEL, INPUTS.digest)
        assert (log_path, timeout) == ("/var/log/x.log", 60)
        assert (outcome.before, outcome.image, outcome.report, outcome.changed) == (None, image(), REPORT, True)

    def test_the_next_run_knows_what_it_was_made_from(self, records: BuildRecords) -> None:
        images = Images()
        build_of(records, images, inputs=OTHER).apply(Builder(images, image(OTHER.digest)))
        assert reasons(records, images.there) == ("arg VERSION: 1 → (none)", "context: src/app.py changed")

    def test_a_build_that_gives_the_same_image_changed_nothing(self, records: BuildRecords) -> None:
        images = Images(image())
        again = image(digest="sha256:another attestation")
        outcome = build_of(records, images, ALWAYS).apply(Builder(images, again))
        assert outcome.report is REPORT
        assert not outcome.changed

    def test_a_failed_build_is_raised_and_not_remembered(self, records: BuildRecords) -> None:
        images = Images(image("sha256:old"))
        with pytest.raises(ToolFailed, match="it broke"):
            build_of(records, images).apply(Builder(images, ToolFailed("it broke")))
        assert records.load("namespace default", NAME) is None

    def test_a_builder_that_left_nothing_is_found_out(self, records: BuildRecords) -> None:
        images = Images()
        with pytest.raises(NotFound, match="reported success, but there is no image"):
            build_of(records, images).apply(Builder(images, None))
        assert records.load("namespace default", NAME) is None

    def test_what_another_task_built_meanwhile_is_not_built_again(
        self, records: BuildRecords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        images = Images()
        builder = Builder(images, image())
        lock, taken = _image_lock.image_lock, []

        def others_first(namespace: str, name: str) -> t.ContextManager[None]:
            taken.append((namespace, name))
            images.there = image()
            return lock(namespace, name)

        monkeypatch.setattr(_image_build, "image_lock", others_first)
        outcome = build_of(records, images).apply(builder)
        assert builder.builds == []
        assert (outcome.report, outcome.changed) == (None, False)
        assert taken == [("build namespace default", NAME)]


class TestLooking:
    """How often the place is looked at, which is what a build costs beside the builder."""

    def test_once_before_a_build_and_once_after_it(self, records: BuildRecords) -> None:
        images = Images()
        build = build_of(records, images)
        with build.looked_at(check=False) as look:
            assert (look.image, look.alone, look.planned.reasons) == (None, True, ("image missing",))
            build.apply(Builder(images, image()), look)
        assert len(images.asked) == 2

    def test_nobody_else_builds_between_the_look_and_the_build(self, records: BuildRecords) -> None:
        build = build_of(records, Images())
        with build.looked_at(check=False), _image_lock.image_lock_if_free("build namespace default", NAME) as free:
            assert not free
        with _image_lock.image_lock_if_free("build namespace default", NAME) as free:
            assert free

    def test_while_another_task_builds_it_is_looked_at_again(
        self, records: BuildRecords, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        images = Images()
        builder = Builder(images, image())
        build = build_of(records, images)
        with contextlib.ExitStack() as other:
            other.enter_context(_image_lock.image_lock("build namespace default", NAME))
            with build.looked_at(check=False) as look:
                assert not look.alone
                images.there = image()
                other.close()
                outcome = build.apply(builder, look)
        assert builder.builds == []
        assert (outcome.image, outcome.changed) == (image(), False)

    def test_check_mode_takes_no_lock(self, records: BuildRecords) -> None:
        build = build_of(records, Images())
        with (
            build.looked_at(check=True) as look,
            _image_lock.image_lock_if_free("build namespace default", NAME) as free,
        ):
            assert free
            assert not look.alone


class TestOldCopies:
    """BuildKit takes over only files whose size or time differ from the copy that it kept of the last context."""

    def inputs(self, content: str, stat: str = "4 100") -> BuildInputs:
        return inputs_of(SPEC, ContextSnapshot({"f": f"file 0644 {content}"}, {"f": stat}))

    def fresh(
        self,
        records: BuildRecords,
        inputs: BuildInputs,
        name: str = "app:v1",
        place: str = "namespace default",
        *,
        keeps: bool = True,
    ) -> bool:
        """Whether a build is told not to rely on old copies."""
        images = Images()
        images.place = place
        builder = Builder(images, image())
        builder.keeps_contexts = keeps
        spec = SPEC._replace(reference=Reference.parse(name))
        ImageBuild(BuildRequest(spec, inputs), images, records).apply(builder)
        return builder.builds[0][0].fresh_contexts

    def test_of_what_others_sent_nothing_is_known(self, records: BuildRecords) -> None:
        assert self.fresh(records, self.inputs("1"))
        assert not self.fresh(records, self.inputs("1"))

    @pytest.mark.parametrize("name", ["app:v1", "other:v1"])
    def test_a_content_that_looks_the_same(self, records: BuildRecords, name: str) -> None:
        """Another image's context, in another folder, is as bad."""
        self.fresh(records, self.inputs("1"))
        assert self.fresh(records, self.inputs("2"), name)
        assert not self.fresh(records, self.inputs("2"), name)

    def test_what_was_sent_before_the_node_started_anew_is_not_known(
        self, records: BuildRecords, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
    ) -> None:
        """The record need not be on the disk when a build begins, and so may be older than what was sent."""
        self.fresh(records, self.inputs("1"))
        boot = tmp_path / "boot_id"
        boot.write_text("another boot\n")
        monkeypatch.setattr(_build_record, "BOOT_ID_FILE", str(boot))
        assert self.fresh(records, self.inputs("1"))
        assert not self.fresh(records, self.inputs("1"))

    def test_where_boots_cannot_be_told_apart_nothing_is_ever_known(
        self, records: BuildRecords, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
    ) -> None:
        monkeypatch.setattr(_build_record, "BOOT_ID_FILE", str(tmp_path / "none"))
        assert [self.fresh(records, self.inputs("1")) for _build in range(2)] == [True, True]

    def test_no_build_waits_for_the_disk(self, records: BuildRecords, monkeypatch: pytest.MonkeyPatch) -> None:
        self.fresh(records, self.inputs("1"))
        synced: list[int] = []
        monkeypatch.setattr("os.fsync", synced.append)
        self.fresh(records, self.inputs("2"))
        assert synced == []

    def test_a_content_that_looks_different(self, records: BuildRecords) -> None:
        self.fresh(records, self.inputs("1"))
        assert not self.fresh(records, self.inputs("2", "4 101"))
        assert not self.fresh(records, self.inputs("3", "5 101"))

    def test_each_builder_has_its_own_copy(self, records: BuildRecords) -> None:
        self.fresh(records, self.inputs("1"))
        self.fresh(records, self.inputs("2"), place="namespace k8s.io")
        assert not self.fresh(records, self.inputs("1"))

    def test_what_a_builder_that_keeps_nothing_got_is_not_what_another_one_has(self, records: BuildRecords) -> None:
        """A pool's builder is sent the newest file, and brings its image to the place of the node's own builder."""
        self.fresh(records, self.inputs("1"))
        self.fresh(records, self.inputs("2"), keeps=False)
        assert self.fresh(records, self.inputs("2"))

    def test_a_context_that_a_failed_build_sent_counts(self, records: BuildRecords) -> None:
        self.fresh(records, self.inputs("1"))
        images = Images()
        failing = ImageBuild(BuildRequest(SPEC, self.inputs("2", "9 9")), images, records)
        with pytest.raises(ToolFailed):
            failing.apply(Builder(images, ToolFailed("it broke")))
        assert self.fresh(records, self.inputs("3", "9 9"))


@pytest.mark.parametrize(
    ("before", "after", "other"),
    [
        (None, image(), True),
        (image(), image(), False),
        (image(), image(digest="sha256:another attestation"), False),
        (image(), image(identity=("sha256:x",)), True),
        (image(missing=(BLOB,)), image(), True),
        (image("sha256:old"), image(), False),
    ],
)
def test_another_image_is_one_with_other_content(before: BuiltImage | None, after: BuiltImage, other: bool) -> None:
    assert differs(before, after) is other
