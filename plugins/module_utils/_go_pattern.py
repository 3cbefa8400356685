# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Go's standard library does with paths and patterns, for rules that are written in its terms.

Sources: ``path/filepath`` (``Clean``, ``Match``), ``strings`` (``TrimSpace``) and ``regexp/syntax`` of Go 1.25.
"""

from __future__ import annotations

import re
import typing as t

_SPACES = (
    "\t\n\v\f\r \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f"
)
_SPACES += "\u205f\u3000"
_REPETITION = re.compile(r"\{(?P<low>0|[1-9][0-9]*)(?:,(?P<high>0|[1-9][0-9]*)?)?\}", re.ASCII)
_UNDECODABLE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"

Ranges = tuple[str, ...]
"""The members of a character class: each the first and the last letter of a range, in ascending order."""

_PERL_CLASSES: t.Mapping[str, Ranges] = {
    "d": ("09",),
    "w": ("09", "AZ", "__", "az"),
    "s": ("\t\n", "\f\r", "  "),
}
_POSIX_CLASSES: t.Mapping[str, Ranges] = {
    "alnum": ("09", "AZ", "az"),
    "alpha": ("AZ", "az"),
    "ascii": ("\0\x7f",),
    "blank": ("\t\t", "  "),
    "cntrl": ("\0\x1f", "\x7f\x7f"),
    "digit": ("09",),
    "graph": ("!~",),
    "lower": ("az",),
    "print": (" ~",),
    "punct": ("!/", ":@", "[`", "{~"),
    "space": ("\t\r", "  "),
    "upper": ("AZ",),
    "word": ("09", "AZ", "__", "az"),
    "xdigit": ("09", "AF", "af"),
}
_ASSERTIONS: t.Mapping[str, str] = {"A": r"\A", "z": r"\Z", "b": r"(?a:\b)", "B": r"(?a:\B)"}
_CONTROLS: t.Mapping[str, str] = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}


class BadPattern(ValueError):
    """A pattern that Go refuses too."""


def trim_space(text: str) -> str:
    """Return *text* without white space at its ends."""
    return text.strip(_SPACES)


def clean(path: str) -> str:
    """Return the shortest path that names the same file, by its letters alone."""
    rooted = path.startswith("/")
    parts: list[str] = []
    for part in path.split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", ".") and not (part == ".." and rooted):
            parts.append(part)
    return ("/" if rooted else "") + "/".join(parts) or "."


def check_glob(pattern: str) -> None:
    """Refuse what ``filepath.Match(pattern, ".")`` refuses.

    That call stops at the first part of the pattern that ``.`` does not match, so an error behind it goes unnoticed.

    Raises:
        BadPattern: a ``[`` is not closed or holds nothing, or a backslash has nothing to escape.
    """
    name = "."
    chunks = _chunks(pattern)
    for number, (star, chunk) in enumerate(chunks):
        last = number == len(chunks) - 1
        if star and not chunk:
            return
        tails = [name, name[1:]] if star and name else [name]
        rests = (_match_chunk(chunk, tail) for tail in tails)
        found = next((rest for rest in rests if rest is not None and not (last and rest)), None)
        if found is None:
            return
        name = found


def go_text(text: str) -> str:
    """Return *text* as Go's regular expressions see it: each byte that is not UTF-8 is a replacement character."""
    return _UNDECODABLE.sub(_REPLACEMENT, text)


def compile_regexp(expression: str) -> re.Pattern[str]:
    """Compile a regular expression in Go's syntax, of what patterns are translated to: letters, escapes, classes,
    ``[^/]*``, ``(.*/)?``, ``.*``, ``|`` and ``{n,m}``. It is matched against :func:`go_text` with ``search``.

    Raises:
        BadPattern: Go cannot compile it, or it holds an escape of a letter or a digit that has no counterpart here.
    """
    translated: list[str] = []
    rest = go_text(expression)
    while rest:
        repetition = _REPETITION.match(rest)
        if repetition is not None:
            _check_repetition(repetition, translated[-1] if translated else "|")
            translated.append(repetition[0])
            rest = rest[repetition.end() :]
            continue
        if rest[0] == "[":
            piece, rest = _class(rest)
        elif rest[0] == "\\":
            piece, rest = _escape_outside_a_class(rest)
        elif rest[0] == "$":
            piece, rest = r"\Z", rest[1:]
        elif rest[0] == "^":
            # Python refuses to repeat a bare assertion.
            piece, rest = "(?:^)", rest[1:]
        elif rest[0] in ".*?()|":
            piece, rest = rest[0], rest[1:]
        else:
            piece, rest = re.escape(rest[0]), rest[1:]
        translated.append(piece)
    return re.compile("".join(translated))


def _chunks(pattern: str) -> list[tuple[bool, str]]:
    """Split *pattern* at the stars outside brackets; tell of each chunk whether a star stands before it."""
    chunks: list[tuple[bool, str]] = []
    while pattern:
        unstarred = pattern.lstrip("*")
        end = _end_of_chunk(unstarred)
        chunks.append((unstarred != pattern, unstarred[:end]))
        pattern = unstarred[end:]
    return chunks


def _end_of_chunk(pattern: str) -> int:
    in_brackets = False
    position = 0
    while position < len(pattern):
        letter = pattern[position]
        if letter == "*" and not in_brackets:
            return position
        if letter in "[]":
            in_brackets = letter == "["
        position += 2 if letter == "\\" else 1
    return len(pattern)


def _match_chunk(chunk: str, name: str) -> str | None:
    """Match the beginning of *name*; return what follows in it, or ``None``. The whole chunk is checked."""
    matched = True
    while chunk:
        letter = name[:1]
        if chunk[0] == "[":
            found, chunk = _match_brackets(chunk[1:], letter)
        elif chunk[0] == "?":
            found, chunk = letter != "/", chunk[1:]
        else:
            if chunk[0] == "\\":
                chunk = chunk[1:]
                if not chunk:
                    raise BadPattern("a backslash has nothing to escape")
            found, chunk = letter == chunk[0], chunk[1:]
        matched = matched and found and letter != ""
        name = name[1:]
    return name if matched else None


def _match_brackets(chunk: str, letter: str) -> tuple[bool, str]:
    negated = chunk.startswith("^")
    if negated:
        chunk = chunk[1:]
    matched, first = False, True
    while first or not chunk.startswith("]"):
        first = False
        low, chunk = _bound(chunk)
        high = low
        if chunk.startswith("-"):
            high, chunk = _bound(chunk[1:])
        matched = matched or low <= letter <= high
    return matched != negated, chunk[1:]


def _bound(chunk: str) -> tuple[str, str]:
    if chunk[:1] in ("", "-", "]"):
        raise BadPattern("a '[' holds nothing or is not closed")
    if chunk[0] == "\\":
        chunk = chunk[1:]
    if len(chunk) < 2:
        raise BadPattern("a '[' is not closed")
    if _UNDECODABLE.match(chunk):
        raise BadPattern("a '[' holds bytes that are not UTF-8")
    return chunk[0], chunk[1:]


def _check_repetition(repetition: re.Match[str], repeated: str) -> None:
    low, high = int(repetition["low"]), int(repetition["high"] or repetition["low"])
    if not low <= high <= 1000:
        raise BadPattern(f"{repetition[0]} repeats too often or never")
    if repeated in ("|", "*", "?") or _REPETITION.fullmatch(repeated):
        raise BadPattern(f"there is nothing that {repetition[0]} could repeat")


def _class(text: str) -> tuple[str, str]:
    """Translate the class at the beginning of *text*; return it and what follows."""
    rest = text[1:]
    negation = "^" if rest.startswith("^") else ""
    rest = rest[len(negation) :]
    members: list[str] = []
    while not members or not rest.startswith("]"):
        found, rest = _member(rest)
        members += found
    return _bracketed(members, negation), rest[1:]


def _member(rest: str) -> tuple[Ranges, str]:
    if rest.startswith("[:") and ":]" in rest[2:]:
        name, _end, after = rest[2:].partition(":]")
        members = _POSIX_CLASSES.get(name.removeprefix("^"))
        if members is None:
            raise BadPattern(f"there is no character class [:{name}:]")
        return (_all_but(members) if name.startswith("^") else members), after
    perl = _perl_class(rest)
    if perl is not None:
        return (_all_but(perl) if rest[1].isupper() else perl), rest[2:]
    low, rest = _letter(rest)
    high = low
    if rest.startswith("-") and rest[1:2] not in ("", "]"):
        high, rest = _letter(rest[1:])
    if high < low:
        raise BadPattern(f"the range {low}-{high} is empty")
    return (low + high,), rest


def _letter(rest: str) -> tuple[str, str]:
    if not rest:
        raise BadPattern("a '[' is not closed")
    if rest[0] != "\\":
        return rest[0], rest[1:]
    return _escaped(rest), rest[2:]


def _perl_class(rest: str) -> Ranges | None:
    return _PERL_CLASSES.get(rest[1:2].lower()) if rest.startswith("\\") else None


def _all_but(members: Ranges) -> Ranges:
    firsts = [0, *(ord(each[1]) + 1 for each in members)]
    lasts = [*(ord(each[0]) - 1 for each in members), 0x10FFFF]
    return tuple(chr(first) + chr(last) for first, last in zip(firsts, lasts) if first <= last)


def _bracketed(members: t.Iterable[str], negation: str = "") -> str:
    ranges = "".join(rf"\U{ord(each[0]):08x}-\U{ord(each[1]):08x}" for each in members)
    return f"[{negation}{ranges}]"


def _escape_outside_a_class(rest: str) -> tuple[str, str]:
    letter, perl = rest[1:2], _perl_class(rest)
    if perl is not None:
        return _bracketed(perl, "^" if letter.isupper() else ""), rest[2:]
    if letter in _ASSERTIONS:
        return _ASSERTIONS[letter], rest[2:]
    return re.escape(_escaped(rest)), rest[2:]


def _escaped(rest: str) -> str:
    """Return the letter that the escape at the beginning of *rest* stands for."""
    letter = rest[1:2]
    if letter in _CONTROLS:
        return _CONTROLS[letter]
    if not letter or letter > "\x7f" or letter.isalnum():
        raise BadPattern(f"a backslash before {letter!r} does not make it literal")
    return letter
