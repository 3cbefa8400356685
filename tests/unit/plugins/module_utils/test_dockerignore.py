# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of .dockerignore: the same answers as the libraries that BuildKit uses."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._dockerignore import (
    LINE_LENGTH_MAX,
    IgnorePatterns,
    read_patterns,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._go_pattern import clean
from hypothesis import example, given, settings
from hypothesis import strategies as st

UPSTREAM = json.loads((pathlib.Path(__file__).parent / "data" / "dockerignore.json").read_text(encoding="utf-8"))

pattern_texts = st.lists(
    st.sampled_from(list("ab./*?[]^-!\\{}|()$+#: d")) | st.sampled_from(["**", "/**/", "[a-z]", "[[:alpha:]]", "{2}"]),
    max_size=9,
).map("".join)
path_texts = st.lists(st.text("ab.[]{}|-d é", min_size=1, max_size=4), min_size=1, max_size=4).map("/".join)


@pytest.mark.parametrize("case", UPSTREAM["cases"], ids=lambda case: ascii(case["ignore"]))
def test_judges_as_upstream(case: dict[str, t.Any]) -> None:
    content = case["ignore"].encode("utf-8", "surrogateescape")
    if case.get("refused"):
        with pytest.raises(InvalidInput):
            judged(content)
        return
    assert read_patterns(content) == case["patterns"]
    assert judged(content) == case["left_out"]


def judged(content: bytes) -> list[str]:
    patterns = IgnorePatterns.parse(content)
    return [path for path in UPSTREAM["paths"] if patterns.matches_or_parent_matches(path)]


def test_an_exception_before_the_pattern_is_forgotten_below_when_walking() -> None:
    """The two ways of asking differ upstream too; what a builder sees is what a walk finds."""
    patterns = IgnorePatterns(["docs/api", "!docs"])
    assert not patterns.matches_or_parent_matches("docs/api/b.md")
    left_out, docs = patterns.matches_using_parent_results("docs", ())
    assert not left_out
    left_out, api = patterns.matches_using_parent_results("docs/api", docs)
    assert left_out
    assert patterns.matches_using_parent_results("docs/api/b.md", api)[0]


@pytest.mark.parametrize(
    ("patterns", "folder", "expected"),
    [
        (["docs"], "docs", False),
        (["docs", "!docs/api"], "docs", True),
        (["docs", "!docs/api/**"], "docs/api", True),
        (["docs", "!docs/api/*"], "docs/api", True),
        (["docs", "!docs/api"], "docs/other", False),
        (["docs", "!docs/api"], "doc", False),
        (["docs", "!**/x"], "docs/other", True),
        (["docs", "!d?cs/x"], "other", True),
    ],
)
def test_a_folder_is_walked_only_if_an_exception_may_lie_below(
    patterns: list[str], folder: str, expected: bool
) -> None:
    assert IgnorePatterns(patterns).may_take_back_below(folder) is expected


def test_names_that_are_not_utf8_are_matched_byte_by_byte() -> None:
    name = b"a\xff\xfeb".decode("utf-8", "surrogateescape")
    assert IgnorePatterns.parse(b"a\xff\xfeb").matches_or_parent_matches(name)
    assert IgnorePatterns.parse(b"a??b").matches_or_parent_matches(name)
    assert not IgnorePatterns.parse(b"a?b").matches_or_parent_matches(name)
    assert not IgnorePatterns.parse(b"a\xff\xfdb").matches_or_parent_matches(name)


def test_a_line_may_be_as_long_as_go_reads_it() -> None:
    assert read_patterns(b"a" * (LINE_LENGTH_MAX - 1)) == ["a" * (LINE_LENGTH_MAX - 1)]
    with pytest.raises(InvalidInput, match="line 2"):
        read_patterns(b"x\n" + b"a" * LINE_LENGTH_MAX)


def test_no_patterns_leave_nothing_out() -> None:
    assert not IgnorePatterns()
    assert not IgnorePatterns.parse(b"# nothing\n")
    assert not IgnorePatterns().matches_or_parent_matches("a/b")


@pytest.mark.parametrize("pattern", [r"\y*", r"\x41*", r"\pL*", r"\1*", "\\é*"])
def test_an_escape_of_a_letter_is_refused_when_it_is_first_used(pattern: str) -> None:
    patterns = IgnorePatterns([pattern])
    with pytest.raises(InvalidInput, match="does not make it literal") as caught:
        patterns.matches_or_parent_matches("a")
    assert caught.value.subject == repr(pattern)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", "."),
        (".", "."),
        ("/", "/"),
        ("//", "/"),
        ("a/", "a"),
        ("a//b", "a/b"),
        ("./a", "a"),
        ("a/./b", "a/b"),
        ("a/..", "."),
        ("a/../..", ".."),
        ("../../a", "../../a"),
        ("/..", "/"),
        ("/../a", "/a"),
        ("a/../../b", "../b"),
    ],
)
def test_clean(path: str, expected: str) -> None:
    assert clean(path) == expected


def test_many_stars_do_not_explode() -> None:
    patterns = IgnorePatterns(["**/" * 40 + "*x*" * 6 + "/y"])
    assert not patterns.matches_or_parent_matches("/".join(["a" * 20] * 40))


@settings(max_examples=300)
@given(st.lists(pattern_texts, max_size=4), path_texts)
@example(["[[:^alpha:]-z]*"], "é")
@example(["a**{2}"], "a")
def test_any_pattern_gives_an_answer_or_invalid_input(patterns: list[str], path: str) -> None:
    content = "\n".join(patterns).encode()
    try:
        IgnorePatterns.parse(content).matches_or_parent_matches(path)
    except InvalidInput:
        return
    assert IgnorePatterns.parse(content + b"\n**").matches_or_parent_matches(path)
    assert not IgnorePatterns.parse(content + b"\n**\n!**").matches_or_parent_matches(path)
