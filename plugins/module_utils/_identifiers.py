# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names that containerd gives to its own objects.

Source: ``pkg/identifiers/validate.go`` of containerd v2.2.1.
"""

from __future__ import annotations

import re

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

IDENTIFIER_LENGTH_MAX = 76

_IDENTIFIER = re.compile(r"[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*")


def is_identifier(name: str) -> bool:
    """Tell whether containerd accepts *name* for one of its objects."""
    return len(name) <= IDENTIFIER_LENGTH_MAX and _IDENTIFIER.fullmatch(name) is not None


def validate_namespace(name: str) -> str:
    """Return *name* if containerd accepts it as a namespace.

    Raises:
        InvalidInput: *name* is empty, longer than 76 characters, or not made of groups of letters and digits joined by
            single dots, underscores or hyphens.
    """
    if is_identifier(name):
        return name
    raise InvalidInput(
        "Not a valid containerd namespace",
        subject=repr(name[: IDENTIFIER_LENGTH_MAX + 1]),
        expected=(
            f"1 to {IDENTIFIER_LENGTH_MAX} characters: letters and digits, "
            "with single '.', '_' or '-' between them, such as default or k8s.io"
        ),
    )
