# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a bundle says of itself: the list of its members, by which everything in it is proven."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, InvalidInput

MANIFEST_NAME = "manifest.json"
MANIFEST_BYTES_MAX = 16 * 1024 * 1024
FORMAT = 1
"""Raised when a reader of the old number would misunderstand the new one."""

DETAILS: t.Mapping[str, frozenset[str]] = {
    "archive": frozenset(("architecture", "version")),
    "collection": frozenset(("version",)),
    "images": frozenset(("digests", "platforms")),
    "overlay": frozenset(("architecture", "component", "version")),
    "package": frozenset(("architecture", "distribution", "release")),
    "package_index": frozenset(("architecture", "distribution", "release")),
}
"""What is known of a member beside its content, by its kind."""

# Each part begins with a letter or a digit, so none of them is "..", hidden, or an option of a program.
_PATH = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+~-]*(?:/[A-Za-z0-9][A-Za-z0-9._+~-]*)*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclasses.dataclass(frozen=True)
class Member:
    """A file in a bundle.

    Attributes:
        path: where, below the bundle's root.
        size: its bytes.
        sha256: its hash in hexadecimal digits.
        kind: what it is, a key of :data:`DETAILS`.
        details: what is known of it; texts, but for images: ``digests`` by name, and a list of ``platforms``.
    """

    path: str
    size: int
    sha256: str
    kind: str
    details: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        """Return the member as the manifest holds it."""
        return {"path": self.path, "size": self.size, "sha256": self.sha256, "kind": self.kind, **self.details}


def validate_path(path: str) -> str:
    """Return *path* if it can be that of a member.

    Raises:
        InvalidInput: it could lead elsewhere, or cannot be written everywhere.
    """
    if not _PATH.fullmatch(path) or path == MANIFEST_NAME:
        raise InvalidInput(
            "Not a name for a file in a bundle",
            subject=repr(path[:200]),
            expected="letters, digits and ._+~- after a first letter or digit",
            remedy="rename the file",
        )
    return path


def manifest_bytes(members: t.Iterable[Member]) -> bytes:
    """Return the manifest of *members*, the same bytes for the same members in whatever order.

    Raises:
        InvalidInput: two members have the same path.
    """
    ordered = sorted(members, key=lambda member: member.path)
    for one, other in zip(ordered, ordered[1:]):
        if one.path == other.path:
            raise InvalidInput(
                "Two members of the bundle would have the same place", subject=one.path, remedy="leave one of them out"
            )
    document = {"format": FORMAT, "members": [member.as_dict() for member in ordered]}
    return json.dumps(document, indent=1, sort_keys=True).encode("ascii") + b"\n"


def parse_manifest(raw: bytes, where: str) -> tuple[Member, ...]:
    """Return the members that a manifest lists, in its order.

    Args:
        raw: the manifest.
        where: the bundle, for messages.

    Raises:
        IntegrityError: it is no manifest, of another format, or names what a bundle cannot hold.
    """
    try:
        document = json.loads(raw)
    except ValueError as error:
        raise not_whole(where, f"its manifest is not JSON: {error}") from error
    if not isinstance(document, dict) or not isinstance(document.get("members"), list):
        raise not_whole(where, "its manifest lists no members")
    if document.get("format") != FORMAT:
        raise IntegrityError(
            f"The bundle has the format {document.get('format')!r}",
            subject=where,
            expected=f"format {FORMAT}",
            remedy="open it with the release of the collection that is in it",
        )
    members = tuple(_parse_member(entry, where) for entry in document["members"])
    paths = [member.path for member in members]
    if paths != sorted(set(paths)):
        raise not_whole(where, "its manifest names a member twice, or is not in order")
    return members


def _parse_member(entry: t.Any, where: str) -> Member:
    if not isinstance(entry, dict):
        raise not_whole(where, "its manifest has a member that is no object")
    rest = dict(entry)
    path, size, sha256, kind = (rest.pop(key, None) for key in ("path", "size", "sha256", "kind"))
    if not isinstance(path, str) or not _PATH.fullmatch(path) or path == MANIFEST_NAME:
        raise not_whole(where, f"its manifest names the path {str(path)[:200]!r}")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise not_whole(where, f"its manifest gives {path} no size")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise not_whole(where, f"its manifest gives {path} no sha256")
    if not isinstance(kind, str) or kind not in DETAILS or set(rest) != DETAILS[kind]:
        raise not_whole(where, f"its manifest does not say what {path} is")
    if not all(_is_detail(key, value) for key, value in rest.items()):
        raise not_whole(where, f"its manifest says something of {path} that cannot be")
    return Member(path, size, sha256, kind, rest)


def _is_detail(key: str, value: t.Any) -> bool:
    if key == "digests":
        return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())
    if key == "platforms":
        return isinstance(value, list) and all(isinstance(each, str) for each in value)
    return isinstance(value, str) and bool(value)


def not_whole(where: str, reason: str) -> IntegrityError:
    """Return the error for a file that is no bundle, or not all of one."""
    return IntegrityError(
        f"Not a whole bundle ({reason})",
        subject=where,
        expected="a file that the playbook bundle wrote",
        remedy="copy it again from where it was made, or make it again",
    )
