# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TOML: what is written is read back the same by Python's own parser, and removing comments removes no meaning."""

from __future__ import annotations

import datetime as dt
import math
import random
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._toml import (
    INTEGER_MAX,
    INTEGER_MIN,
    dumps,
    without_comments,
)
from hypothesis import example, given, settings
from hypothesis import strategies as st

# The node's own Python may be older; there is nothing to compare with, then.
tomllib = pytest.importorskip("tomllib")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
keys = st.one_of(texts, st.sampled_from(["", "a", "a.b", "io.containerd.cri.v1.runtime", "#", '"', "'", "é", "01"]))
offsets = st.one_of(st.none(), st.integers(-1439, 1439).map(lambda m: dt.timezone(dt.timedelta(minutes=m))))
scalars = st.one_of(
    st.booleans(),
    st.integers(INTEGER_MIN, INTEGER_MAX),
    st.floats(allow_nan=False),
    texts,
    st.datetimes(timezones=offsets),
    st.dates(),
    st.times(),
)
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(keys, inner, max_size=4)),
    max_leaves=20,
)
documents = st.dictionaries(keys, values, max_size=5)


def shuffled(value: t.Any, source: random.Random) -> t.Any:
    """Return *value* with the keys of every mapping in another order."""
    if isinstance(value, dict):
        items = list(value.items())
        source.shuffle(items)
        return {key: shuffled(item, source) for key, item in items}
    if isinstance(value, list):
        return [shuffled(item, source) for item in value]
    return value


def typed(value: t.Any) -> t.Any:
    """Return *value* so that equality tells 1 from True and 1.0, and -0.0 from 0.0."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    if isinstance(value, (dt.datetime, dt.time)):
        # Which of two equal clock readings is meant when clocks are set back is nothing that TOML can say.
        value = value.replace(fold=0)
    return (type(value), repr(value))


@settings(max_examples=200)
@given(documents)
@example({"a": [{"b": [{"c": {}}, {}]}, {"b": []}], "d": [[{"e": {}}]], "f": {"g": {"h": {}}}})
@example({"": {"": ""}, "x": "\x00\x1f\x7f\u0085\u2028\U0001f600\ud7ff"})
def test_every_document_survives_a_round_trip(document: dict[str, t.Any]) -> None:
    assert typed(tomllib.loads(dumps(document))) == typed(document)


@given(documents, st.randoms(use_true_random=False))
def test_the_order_of_keys_never_shows(document: dict[str, t.Any], source: random.Random) -> None:
    assert dumps(shuffled(document, source)) == dumps(document)


@given(documents)
def test_without_sorting_the_meaning_is_the_same(document: dict[str, t.Any]) -> None:
    assert typed(tomllib.loads(dumps(document, sort_keys=False))) == typed(document)


def test_without_sorting_tables_stand_in_the_order_of_their_keys() -> None:
    text = dumps({"host": {"b": {"y": 1, "x": 2}, "a": {}}, "server": "s"}, sort_keys=False)
    assert text == 'server = "s"\n\n[host.b]\ny = 1\nx = 2\n\n[host.a]\n'


@given(documents)
def test_a_written_document_holds_no_comment(document: dict[str, t.Any]) -> None:
    text = dumps(document)
    stripped = without_comments(text)
    assert typed(tomllib.loads(stripped)) == typed(document)
    assert (
        stripped == "".join(f"{line}\n" for line in text.splitlines() if line) or "\x85" in text or not text.isascii()
    )


@given(documents, st.text("# x'\"[]={}\\\t", max_size=12))
def test_comments_between_and_after_lines_do_not_show(document: dict[str, t.Any], words: str) -> None:
    text = dumps(document)
    commented = "".join(f"# {words}\n\n  {line}\t# {words}\n" for line in text.split("\n") if line) + f"#{words}"
    assert typed(tomllib.loads(commented)) == typed(document)
    assert without_comments(commented) == without_comments(text)


@pytest.mark.parametrize(
    "text",
    [
        'a = "#" # b\n',
        "a = '#' # b\n",
        'a = "\\"#" # b\n',
        "a = '\\' # b\n",
        'a = """\n# kept\n\n  # kept too  \n""" # b\n',
        "a = '''\n# kept\n''' # b\n",
        'a = """x"""" # b\n',
        'a = """x""""" # b\n',
        'a = """\\"""#""" # b\n',
        'a = """""" # b\n',
        'a = ""# b\n',
        "a = [ # b\n  1, # c\n  2,\n]\n",
        '["a#b"] # c\n"#" = 1 # d\n',
        "a = 1 # b\r\nb = 2\r\n",
        "# only\n",
        "",
    ],
)
def test_without_comments_keeps_the_meaning(text: str) -> None:
    stripped = without_comments(text)
    assert tomllib.loads(stripped) == tomllib.loads(text)
    assert not [comment for comment in ("# b", "# c", "# d", "# only") if comment in stripped]


def test_other_values_do_not_look_the_same() -> None:
    assert without_comments('a = "x # 1"\n') != without_comments('a = "x # 2"\n')
    assert without_comments("a = '''\n# 1\n'''\n") != without_comments("a = '''\n# 2\n'''\n")


def test_tables_come_after_plain_values_and_bare_keys_stay_bare() -> None:
    document = {
        "version": 3,
        "plugins": {"io.containerd.cri.v1.images": {"registry": {"config_path": "/etc/containerd/certs.d"}}},
        "grpc": {"address": "/run/containerd/containerd.sock"},
        "proxies": [{"name": "a", "limits": {"n": 1}}, {"name": "b"}],
        "empty": {},
        "mixed": [{"k-1": 1}, 2],
    }
    assert dumps(document) == (
        "mixed = [{ k-1 = 1 }, 2]\n"
        "version = 3\n"
        "\n"
        "[empty]\n"
        "\n"
        "[grpc]\n"
        'address = "/run/containerd/containerd.sock"\n'
        "\n"
        '[plugins."io.containerd.cri.v1.images".registry]\n'
        'config_path = "/etc/containerd/certs.d"\n'
        "\n"
        "[[proxies]]\n"
        'name = "a"\n'
        "\n"
        "[proxies.limits]\n"
        "n = 1\n"
        "\n"
        "[[proxies]]\n"
        'name = "b"\n'
    )


def test_nothing_makes_an_empty_document() -> None:
    assert dumps({}) == ""


def test_a_value_that_is_not_a_number() -> None:
    assert math.isnan(tomllib.loads(dumps({"a": math.nan}))["a"])


def test_null_is_refused_by_its_place_or_left_out() -> None:
    document = {"plugins": {"a.b": {"x": None, "y": 1}}}
    with pytest.raises(InvalidInput, match=r"null: plugins\.'a\.b'\.x"):
        dumps(document)
    assert tomllib.loads(dumps(document, omit_null=True)) == {"plugins": {"a.b": {"y": 1}}}


def test_null_in_a_list_is_refused_always() -> None:
    with pytest.raises(InvalidInput, match=r"a\[1\]"):
        dumps({"a": [1, None]}, omit_null=True)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "Only a mapping"),
        ({1: 2}, r"must be a string: 1 in the document itself"),
        ({"a": {True: 2}}, r"must be a string: True in a\."),
        ({"a": [[{None: 2}]]}, r"must be a string: None in a\[0\]\[0\]"),
        ({"a": INTEGER_MAX + 1}, "64 bits: a = 9223372036854775808"),
        ({"a": [{"b": INTEGER_MIN - 1}]}, r"64 bits: a\[0\]\.b"),
        ({"a": "\ud800"}, "Unicode.*: a"),
        ({"\udfff": 1}, "Unicode"),
        ({"a": b"x"}, "type bytes: a"),
        ({"a": {1}}, "type set: a"),
        ({"a": object()}, "type object: a"),
        ({"a": dt.time(1, tzinfo=dt.timezone.utc)}, "offset: a"),
        (
            {"a": dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(seconds=1)))},
            "offset: a",
        ),
    ],
)
def test_what_toml_cannot_say_is_refused_by_its_place(document: t.Any, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        dumps(document)
