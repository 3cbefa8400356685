# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Time limits as options give them."""

from __future__ import annotations

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput


def positive_timeout(seconds: int | None) -> int | None:
    """Return *seconds* if it can be a time limit.

    Raises:
        InvalidInput: it is not positive.
    """
    if seconds is not None and seconds <= 0:
        raise InvalidInput("Not a time limit", subject=f"timeout: {seconds}", expected="a positive number of seconds")
    return seconds
