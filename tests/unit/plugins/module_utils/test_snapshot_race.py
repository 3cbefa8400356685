# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What fails for containerd's race is tried again, and nothing else is."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError, ToolFailed
from ansible_collections.nephoran.container_build.plugins.module_utils._snapshot_race import (
    ATTEMPTS,
    despite_snapshot_race,
)

# What nerdctl 2.2.1 says at the end of a build by BuildKit 0.26.3.
SAID = (
    'error: failed to solve: failed to prepare extraction snapshot "extract-383103053-mUBJ sha256:8ed2d8889e8b": '
    "parent snapshot sha256:e87e594a04c3 does not exist: not found"
)


class Flaky:
    """Fails some times before it succeeds."""

    def __init__(self, failures: int, said: str = SAID) -> None:
        self.attempts = 0
        self._failures = failures
        self._said = said

    def __call__(self) -> str:
        self.attempts += 1
        if self.attempts <= self._failures:
            raise ToolFailed("The build failed", tail=f"#8 exporting to image\n{self._said}")
        return "done"


@pytest.mark.parametrize("failures", range(ATTEMPTS))
def test_the_race_is_won_in_the_end(failures: int) -> None:
    call = Flaky(failures)
    assert despite_snapshot_race(call) == "done"
    assert call.attempts == failures + 1


def test_a_race_that_is_always_lost_is_told_of() -> None:
    call = Flaky(ATTEMPTS)
    with pytest.raises(ContainerBuildError, match="parent snapshot sha256:e87e594a04c3 does not exist"):
        despite_snapshot_race(call)
    assert call.attempts == ATTEMPTS


@pytest.mark.parametrize("said", ["", "exit code: 1", "parent snapshot sha256:e87e594a04c3 does not exist: not found"])
def test_other_failures_are_not_tried_again(said: str) -> None:
    call = Flaky(1, said)
    with pytest.raises(ContainerBuildError):
        despite_snapshot_race(call)
    assert call.attempts == 1
