# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides a build's result, and what moved between two builds."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import ContextSnapshot
from ansible_collections.nephoran.container_build.plugins.module_utils._build_inputs import BuildInputs
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec, Secret, SSHAgent
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

SPEC = BuildSpec(Reference.parse("app:v1"), "/srv/app", "/srv/app/Dockerfile")
AMD64, ARM64 = Platform.parse("linux/amd64"), Platform.parse("linux/arm64")
DOCKERFILE = b"FROM scratch\n"
CONTEXT = ContextSnapshot({"a": "file 0644 1", "dir": "folder 0755 "})


def inputs(
    dockerfile: bytes = DOCKERFILE, contexts: t.Mapping[str, ContextSnapshot] | None = None, **changes: t.Any
) -> BuildInputs:
    return BuildInputs.of(SPEC._replace(**changes), dockerfile, contexts or {"": CONTEXT})


PLAIN = inputs()

# What changes, and the sentence that says so.
DECIDING: list[tuple[dict[str, t.Any], str]] = [
    ({"dockerfile": b"FROM scratch"}, "Dockerfile changed"),
    ({"args": {"VERSION": "2"}}, "arg VERSION: (none) → 2"),
    ({"args": {"EMPTY": ""}}, "arg EMPTY: (none) → "),
    ({"labels": {"a": "b"}}, "label a: (none) → b"),
    ({"etc_hosts": {"db": "192.0.2.1"}}, "host db: (none) → 192.0.2.1"),
    ({"build_contexts": {"base": "docker-image://x"}}, "build context base: (none) → docker-image://x"),
    ({"target": "runtime"}, "target: (none) → runtime"),
    ({"platforms": (AMD64, ARM64)}, "platform: (none) → linux/amd64, linux/arm64"),
    ({"network": "none"}, "network: (none) → none"),
    ({"provenance": "max"}, "provenance: (none) → mode=max"),
    ({"sbom": True}, "sbom: (none) → default"),
    ({"sbom": True, "sbom_generator": "docker.io/x"}, "sbom: (none) → generator=docker.io/x"),
    ({"contexts": {"": ContextSnapshot({**CONTEXT.entries, "a": "file 0644 2"})}}, "context: a changed"),
    ({"contexts": {"": CONTEXT, "src": CONTEXT}, "build_contexts": {"src": "/x"}}, "build context src: a added"),
]


@pytest.mark.parametrize(("change", "sentence"), DECIDING)
def test_what_decides_the_result_is_in_the_digest_and_is_named(change: dict[str, t.Any], sentence: str) -> None:
    changed = inputs(**change)
    assert changed.digest != PLAIN.digest
    assert changed.changes_since(PLAIN.to_document())[0] == sentence


# Where the result is looked for, how fast it comes about, and what must not be guessed from a label.
NOT_DECIDING: list[dict[str, t.Any]] = [
    {"reference": Reference.parse("other:v2")},
    {"context": "/srv/elsewhere"},
    {"dockerfile": DOCKERFILE},
    {"cache_from": ("type=gha",)},
    {"cache_to": ("type=gha",)},
    {"pull": True},
    {"nocache": True},
    {"secrets": (Secret("token", "/x"),)},
    {"ssh": (SSHAgent("default"),)},
    {"allow": ("network.host",)},
    {"fresh_contexts": True},
    {"inline_dockerfile": True},
]


@pytest.mark.parametrize("change", NOT_DECIDING, ids=lambda change: next(iter(change)))
def test_what_does_not_decide_the_result_is_not_in_the_digest(change: dict[str, t.Any]) -> None:
    assert inputs(**change).digest == PLAIN.digest
    assert inputs(**change).changes_since(PLAIN.to_document()) == []


def test_every_part_of_a_build_is_one_or_the_other() -> None:
    said = {part for change, _sentence in DECIDING for part in change} | {
        part for each in NOT_DECIDING for part in each
    }
    assert set(BuildSpec._fields) <= said


def test_order_and_spelling_do_not_count() -> None:
    one = inputs(args={"A": "1", "B": "2"}, platforms=(AMD64, ARM64))
    assert one.digest == inputs(args={"B": "2", "A": "1"}, platforms=(ARM64, AMD64)).digest


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"args": {"A": "1"}}, {"labels": {"A": "1"}}),
        ({"args": {"A": "1", "B": "2"}}, {"args": {"A": "2", "B": "1"}}),
        ({"args": {"target": "x"}}, {"target": "x"}),
        ({"args": {"A": "1 B=2"}}, {"args": {"A": "1", "B": "2"}}),
        ({"contexts": {"": CONTEXT, "x": ContextSnapshot({})}}, {"contexts": {"x": CONTEXT, "": ContextSnapshot({})}}),
    ],
)
def test_different_builds_have_different_digests(one: dict[str, t.Any], other: dict[str, t.Any]) -> None:
    assert inputs(**one).digest != inputs(**other).digest


def test_the_digest_of_a_build_stays_what_it_is() -> None:
    """Whoever changes its composition raises SCHEMA and this value with it: users' images are built again then."""
    assert PLAIN.digest == "sha256:199b74a488a28902f34dba919421b55c695fee972a139080f6390c6593e63ab6"


def test_a_folder_is_counted_by_its_content_not_by_its_name() -> None:
    contexts = {"": CONTEXT, "src": CONTEXT}
    one = inputs(contexts=contexts, build_contexts={"src": "/srv/one"})
    assert one.digest == inputs(contexts=contexts, build_contexts={"src": "/srv/two"}).digest


def test_a_document_is_json_and_says_what_moved_later() -> None:
    before = json.loads(json.dumps(inputs(args={"VERSION": "1", "OLD": "x"}, target="dev").to_document()))
    entries = {"a": "file 0644 2", "dir": "folder 0700 ", "new": "file 0644 3"}
    after = inputs(DOCKERFILE + b"#", {"": ContextSnapshot(entries)}, args={"VERSION": "2"})
    assert after.changes_since(before) == [
        "Dockerfile changed",
        "arg OLD: x → (none)",
        "arg VERSION: 1 → 2",
        "target: dev → (none)",
        "context: a changed",
        "context: dir mode changed, 0755 → 0700",
        "context: new added",
    ]
    assert after.changes_since(json.loads(json.dumps(after.to_document()))) == []


def test_a_long_value_is_cut() -> None:
    (line,) = inputs(args={"A": "x" * 1000}).changes_since(PLAIN.to_document())
    assert len(line) < 100
    assert line.endswith("…")


def test_of_many_files_the_first_are_named() -> None:
    many = ContextSnapshot({**CONTEXT.entries, **{f"{number:03}": "file 0644 x" for number in range(100)}})
    lines = inputs(contexts={"": many}).changes_since(PLAIN.to_document())
    assert len(lines) == 21
    assert lines[0] == "context: 000 added"
    assert lines[-1] == "context: and 80 more changes"


def test_a_context_that_is_gone_is_told() -> None:
    before = inputs(contexts={"": CONTEXT, "src": CONTEXT}).to_document()
    assert PLAIN.changes_since(before) == ["build context src: a removed", "build context src: dir/ removed"]


def test_a_record_of_a_release_that_knew_less_is_no_obstacle() -> None:
    assert PLAIN.changes_since({}) == ["Dockerfile changed", "context: a added", "context: dir/ added"]


class TestChangedUnseen:
    """BuildKit compares sizes and times, not contents."""

    def snapshot(self, digest: str, stat: str) -> dict[str, ContextSnapshot]:
        return {"": ContextSnapshot({"a": f"file 0644 {digest}"}, {"a": stat})}

    @pytest.mark.parametrize(
        ("digest", "stat", "unseen"),
        [
            ("1", "4 100", False),
            ("2", "4 100", True),
            ("2", "5 100", False),
            ("2", "4 101", False),
            ("1", "4 101", False),
        ],
    )
    def test_another_content_of_the_same_size_and_time(self, digest: str, stat: str, unseen: bool) -> None:
        before = inputs(contexts=self.snapshot("1", "4 100")).to_document()
        after = inputs(contexts=self.snapshot(digest, stat))
        assert after.changed_unseen(json.loads(json.dumps(before))) is unseen

    def test_a_new_file_is_seen(self) -> None:
        after = inputs(contexts=self.snapshot("1", "4 100"))
        assert not after.changed_unseen(inputs(contexts={"": ContextSnapshot()}).to_document())
        assert not after.changed_unseen({})

    def test_times_alone_decide_nothing(self) -> None:
        one, other = (inputs(contexts=self.snapshot("1", stat)) for stat in ("4 100", "4 101"))
        assert one.digest == other.digest
