# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""References: the same answers as the upstream library, and nothing that a command line could misread."""

from __future__ import annotations

import json
import pathlib
import string

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from hypothesis import example, given, settings
from hypothesis import strategies as st

UPSTREAM = json.loads((pathlib.Path(__file__).parent / "data" / "references.json").read_text(encoding="utf-8"))
DIGEST = "sha256:" + "0123456789abcdef" * 4

alnum = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=6)
components = st.lists(alnum, min_size=1, max_size=3).flatmap(
    lambda parts: st.sampled_from([".", "_", "__", "-", "---"]).map(lambda separator: separator.join(parts))
)
paths = st.lists(components, min_size=1, max_size=4).map("/".join)
domains = st.sampled_from(["docker.io", "localhost", "localhost:5000", "r.example.org", "10.1.2.3:80", "[::1]:5000"])
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
digests = st.sampled_from([DIGEST, "sha512:" + "ab" * 64])
valid = st.builds(
    lambda domain, path, tag, digest: (
        f"{domain}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    ),
    domains,
    paths,
    st.none() | tags,
    st.none() | digests,
)
near_misses = st.text(string.ascii_letters + string.digits + "./:@-_[] \n\t%{}$;'\"\\é\x00", max_size=80)


@pytest.mark.parametrize("case", UPSTREAM["cases"], ids=lambda case: ascii(case["input"])[:60])
def test_same_answer_as_upstream(case: dict[str, str]) -> None:
    if "canonical" not in case:
        with pytest.raises(InvalidInput):
            Reference.parse(case["input"])
        return
    reference = Reference.parse(case["input"])
    assert str(reference) == case["canonical"]
    assert reference.familiar() == case["familiar"]
    assert (reference.domain, reference.path) == (case["domain"], case["path"])
    assert reference.containerd_name == case["containerd"]


def test_parts_of_a_full_reference() -> None:
    reference = Reference.parse(f"registry.example.org:5000/team/app:1.0@{DIGEST}")
    assert reference == Reference("registry.example.org:5000", "team/app", "1.0", Digest.parse(DIGEST))
    assert reference.name == "registry.example.org:5000/team/app"
    assert reference.containerd_name == f"registry.example.org:5000/team/app@{DIGEST}"


def test_a_digest_alone_gets_no_tag() -> None:
    assert Reference.parse(f"alpine@{DIGEST}").tag is None


@pytest.mark.parametrize("text", ["docker.io/a.b/c:latest", "docker.io/localhost/c:latest"])
def test_a_short_form_that_would_mean_another_image_is_not_given(text: str) -> None:
    assert Reference.parse(text).familiar() == text


def test_with_tag_and_with_digest_replace_one_part() -> None:
    reference = Reference.parse("alpine:3.22")
    assert str(reference.with_tag("edge")) == "docker.io/library/alpine:edge"
    assert str(reference.with_digest(DIGEST)) == f"docker.io/library/alpine:3.22@{DIGEST}"
    assert reference.with_digest(Digest.parse(DIGEST)) == reference.with_digest(DIGEST)


@pytest.mark.parametrize("tag", ["", "-x", ".x", "a b", "a:b", "x" * 129, "x\n", "ü"])
def test_with_tag_refuses_what_is_no_tag(tag: str) -> None:
    with pytest.raises(InvalidInput, match="Not a valid tag"):
        Reference.parse("alpine").with_tag(tag)


def test_with_digest_refuses_what_is_no_digest() -> None:
    with pytest.raises(InvalidInput, match="Not a valid digest"):
        Reference.parse("alpine").with_digest("sha256:abc")


def test_the_name_is_limited_with_its_domain() -> None:
    longest = "example.org/" + "a" * (255 - len("example.org/"))
    assert Reference.parse(longest).name == longest
    with pytest.raises(InvalidInput, match="at most 255 characters for domain and path, this has 256"):
        Reference.parse(longest + "a")


def test_the_longest_valid_reference_is_accepted() -> None:
    text = "example.org/" + "a" * (255 - len("example.org/")) + ":" + "t" * 128 + "@sha512:" + "ab" * 64
    assert str(Reference.parse(text)) == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must not be empty"),
        ("Team/App:1", "must be lower case"),
        ("team/App", "write 'team/app'"),
        ("--privileged", "must not begin with '-'"),
        ("a b", "white space"),
        ("a\n", "control character"),
        ("c0ffee" + "0" * 58, "image's id"),
        ("https://example.org/app", "write 'example.org/app'"),
        ("a..b/c", "Not a valid registry domain"),
        ("app:" + "t" * 129, "1 to 128 characters"),
        (f"app@{DIGEST[:-1]}", "sha256, sha384 or sha512"),
        ("a" * 5000, "too long"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as caught:
        Reference.parse(text)
    assert caught.value.expected
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


@given(valid)
def test_canonical_and_familiar_forms_parse_to_the_same_reference(text: str) -> None:
    reference = Reference.parse(text)
    assert Reference.parse(str(reference)) == reference
    assert Reference.parse(reference.familiar()) == reference


@settings(max_examples=400)
@given(st.text(max_size=60) | near_misses | valid)
@example("[" + ":" * 300 + "]/a")
@example("a-" * 250)
def test_any_text_is_a_reference_or_invalid_input(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except InvalidInput:
        return
    for form in (str(reference), reference.familiar(), reference.containerd_name):
        assert not form.startswith("-")
        assert not set(form) & set(" \t\n\r\x00'\"$`;|&{}\\")
