# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A race between containerd's garbage collection and whoever unpacks an image, which another attempt wins.

A snapshot that is found to be there, and so is not unpacked again, may be removed before the next layer is put on it,
with the record of an image that was replaced a moment ago. Unpacking fails then. It was seen with BuildKit 0.26.3 and
containerd 2.2.1, where an image is built, used and built anew without a pause.

Source: issue 6521 of moby/buildkit, issue 10835 of containerd/containerd and issue 3420 of containerd/nerdctl.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError

ATTEMPTS = 3
_RACE = r"failed to prepare extraction snapshot .* parent snapshot \S+ does not exist"

Result = t.TypeVar("Result")


def despite_snapshot_race(call: t.Callable[[], Result], attempts: int = ATTEMPTS) -> Result:
    """Return what *call* returns, which is made again if it failed for the race, and only then.

    Raises:
        ContainerBuildError: it failed for something else, or for the race in all of its attempts.
    """
    try:
        return call()
    except ContainerBuildError as error:
        if attempts == 1 or not re.search(_RACE, error.tail):
            raise
    return despite_snapshot_race(call, attempts - 1)
