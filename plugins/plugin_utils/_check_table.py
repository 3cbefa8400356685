# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks and how a person reads them: a line for each, then cause and remedy of what failed. No Ansible, no I/O."""

from __future__ import annotations

import dataclasses
import re
import textwrap
import typing as t

Paint = t.Callable[[str, str], str]

# Names of roles that the caller turns into colours.
PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"
FAINT = "faint"

OUTPUT_LINES = 8
NARROWEST = 20
_MARGIN = "  "


@dataclasses.dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what was looked at, a few words.
        ok: whether it is as it should be; ``None`` if it does not apply or could not be looked at.
        detail: what was found, or why it was not looked at.
        section: the heading under which it stands; empty for none.
        cause: why it failed, or would fail, as far as is known beforehand.
        remedy: what to do about that.
        output: what the tool said.
    """

    name: str
    ok: bool | None
    detail: str = ""
    section: str = ""
    cause: str = ""
    remedy: str = ""
    output: str = ""

    @property
    def state(self) -> str:
        """One of ``passed``, ``failed`` and ``skipped``."""
        if self.ok is None:
            return SKIPPED
        return PASSED if self.ok else FAILED


@dataclasses.dataclass(frozen=True)
class Trouble:
    """A trouble that is known by what tools say when they meet it.

    Attributes:
        patterns: regular expressions, searched without regard to case.
        cause: what is wrong when one of them matches.
        remedy: what to do about it.
    """

    patterns: tuple[str, ...]
    cause: str
    remedy: str

    def explains(self, words: str) -> bool:
        """Whether one of the patterns is found in *words*."""
        return any(re.search(pattern, words, re.IGNORECASE) for pattern in self.patterns)


@dataclasses.dataclass(frozen=True)
class Glyphs:
    """The characters that a table is drawn with."""

    passed: str
    failed: str
    skipped: str
    rule: str
    separator: str


UNICODE_GLYPHS = Glyphs(passed="✔", failed="✘", skipped="–", rule="─", separator="·")  # noqa: RUF001
ASCII_GLYPHS = Glyphs(passed="+", failed="x", skipped="-", rule="-", separator="-")


def plain(text: str, _role: str) -> str:
    """Return *text* as it is: the paint of a terminal without colours."""
    return text


def diagnose(check: Check, troubles: t.Sequence[Trouble]) -> Check:
    """Return *check* with cause and remedy of the first of *troubles* that its words name; without, if it passed.

    What the tool said knows more of this failure than whoever wrote the check, so it wins over what the check brings.
    """
    if check.state != FAILED:
        return dataclasses.replace(check, cause="", remedy="")
    words = f"{check.detail}\n{check.output}"
    for trouble in troubles:
        if trouble.explains(words):
            return dataclasses.replace(check, cause=trouble.cause, remedy=trouble.remedy)
    return check


def failure_message(checks: t.Sequence[Check], title: str, host: str) -> str:
    """Return one sentence for each cause of failed checks, with its remedy, under a sentence that counts the checks."""
    failed = [check for check in checks if check.state == FAILED]
    lines = [f"{title}: {len(failed)} of {_checks(len(checks))} failed on {host}."]
    for group in _by_explanation(failed):
        why = _one_line(group[0].cause or group[0].detail) or "failed"
        sentence = f"{_names(group)}: {why}".rstrip(".") + "."
        if group[0].remedy:
            sentence += f" To do: {_one_line(group[0].remedy).rstrip('.')}."
        lines.append(sentence)
    return "\n".join(lines)


def render(
    checks: t.Sequence[Check],
    title: str,
    host: str,
    *,
    width: int = 100,
    glyphs: Glyphs = UNICODE_GLYPHS,
    paint: Paint = plain,
) -> str:
    """Return the table of *checks* as text.

    Args:
        checks: in the order in which they are to be read.
        title: what was looked at as a whole.
        host: the node's name.
        width: columns of the terminal; a long detail goes on in its own column.
        glyphs: the characters to draw with.
        paint: gives a text the colour of a role (``passed``, ``failed``, ``skipped``, ``faint``).
    """
    rule = paint(glyphs.rule * width, FAINT)
    lines = [f"{_MARGIN}{_one_line(title)} {glyphs.separator} {_one_line(host)}", rule]
    name_width = max((len(_one_line(check.name)) for check in checks), default=0)
    section = ""
    for check in checks:
        if check.section and check.section != section:
            section = check.section
            lines.append(paint(f"{_MARGIN}{_one_line(section)}", FAINT))
        lines.extend(_check_lines(check, name_width, width, glyphs, paint))
    lines += [rule, f"{_MARGIN}{_summary(checks, glyphs, paint)}"]
    for group in _by_explanation([check for check in checks if check.state == FAILED]):
        lines += ["", *_failure_lines(group, width, glyphs, paint)]
    return "\n".join(line.rstrip() for line in lines)


def _check_lines(check: Check, name_width: int, width: int, glyphs: Glyphs, paint: Paint) -> list[str]:
    glyph = getattr(glyphs, check.state)
    head = f"{_MARGIN}{glyph}  {_one_line(check.name):<{name_width}}  "
    detail = _wrapped(check.detail, width - len(head)) or [""]
    start = len(_MARGIN) + len(glyph)
    first = f"{_MARGIN}{paint(glyph, check.state)}{head[start:]}{detail[0]}"
    return [first, *(" " * len(head) + line for line in detail[1:])]


def _failure_lines(group: t.Sequence[Check], width: int, glyphs: Glyphs, paint: Paint) -> list[str]:
    """Return what is known of failed checks that have one cause and one remedy."""
    indent = f"{_MARGIN}   "
    names = _wrapped(_names(group), width - len(indent))
    lines = [f"{_MARGIN}{paint(glyphs.failed, FAILED)}  {names[0]}", *(indent + line for line in names[1:])]
    for label, text in (("cause", group[0].cause), ("to do", group[0].remedy)):
        head = f"{indent}{label}  "
        wrapped = _wrapped(text, width - len(head))
        lines.extend((head if not index else " " * len(head)) + line for index, line in enumerate(wrapped))
    said = dict.fromkeys(_printable(line).rstrip() for check in group for line in check.output.splitlines())
    lines.extend(paint(f"{indent}| {line}", FAINT) for line in [line for line in said if line][-OUTPUT_LINES:])
    return lines


def _by_explanation(failed: t.Sequence[Check]) -> list[list[Check]]:
    """Put failed checks that one cause explains together, in the order in which the causes come up."""
    groups: dict[tuple[str, ...], list[Check]] = {}
    for check in failed:
        key = (check.cause, check.remedy) if check.cause or check.remedy else (check.section, check.name)
        groups.setdefault(key, []).append(check)
    return list(groups.values())


def _names(group: t.Sequence[Check]) -> str:
    return ", ".join(_one_line(check.name) for check in group)


def _summary(checks: t.Sequence[Check], glyphs: Glyphs, paint: Paint) -> str:
    counts = {state: sum(check.state == state for check in checks) for state in (PASSED, FAILED, SKIPPED)}
    words = {PASSED: "passed", FAILED: "failed", SKIPPED: "not checked"}
    parts = [
        paint(f"{counts[state]} {words[state]}", state)
        for state in (PASSED, FAILED, SKIPPED)
        if counts[state] or state == PASSED
    ]
    return f"{_checks(len(checks))}: " + f" {glyphs.separator} ".join(parts)


def _checks(count: int) -> str:
    return f"{count} check" if count == 1 else f"{count} checks"


def _wrapped(text: str, width: int) -> list[str]:
    # Paths and references are longer than some terminals are wide, and are to be copied in one piece.
    return textwrap.wrap(_one_line(text), max(width, NARROWEST), break_long_words=False, break_on_hyphens=False)


def _one_line(text: str) -> str:
    return _printable(" ".join(text.split()))


def _printable(text: str) -> str:
    """Return *text* without control characters, so that no tool's output can draw on the terminal."""
    return "".join(char for char in text.expandtabs() if char.isprintable())
