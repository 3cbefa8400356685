# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an import would do, from what is there."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import (
    MANAGED_LABEL,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_import.importing import (
    LAYERS,
    NAME,
    PINNED,
    Source,
    planned,
    request_for,
)


class TestPlan:
    """What is planned, from what is there."""

    def test_absent(self, importer: ImageImporter, source: Source) -> None:
        plan = planned(importer, request_for(source))
        assert plan.action_lines() == [
            "take 2 layers (21 bytes from a source)",
            f"name {NAME} in k8s.io (absent → {source.target.digest})",
        ]
        assert plan.before == {NAME: {"present": False}}
        assert plan.after == {
            NAME: {
                "present": True,
                "digest": str(source.target.digest),
                "complete": True,
                "unpacked": False,
                "labels": {},
            }
        }

    def test_absent_with_everything(self, importer: ImageImporter, source: Source) -> None:
        plan = planned(importer, request_for(source, pinned=True, labels={"a": "1"}, unpack=True))
        assert plan.action_lines()[2:] == [f"label {NAME} (a=1)", f"pin {NAME}", f"unpack {NAME}"]
        after = plan.after[NAME]
        assert (after["labels"], after["unpacked"]) == ({"a": "1", **PINNED}, True)

    def test_absent_but_its_layers_are_there(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("k8s.io", "docker.io/library/other:v1", source.target, images)
        assert planned(importer, request_for(source)).action_lines() == [
            f"name {NAME} in k8s.io (absent → {source.target.digest})"
        ]

    def test_the_same_digest_is_no_change(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images, labels={**PINNED, MANAGED_LABEL: "managed", "a": "1"})
        plan = planned(importer, request_for(source))
        assert not plan.changed
        assert plan.before == plan.after
        # What the CRI plugin marks for itself is none of the user's labels.
        assert plan.after[NAME]["labels"] == {**PINNED, "a": "1"}

    def test_another_digest(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        old = images.manifest(layers=[b"old", LAYERS[1]])
        containerd.put("k8s.io", NAME, old, images, labels={**PINNED, "a": "1"}, unpacked=True)
        plan = planned(importer, request_for(source))
        assert plan.action_lines() == [
            "take 1 layers (16 bytes from a source)",
            f"name {NAME} in k8s.io ({old.digest} → {source.target.digest})",
        ]
        before, after = plan.before[NAME], plan.after[NAME]
        assert (before["digest"], after["digest"]) == (str(old.digest), str(source.target.digest))
        # The pin and the labels move along; the snapshots are the old image's.
        assert before["labels"] == after["labels"] == {**PINNED, "a": "1"}
        assert (before["unpacked"], after["unpacked"]) == (True, False)

    def test_incomplete(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        lost = str(Digest.of(LAYERS[1]))
        containerd.put("k8s.io", NAME, source.target, images, without={lost})
        plan = planned(importer, request_for(source))
        assert plan.action_lines() == [
            "take 1 layers (5 bytes from a source)",
            f"name {NAME} in k8s.io (incomplete: {lost})",
        ]
        assert (plan.before[NAME]["complete"], plan.after[NAME]["complete"]) == (False, True)

    def test_labels_alone(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images, labels={"a": "1", "b": "1"})
        plan = planned(importer, request_for(source, labels={"a": "2", "b": "1"}))
        assert plan.action_lines() == [f"label {NAME} (a=2)"]
        assert plan.before[NAME]["labels"] == {"a": "1", "b": "1"}
        assert plan.after[NAME]["labels"] == {"a": "2", "b": "1"}

    @pytest.mark.parametrize(
        ("labels", "pinned", "actions"),
        [
            ({}, True, [f"pin {NAME}"]),
            (PINNED, True, []),
            (PINNED, None, []),
            (PINNED, False, [f"unpin {NAME}"]),
            ({}, False, []),
            ({}, None, []),
        ],
    )
    def test_pins(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        labels: dict[str, str],
        pinned: bool | None,
        actions: list[str],
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images, labels=labels)
        plan = planned(importer, request_for(source, pinned=pinned))
        assert plan.action_lines() == actions
        assert plan.changed == (plan.before != plan.after) == bool(actions)

    @pytest.mark.parametrize(
        ("unpacked", "unpack", "actions"),
        [(True, True, []), (True, False, []), (False, True, [f"unpack {NAME}"]), (False, False, [])],
    )
    def test_unpacking_is_asked_for_and_never_undone(
        self,
        importer: ImageImporter,
        source: Source,
        containerd: FakeContainerd,
        images: ImageFactory,
        unpacked: bool,
        unpack: bool,
        actions: list[str],
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images, unpacked=unpacked)
        plan = planned(importer, request_for(source, unpack=unpack))
        assert plan.action_lines() == actions
        assert plan.before[NAME]["unpacked"] == unpacked
        assert plan.after[NAME]["unpacked"] == (unpacked or unpack)

    def test_forced(
        self, importer: ImageImporter, source: Source, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        containerd.put("k8s.io", NAME, source.target, images)
        assert planned(importer, request_for(source, force=True)).action_lines() == [f"name {NAME} in k8s.io (forced)"]

    def test_it_is_pure(self, importer: ImageImporter, source: Source, runner: FakeRunner) -> None:
        request = request_for(source, pinned=True)
        observed = importer.observe(request)
        calls = len(runner.calls)
        assert ImageImporter.plan(request, observed) == ImageImporter.plan(request, observed)
        assert len(runner.calls) == calls
