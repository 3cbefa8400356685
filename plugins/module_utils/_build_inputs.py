# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What decides a build's result, its digest, and what moved between two builds, in words."""

from __future__ import annotations

import hashlib
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import (
    ContextSnapshot,
    describe_changes,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec
from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import canonical_json

# Enters the digest: raised when the digest's composition changes, so that images of an older release are built again
# for a reason that can be named.
SCHEMA = 1
# Begins the names of settings that are digests of base images.
BASE_SETTING = "base "
_CHANGES_SHOWN = 20
_VALUE_SHOWN = 60
_NONE = "(none)"


class BuildInputs(t.NamedTuple):
    """All that decides a build's result, except what lies on registries and in secrets.

    Secrets never enter it: a digest of a secret in a label would let anybody test guesses. Caches, time limits and the
    builder do not enter it either: they decide how a result comes about, not what it is.

    Attributes:
        dockerfile: digest of the Dockerfile's content.
        contexts: the snapshot of each context by name; the main one's name is empty.
        settings: everything else by a name for people: ``arg VERSION`` → ``2``.
    """

    dockerfile: str
    contexts: t.Mapping[str, ContextSnapshot]
    settings: t.Mapping[str, str]

    @classmethod
    def of(cls, spec: BuildSpec, dockerfile: bytes, contexts: t.Mapping[str, ContextSnapshot]) -> BuildInputs:
        """Return the inputs of *spec*.

        Args:
            spec: the build.
            dockerfile: the Dockerfile's content.
            contexts: snapshots of the folders that *spec* names, by the contexts' names; the main one's is empty.
        """
        settings = {f"arg {key}": value for key, value in spec.args.items()}
        settings.update({f"label {key}": value for key, value in spec.labels.items()})
        settings.update({f"host {key}": value for key, value in spec.etc_hosts.items()})
        sources = {key: value for key, value in spec.build_contexts.items() if key not in contexts}
        settings.update({f"build context {key}": value for key, value in sources.items()})
        settings["target"] = spec.target
        settings["platform"] = ", ".join(sorted(map(str, spec.platforms)))
        settings["network"] = spec.network
        settings.update({kind: attributes or "default" for kind, attributes in spec.attestations.items()})
        given = {key: value for key, value in settings.items() if value or " " in key}
        return cls(f"sha256:{hashlib.sha256(dockerfile).hexdigest()}", dict(contexts), given)

    @property
    def digest(self) -> str:
        """The inputs digest."""
        document = {
            "schema": SCHEMA,
            "dockerfile": self.dockerfile,
            "contexts": {name: snapshot.digest for name, snapshot in self.contexts.items()},
            "settings": dict(self.settings),
        }
        return f"sha256:{hashlib.sha256(canonical_json(document)).hexdigest()}"

    def to_document(self) -> dict[str, t.Any]:
        """Return the JSON object from which a later build tells what moved."""
        return {
            "digest": self.digest,
            "dockerfile": self.dockerfile,
            "contexts": {name: dict(snapshot.entries) for name, snapshot in self.contexts.items()},
            "stats": {name: dict(snapshot.stats) for name, snapshot in self.contexts.items()},
            "settings": dict(self.settings),
        }

    def changes_since(self, document: t.Mapping[str, t.Any]) -> list[str]:
        """Return what moved since the inputs that *document* records, one sentence each."""
        changes = []
        if document.get("dockerfile") != self.dockerfile:
            changes.append("Dockerfile changed")
        changes += _setting_changes(document.get("settings") or {}, self.settings)
        old_contexts = document.get("contexts") or {}
        for name in sorted({*old_contexts, *self.contexts}):
            label = f"build context {name}" if name else "context"
            snapshot = self.contexts.get(name)
            lines = describe_changes(old_contexts.get(name) or {}, snapshot.entries if snapshot else {})
            changes += [f"{label}: {line}" for line in lines[:_CHANGES_SHOWN]]
            if len(lines) > _CHANGES_SHOWN:
                changes.append(f"{label}: and {len(lines) - _CHANGES_SHOWN} more changes")
        return changes

    def changed_unseen(self, document: t.Mapping[str, t.Any]) -> bool:
        """Tell whether a file is another than in the inputs that *document* records, of the same size and time.

        BuildKit would not see it: of a context's files it takes over those whose size or time of modification differ
        from the copy that it kept (``source/local/source.go`` of v0.26.3).
        """
        for name, snapshot in self.contexts.items():
            old_entries = (document.get("contexts") or {}).get(name) or {}
            old_stats = (document.get("stats") or {}).get(name) or {}
            for path, stat in snapshot.stats.items():
                if old_stats.get(path) == stat and old_entries.get(path) != snapshot.entries[path]:
                    return True
        return False


def _setting_changes(old: t.Mapping[str, str], new: t.Mapping[str, str]) -> t.Iterator[str]:
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            # A digest that is cut off says nothing.
            limit = None if key.startswith(BASE_SETTING) else _VALUE_SHOWN
            yield f"{key}: {_shown(old.get(key), limit)} → {_shown(new.get(key), limit)}"


def _shown(value: str | None, limit: int | None) -> str:
    if value is None:
        return _NONE
    return value if limit is None or len(value) <= limit else value[: limit - 1] + "…"
