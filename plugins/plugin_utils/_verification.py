# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds its way through what the tasks of the role ``verify`` registered. No I/O."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.plugin_utils import _judgements as judge
from ansible_collections.nephoran.container_build.plugins.plugin_utils._check_table import Check

Registered = judge.Registered

CONTAINERD_UNIT = "containerd.service"
BUILDKIT_UNIT = "buildkit.service"


class Verification:
    """What was asked for and what tasks registered, as the filter ``verification_checks`` documents it.

    Args:
        found: the filter's input. Whatever is missing in it counts as no answer.
    """

    def __init__(self, found: t.Mapping[str, t.Any]) -> None:
        self._found = found
        self._toolchain: Registered = found.get("toolchain") or {}
        self._containerd: Registered = self._toolchain.get("containerd") or {}

    def checks(self) -> list[Check]:
        """Return all checks in the order in which a person reads them."""
        return [*self._tools(), *self._daemons(), *self._pods(), *self._end_to_end()]

    @property
    def _foreign(self) -> bool:
        return self._containerd.get("owner") == judge.FOREIGN

    def _answer(self, question: str) -> Registered:
        answer: Registered = (self._found.get("answers") or {}).get(question) or {}
        return answer

    def _tools(self) -> list[Check]:
        answers = self._found.get("answers") or {}
        wanted = self._found.get("versions") or {}
        return [
            *judge.tool_checks(answers, wanted, foreign=self._foreign),
            judge.generation_check(self._toolchain),
        ]

    def _daemons(self) -> list[Check]:
        sockets: t.Mapping[str, Registered] = self._found.get("sockets") or {}
        return [
            judge.containerd_check(self._answer("containerd"), self._answer("nerdctl"), self._containerd),
            judge.unit_check(self._containerd.get("unit") or CONTAINERD_UNIT, self._answer("containerd_unit")),
            judge.unit_check(BUILDKIT_UNIT, self._answer("buildkit_unit")),
            *(judge.socket_check(path, answer) for path, answer in sockets.items()),
            judge.worker_check(self._answer("workers")),
        ]

    def _pods(self) -> list[Check]:
        answer: Registered = self._found.get("pods") or {"skipped": True}
        return [] if answer.get("skipped") else judge.pod_checks(answer)

    def _end_to_end(self) -> list[Check]:
        made: t.Mapping[str, t.Any] | None = self._found.get("images")
        if made is None:
            return [judge.nothing_built_check()]
        found: t.Sequence[Registered] = (made.get("found") or {}).get("images") or []
        namespaces: t.Sequence[str] = self._found.get("namespaces") or []
        checks = []
        for backend in self._found.get("backends") or []:
            images = _images_of(backend, made, found)
            checks += judge.image_checks(backend, images, namespaces, str(self._found.get("says", "")))
        records = [name for listed in made.get("records") or [] for name in listed.get("stdout_lines") or []]
        kept_in = self._found.get("kept_namespaces") or []
        return [*checks, judge.leftover_check(records, found, made.get("removals") or [], kept_in)]


def _images_of(backend: str, made: t.Mapping[str, t.Any], found: t.Sequence[Registered]) -> judge.Images:
    build = _of_item(made.get("builds"), backend)
    return judge.Images(
        build=build,
        import_=(made.get("from_buildah") or {}) if backend == judge.BUILDAH else {},
        run=_of_item(made.get("runs"), backend),
        imports=[result for result in made.get("imports") or [] if result.get("item", [None])[0] == backend],
        found=[image for image in found if image["name"] == build.get("image")],
    )


def _of_item(results: t.Sequence[Registered] | None, item: str) -> Registered:
    return next((result for result in results or [] if result.get("item") == item), {})
