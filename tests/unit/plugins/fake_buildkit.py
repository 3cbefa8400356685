# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a BuildKit daemon answers on its socket."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _protobuf as protobuf
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer

LIST_WORKERS = ("buildkit", "Control.ListWorkers")


def workers_answer(*documents: t.Mapping[str, t.Any]) -> Answer:
    """The answer to `LIST_WORKERS` that tells what `buildctl debug workers --format '{{json .}}'` prints."""
    return Answer(messages=[b"".join(protobuf.message(1, _record(each)) for each in documents)])


def _record(document: t.Mapping[str, t.Any]) -> bytes:
    version = document.get("buildkitVersion") or {}
    return b"".join(
        [
            protobuf.text(1, document["id"]),
            protobuf.texts_by_name(2, document.get("labels") or {}),
            *(protobuf.message(3, _platform(each)) for each in document.get("platforms") or ()),
            *(protobuf.message(4, _policy(each)) for each in document.get("gcPolicy") or ()),
            protobuf.message(5, protobuf.text(1, version.get("package", "")) + protobuf.text(2, version["version"]))
            if version
            else b"",
        ]
    )


def _platform(document: t.Mapping[str, str]) -> bytes:
    return (
        protobuf.text(1, document["architecture"])
        + protobuf.text(2, document["os"])
        + protobuf.text(3, document.get("variant", ""))
    )


def _policy(document: t.Mapping[str, t.Any]) -> bytes:
    return b"".join(
        [
            protobuf.number(1, int(document.get("all", False))),
            protobuf.number(2, document.get("keepDuration", 0)),
            protobuf.number(3, document.get("reservedSpace", document.get("keepBytes", 0))),
            protobuf.texts(4, document.get("filter") or ()),
            protobuf.number(5, document.get("maxUsedSpace", 0)),
            protobuf.number(6, document.get("minFreeSpace", 0)),
        ]
    )
