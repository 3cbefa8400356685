# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nerdctl: records of images as JSON, builds, and containers that run once."""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._json_document import Fields
from ansible_collections.nephoran.container_build.plugins.module_utils._oci import Descriptor
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import (
    Completed,
    Runner,
    checked,
)

_DOCUMENTS = ("ManifestDesc", "ImageConfigDesc")
_PLAIN_FIELDS = ("mediaType", "digest", "size")


@dataclasses.dataclass(frozen=True)
class ImageRecord:
    """What containerd keeps under an image's name.

    Attributes:
        name: the reference in its full form.
        target: the index or manifest that it names.
        labels: the record's labels (not the image's own, which stand in its config).
        updated: when the record was last written, RFC 3339 in UTC; empty if unknown.
        documents: the manifest and the config that nerdctl found for the node's platform, as far as it found any: a
            hint at what will be read.
    """

    name: str
    target: Descriptor
    labels: t.Mapping[str, str]
    updated: str = ""
    documents: tuple[Descriptor, ...] = dataclasses.field(default=(), compare=False)


class Nerdctl:
    """``nerdctl`` against one containerd.

    Args:
        runner: starts the processes.
        address: containerd's socket.
        timeout: seconds that one call may take; no limit by default.
    """

    def __init__(self, runner: Runner, address: str, timeout: int | None = None) -> None:
        self._runner = runner
        self._address = address
        self._timeout = timeout

    def image_records(self, namespace: str, names: t.Sequence[str]) -> list[ImageRecord]:
        """Return the records of the images *names*, those of them that exist, in the order given."""
        if not names:
            return []
        completed = self.run(namespace, ["image", "inspect", "--mode=native", *names])
        checked(completed, "The images could not be inspected", subject=f"namespace {namespace}")
        try:
            documents = json.loads(completed.stdout or b"[]")
            found = {record.name: record for record in map(_parse_record, documents)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise IntegrityError(
                "nerdctl's description of an image is not what this collection knows",
                subject=f"namespace {namespace}",
                expected="the JSON that `nerdctl image inspect --mode=native` of nerdctl 2 prints",
                tail=completed.text,
            ) from error
        # nerdctl finds every name of the same image; only those that were asked for count.
        return [found[name] for name in names if name in found]

    def run(self, namespace: str, words: t.Sequence[str], **options: t.Any) -> Completed:
        """Run nerdctl with *words* in *namespace*; options are the runner's."""
        argv = ["nerdctl", "--address", self._address, "--namespace", namespace, *words]
        return self._runner.run(argv, **{"timeout": self._timeout, **options})


def _parse_record(document: t.Mapping[str, t.Any]) -> ImageRecord:
    image = document["Image"]
    return ImageRecord(
        name=image["Name"],
        target=Descriptor.from_fields(Fields(image["Target"], f"target of {image['Name']}")),
        labels=dict(image.get("Labels") or {}),
        updated=image.get("UpdatedAt", ""),
        documents=tuple(_parse_documents(document)),
    )


def _parse_documents(document: t.Mapping[str, t.Any]) -> t.Iterator[Descriptor]:
    for key in _DOCUMENTS:
        found = document.get(key) or {}
        # Of what it could not read, nerdctl tells a descriptor of nothing.
        if found.get("digest"):
            # Its platform and annotations are judged where the index is read that has them.
            yield Descriptor.from_fields(Fields({field: found[field] for field in _PLAIN_FIELDS}, key))
