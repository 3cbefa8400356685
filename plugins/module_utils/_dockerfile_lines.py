# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of a Dockerfile: where an instruction stands, for a builder that says what failed but not where, and which are
too long to be read.

Source: "Format" in the Dockerfile reference: comments, continuation lines and the parser directive ``escape``.
"""

from __future__ import annotations

import re
import typing as t

_ESCAPE = re.compile(r"^#\s*escape\s*=\s*(?P<escape>[\\`])\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^#\s*[A-Za-z]+\s*=")


def instruction_line(dockerfile: str, instruction: str) -> int:
    """Return the first line of *instruction* in the text *dockerfile*; 0 if it is not there, or more than once.

    White space does not count: builders print an instruction of several lines as one.
    """
    wanted = instruction.split()
    found = [line for line, text in _instructions(dockerfile) if text.split() == wanted]
    return found[0] if len(found) == 1 else 0


def line_longer_than(dockerfile: t.Iterable[bytes], limit: int) -> int:
    """Return the number of the first of the lines *dockerfile* of more than *limit* bytes without the newline; or 0."""
    for number, line in enumerate(dockerfile, 1):
        if len(line.rstrip(b"\n")) > limit:
            return number
    return 0


def _instructions(dockerfile: str) -> t.Iterator[tuple[int, str]]:
    """Give each instruction, its lines joined, with the number of its first line."""
    escape = _escape(dockerfile)
    first, parts = 0, list[str]()
    for number, line in enumerate(dockerfile.splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            # Blank lines and comments may stand among the lines of an instruction.
            continue
        first = first or number
        if text.endswith(escape):
            parts.append(text[:-1])
            continue
        yield first, " ".join([*parts, text])
        first, parts = 0, []
    if parts:
        yield first, " ".join(parts)


def _escape(dockerfile: str) -> str:
    for line in dockerfile.splitlines():
        found = _ESCAPE.match(line.strip())
        if found:
            return found["escape"]
        if not _DIRECTIVE.match(line.strip()):
            break
    return "\\"
