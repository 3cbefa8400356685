# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON documents that Go programs read too, read so that both see the same.

Go's ``encoding/json`` finds a field whatever the case of its key and merges repeated keys. An image whose config hides
a label under ``labels`` would show nothing to a reader that looks for ``Labels`` alone, and still hand the label to
containerd. So a field is found in any case here, and a field that is there twice is refused.
"""

from __future__ import annotations

import json
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError

DOCUMENT_SIZE_MAX = 8 * 1024 * 1024
"""Bytes of a manifest, index or config that are read into memory; registries accept manifests of 4 MiB."""

SIZE_MAX = 2**63 - 1


class Fields:
    """The fields of one JSON object.

    Args:
        document: the object.
        where: what the object is, for error messages: ``manifest sha256:…``.
    """

    def __init__(self, document: t.Mapping[str, t.Any], where: str) -> None:
        self._where = where
        self._values: dict[str, t.Any] = {}
        for key, value in document.items():
            folded = key.casefold()
            if folded in self._values:
                raise self.broken(f"has the field {key!r} twice, in different cases")
            self._values[folded] = value

    def has(self, key: str) -> bool:
        """Tell whether the field is there and not ``null``."""
        return self._values.get(key.casefold()) is not None

    def text(self, key: str, default: str | None = None) -> str:
        """Return a string; without *default* the field is required."""
        return t.cast("str", self._typed(key, str, "a string", default))

    def integer(self, key: str, default: int | None = None) -> int:
        """Return an integer from 0 to 2^63 - 1; without *default* the field is required."""
        value = t.cast("int", self._typed(key, int, "an integer", default))
        if isinstance(value, bool) or not 0 <= value <= SIZE_MAX:
            raise self.broken(f"has {key!r} = {str(value)[:40]}, which is no size")
        return value

    def fields(self, key: str) -> Fields | None:
        """Return an object's fields, or ``None`` if the field is absent."""
        document = self._typed(key, dict, "an object", {})
        return Fields(document, f"{self._where}, {key}") if self.has(key) else None

    def mapping(self, key: str) -> dict[str, t.Any]:
        """Return an object as it is, or an empty one if the field is absent."""
        return t.cast("dict[str, t.Any]", self._typed(key, dict, "an object", {}))

    def texts_by_name(self, key: str) -> dict[str, str]:
        """Return an object whose values are strings, such as labels or annotations; empty if the field is absent."""
        found = self.mapping(key)
        if not all(isinstance(value, str) for value in found.values()):
            raise self.broken(f"has a value that is no string in {key!r}")
        return found

    def texts(self, key: str) -> list[str]:
        """Return a list of strings; empty if the field is absent."""
        found = self._typed(key, list, "a list", [])
        if not all(isinstance(value, str) for value in found):
            raise self.broken(f"has an entry that is no string in {key!r}")
        return t.cast("list[str]", found)

    def objects(self, key: str) -> list[Fields]:
        """Return the fields of each object in a list; empty if the field is absent."""
        found = self._typed(key, list, "a list", [])
        if not all(isinstance(value, dict) for value in found):
            raise self.broken(f"has an entry that is no object in {key!r}")
        return [Fields(value, f"{self._where}, {key}[{number}]") for number, value in enumerate(found)]

    def broken(self, what: str) -> IntegrityError:
        """Return the error that says *what* is wrong with this object."""
        return malformed(self._where, f"it {what}")

    def _typed(self, key: str, kind: type, called: str, default: t.Any) -> t.Any:
        value = self._values.get(key.casefold())
        if value is None:
            if default is None:
                raise self.broken(f"has no {key!r}")
            return default
        if not isinstance(value, kind):
            raise self.broken(f"has {key!r}, which is not {called}")
        return value


def malformed(where: str, reason: str) -> IntegrityError:
    """Return the error for a document that is not what its place promises."""
    return IntegrityError(
        f"An image document is malformed ({reason})",
        subject=where,
        expected="JSON by the OCI image specification or Docker's image manifest version 2, schema 2",
        remedy="export or build the image again",
    )


def read_json(raw: bytes, where: str) -> t.Any:
    """Parse *raw*.

    Raises:
        IntegrityError: it is larger than :data:`DOCUMENT_SIZE_MAX`, no JSON, or repeats a key in an object.
    """
    if len(raw) > DOCUMENT_SIZE_MAX:
        raise malformed(where, f"it has {len(raw)} bytes, more than {DOCUMENT_SIZE_MAX}")

    def unique(pairs: list[tuple[str, t.Any]]) -> dict[str, t.Any]:
        document = dict(pairs)
        if len(document) != len(pairs):
            raise malformed(where, "it repeats a key")
        return document

    try:
        return json.loads(raw, object_pairs_hook=unique)
    except ValueError as error:
        raise malformed(where, f"it is not JSON: {error}") from error
    except RecursionError as error:
        raise malformed(where, "it is nested too deeply") from error


def read_object(raw: bytes, where: str) -> Fields:
    """Parse *raw* and return the fields of the object that it holds.

    Raises:
        IntegrityError: see :func:`read_json`, or it holds something else than an object.
    """
    document = read_json(raw, where)
    if not isinstance(document, dict):
        raise malformed(where, "it is not an object")
    return Fields(document, where)


def canonical_json(document: t.Any) -> bytes:
    """Serialise *document*: the same bytes for equal documents, keys sorted, no white space."""
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode("ascii")
