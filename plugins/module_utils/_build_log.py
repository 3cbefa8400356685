# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a build that stays on the node."""

from __future__ import annotations

import os

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable


def write_log(path: str, text: str) -> None:
    """Keep a build's *text* at *path*, readable by its owner alone: steps may print what is not for everyone."""
    try:
        os.makedirs(os.path.dirname(path), mode=0o750, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as log:
            log.write(text + "\n")
    except OSError as error:
        raise Unavailable(
            "The build's log could not be written", subject=path, remedy="correct log_path", tail=str(error)
        ) from error
