# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Domain errors: each says what failed, on what, what was expected and what to do."""

from __future__ import annotations

import re
import typing as t

TAIL_LINES = 20
_COLOUR = "\x1b\\[[0-9;]*m"


def last_lines(text: str, count: int = TAIL_LINES) -> str:
    """Return the last *count* lines of *text* that say something: no blank ones, and no warnings if there is more.

    They are without colours, and no terminal obeys them: a tool may repeat what an image's author wrote.
    """
    lines = [printable(re.sub(_COLOUR, "", line).expandtabs().rstrip()) for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if "level=warning" not in line]
    return "\n".join((telling or lines)[-count:])


def printable(text: str) -> str:
    """Return *text* with control characters and the like written as escapes, so that no terminal obeys them."""
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


class ContainerBuildError(Exception):
    """Something that a module reports to a person; caught once, in ``main()``.

    Args:
        message: what failed, one sentence without a final stop.
        subject: on what: a path, a reference, a socket.
        expected: what was expected instead.
        remedy: what to do about it.
        tail: the last lines of the tool that failed, if one did.
        details: what programs may want to know apart from the sentences; empty values are left out.
    """

    kind = "error"

    def __init__(
        self,
        message: str,
        *,
        subject: str | None = None,
        expected: str | None = None,
        remedy: str | None = None,
        tail: str | None = None,
        details: t.Mapping[str, t.Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = printable(message)
        self.subject = None if subject is None else printable(subject)
        self.expected = None if expected is None else printable(expected)
        self.remedy = remedy
        self.tail = last_lines(tail) if tail else ""
        self.details = dict(details or {})

    def __str__(self) -> str:
        sentence = self.message if self.subject is None else f"{self.message}: {self.subject}"
        parts = [sentence.rstrip(".") + "."]
        if self.expected:
            parts.append(f"Expected: {self.expected.rstrip('.')}.")
        if self.remedy:
            parts.append(f"To do: {self.remedy.rstrip('.')}.")
        text = " ".join(parts)
        if self.tail:
            text += "\nLast lines of the tool:\n" + self.tail
        return text

    def as_result(self) -> dict[str, t.Any]:
        """Return the keys that ``fail_json`` adds beside ``msg``."""
        error = {"kind": self.kind, "message": self.message}
        error.update((key, value) for key, value in self.details.items() if value)
        for key in ("subject", "expected", "remedy", "tail"):
            value = getattr(self, key)
            if value:
                error[key] = value
        return {"error": error}


class InvalidInput(ContainerBuildError):
    """A value that the user gave cannot be used."""

    kind = "invalid_input"


class NotFound(ContainerBuildError):
    """Something that was named does not exist."""

    kind = "not_found"


class Unavailable(ContainerBuildError):
    """A tool, socket or service that is needed cannot be reached."""

    kind = "unavailable"


class Refused(ContainerBuildError):
    """What was asked for would take something away that somebody counts on."""

    kind = "refused"


class ToolFailed(ContainerBuildError):
    """A tool ran and reported failure."""

    kind = "tool_failed"


class IntegrityError(ContainerBuildError):
    """Content is not what its digest, size or format promises."""

    kind = "integrity"
