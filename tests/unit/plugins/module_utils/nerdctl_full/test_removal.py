# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing takes all that was installed, and nothing that still runs."""

from __future__ import annotations

import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable

from .conftest import Archive, Node, program


def test_removing_leaves_nothing(node: Node, first: Archive, second: Archive) -> None:
    node.install(first)
    node.install(second)
    predicted = node.remove(check=True)
    assert node.served() == program("nerdctl 2.2.1")
    outcome = node.remove()
    assert outcome.plan == predicted.plan
    assert outcome.previous_generation == second.generation
    assert not any(path for path in node.snapshot() if not pathlib.Path(path).is_dir())
    assert not os.path.lexists(node.layout.base)
    assert not os.path.lexists(node.layout.plugins)
    assert not node.remove().plan.changed


def test_removing_nothing_changes_nothing(node: Node) -> None:
    assert not node.remove().plan.changed
    assert node.snapshot() == {}


@pytest.mark.parametrize("check", [False, True])
def test_live_containers_keep_their_installation(node: Node, first: Archive, check: bool) -> None:
    node.install(first)
    node.start(10, f"{node.layout.generation(first.generation)}/bin/containerd-shim-runc-v2")
    before = node.snapshot()
    with pytest.raises(Unavailable, match=r"Containers still run .*containerd-shim-runc-v2 \(PID 10\)"):
        node.remove(check=check)
    assert node.snapshot() == before
    assert node.remove(check=check, force=True).plan.changed


def test_a_service_has_to_be_stopped_first(node: Node, first: Archive) -> None:
    node.install(first)
    node.start(10, f"{node.layout.generation(first.generation)}/bin/containerd")
    with pytest.raises(Unavailable, match=r"Services still run .*containerd \(PID 10\)"):
        node.remove()
    # A role that stops it before is only predicted as well.
    assert "must be stopped" in node.remove(check=True).warnings[0]
    assert node.remove(force=True).plan.changed
