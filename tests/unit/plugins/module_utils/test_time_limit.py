# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time limits as options give them."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout


@pytest.mark.parametrize("seconds", [None, 1, 86400])
def test_a_limit_is_positive_or_none(seconds: int | None) -> None:
    assert positive_timeout(seconds) == seconds


@pytest.mark.parametrize("seconds", [0, -1])
def test_others_are_refused(seconds: int) -> None:
    with pytest.raises(InvalidInput, match=f"timeout: {seconds}.*a positive number of seconds"):
        positive_timeout(seconds)
