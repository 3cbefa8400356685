# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes the values of secrets out of what builders print: a step may print what it was given."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import Secret

MASK = "********"
# What is shorter stands everywhere by chance: masking it would leave no word readable, and tell where it stands.
SHORTEST = 4
# BuildKit takes no larger secret: MaxSecretSize in session/secrets of v0.26.3.
LARGEST_BYTES = 500 * 1024


class SecretMask:
    """Replaces values in texts.

    Args:
        values: what must not be seen. Of a value of several lines, each line must not be seen either.
    """

    def __init__(self, values: t.Iterable[str] = ()) -> None:
        found = {part.strip() for value in values for part in (value, *value.splitlines())}
        # The longest first: a line of a value may be a part of another.
        hidden = sorted((part for part in found if len(part) >= SHORTEST), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, hidden))) if hidden else None

    @classmethod
    def of(cls, secrets: t.Iterable[Secret]) -> SecretMask:
        """Return the mask for what the files of *secrets* hold now; a file that is gone has no value to hide."""
        return cls([value for secret in secrets if (value := _value(secret.path))])

    def __call__(self, text: str) -> str:
        """Return *text* without the values."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _value(path: str) -> str:
    try:
        with open(path, "rb") as stream:
            return stream.read(LARGEST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
