# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The patterns of a ``.dockerignore`` file, matched as builders match them.

Sources: github.com/moby/patternmatcher v0.6.0 (``ignorefile/ignorefile.go``, ``patternmatcher.go``), and for what is
walked at all ``filter.go`` of github.com/tonistiigi/fsutil at 586307ad452f; both are what BuildKit 0.26.3 uses.

Paths are relative to the context, with ``/`` between their parts. Bytes that are not UTF-8 stand in them as Python's
``surrogateescape`` puts them.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._go_pattern import (
    BadPattern,
    check_glob,
    clean,
    compile_regexp,
    go_text,
    trim_space,
)

LINE_LENGTH_MAX = 64 * 1024
"""Bytes of a line; Go's ``bufio.Scanner`` takes no longer one."""

_BOM = b"\xef\xbb\xbf"
_WILDCARDS = frozenset("*[]?^\\")
_ESCAPED_BY_UPSTREAM = frozenset(".+()$")
"""Upstream means to escape ``{``, ``|`` and ``}`` too, but its table has no room for their codes: beside a wildcard
they act as in regular expressions."""


ParentMatches = t.Sequence[bool]
"""Which patterns matched a folder; empty for the context's root."""


class _Pattern:
    """One pattern; what it cannot be compiled to is said when it is first used, as upstream does."""

    match: t.Callable[[str], bool]
    """Tells whether a path matches; raises InvalidInput if the pattern is malformed."""

    def __init__(self, written: str) -> None:
        self.written = written
        self.exclusion = written.startswith("!")
        self.cleaned = written[1:] if self.exclusion else written
        self.match = self._compile_and_match
        try:
            check_glob(self.cleaned)
        except BadPattern as error:
            raise self.bad(str(error)) from error

    def _compile_and_match(self, path: str) -> bool:
        try:
            self.match = _compile(self.cleaned)
        except BadPattern as error:
            raise self.bad(str(error)) from error
        return self.match(path)

    def bad(self, reason: str) -> InvalidInput:
        return InvalidInput(
            f"A pattern of the ignore file is malformed ({reason})",
            subject=repr(self.written),
            expected="names with *, ?, [...] and **, and a backslash before a special sign that is meant as it is",
            remedy="correct the pattern",
        )

    @property
    def without_trailing_glob(self) -> str:
        return self.cleaned.removesuffix("/**").removesuffix("/*")


class IgnorePatterns:
    """An ordered list of patterns, of which the last that matches decides.

    Raises:
        InvalidInput: a pattern is malformed.
    """

    def __init__(self, patterns: t.Iterable[str] = ()) -> None:
        self._patterns: list[_Pattern] = []
        for pattern in patterns:
            trimmed = trim_space(pattern)
            if not trimmed:
                continue
            cleaned = clean(trimmed)
            if cleaned == "!":
                raise InvalidInput(
                    "A pattern of the ignore file excludes nothing",
                    subject=repr(pattern),
                    expected="a pattern after '!'",
                )
            self._patterns.append(_Pattern(cleaned))
        self._no_matches = [False] * len(self._patterns)
        exceptions = [each.without_trailing_glob for each in self._patterns if each.exclusion]
        self._exceptions_are_prefixes = not any(_WILDCARDS & set(each) for each in exceptions)
        self._exceptions = [each + "/" for each in exceptions]

    @classmethod
    def parse(cls, content: bytes) -> IgnorePatterns:
        """Read the content of an ignore file.

        Raises:
            InvalidInput: a pattern is malformed, or a line is too long.
        """
        return cls(read_patterns(content))

    def __bool__(self) -> bool:
        return bool(self._patterns)

    def matches_or_parent_matches(self, path: str) -> bool:
        """Tell whether *path* is left out, judged by its own name and its parents' (``MatchesOrParentMatches``)."""
        parts = path.split("/")
        parents = ["/".join(parts[:count]) for count in range(1, len(parts))]
        matched = False
        for pattern in self._patterns:
            if pattern.exclusion == matched and (pattern.match(path) or any(map(pattern.match, parents))):
                matched = not pattern.exclusion
        return matched

    def matches_using_parent_results(self, path: str, parent: ParentMatches) -> tuple[bool, ParentMatches]:
        """Tell whether *path* is left out, and which patterns matched it (``MatchesUsingParentResults``).

        This is how a walk decides. It differs from :meth:`matches_or_parent_matches` where an exception matches a
        folder that nothing had left out yet: the exception is not remembered for what lies below.

        Args:
            path: a path whose parent was judged before.
            parent: what this method returned for the parent; empty for entries of the context's root.
        """
        matched = False
        results = []
        for pattern, by_parent in zip(self._patterns, parent or self._no_matches):
            match = by_parent or (pattern.exclusion == matched and pattern.match(path))
            results.append(match)
            if match:
                matched = not pattern.exclusion
        return matched, results

    def may_take_back_below(self, folder: str) -> bool:
        """Tell whether an exception (``!``) may bring back something below *folder*, which is itself left out."""
        if not self._exceptions_are_prefixes:
            return True
        return any(each.startswith(folder + "/") for each in self._exceptions)


def read_patterns(content: bytes) -> list[str]:
    """Return the patterns of an ignore file in their order.

    Comments, empty lines and a byte order mark are left out; leading slashes are removed: all patterns are relative
    to the context.

    Raises:
        InvalidInput: a line is too long.
    """
    patterns = []
    for number, raw in enumerate(content.removeprefix(_BOM).split(b"\n"), start=1):
        if len(raw) >= LINE_LENGTH_MAX:
            raise InvalidInput(
                "A line of the ignore file is too long",
                subject=f"line {number}",
                expected=f"less than {LINE_LENGTH_MAX} bytes",
            )
        if raw.startswith(b"#"):
            continue
        pattern = trim_space(raw.decode("utf-8", "surrogateescape"))
        exception = "!" if pattern.startswith("!") else ""
        pattern = trim_space(pattern[len(exception) :])
        if pattern:
            pattern = clean(pattern)
            if len(pattern) > 1:
                pattern = pattern.removeprefix("/")
        if exception or pattern:
            patterns.append(exception + pattern)
    return patterns


def _compile(pattern: str) -> t.Callable[[str], bool]:
    expression, kind = _translate(pattern)
    if kind == "regexp":
        compiled = compile_regexp(f"^{expression}$")
        search = compiled.search
        return lambda path: search(path if path.isascii() else go_text(path)) is not None
    if kind == "prefix":
        prefix = pattern[:-2]
        return lambda path: path.startswith(prefix)
    if kind == "suffix":
        suffix = pattern[2:]
        whole = suffix[1:] if suffix.startswith("/") else None
        return lambda path: path.endswith(suffix) or path == whole
    return lambda path: path == pattern


def _translate(pattern: str) -> tuple[str, str]:
    """Return *pattern* as a regular expression in Go's syntax, and how it is matched at all."""
    expression, kind = "", "exact"
    parts = re.findall(r"\*\*/?|\\.|.", pattern, re.DOTALL)
    for number, part in enumerate(parts):
        if part.startswith("**"):
            last = number == len(parts) - 1
            if last and kind == "exact":
                kind = "prefix"
            else:
                # Twice the same leaves the same choice, and a backtracking engine would try it in all ways.
                piece = ".*" if last else "(.*/)?"
                expression += "" if expression.endswith(piece) else piece
                kind = "regexp"
            if number == 0:
                kind = "suffix"
        elif part == "*":
            expression += "" if expression.endswith("[^/]*") else "[^/]*"
            kind = "regexp"
        elif part == "?":
            expression += "[^/]"
            kind = "regexp"
        elif part in _ESCAPED_BY_UPSTREAM:
            expression += "\\" + part
        else:
            expression += part
            kind = "regexp" if part[0] in "[]\\" else kind
    return expression, kind
