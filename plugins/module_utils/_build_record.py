# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last build of each name was made from, so that the next one can say what moved.

Only explanations depend on these records: whether an image is built again is decided by the digest in its own label.
"""

from __future__ import annotations

import hashlib
import json
import os
import typing as t

FOLDER_MODE = 0o700
STATE_DIR = "/var/lib/nephoran-container-build"
BOOT_ID_FILE = "/proc/sys/kernel/random/boot_id"

# No image is called so.
_SENT = "(sent context)"


class BuildRecords:
    """The records below a folder that only root reads: values of build args stand in them.

    Args:
        folder: the state of the collection on this node.
    """

    def __init__(self, folder: str = STATE_DIR) -> None:
        self._folder = os.path.join(folder, "inputs")

    def load(self, place: str, name: str) -> dict[str, t.Any] | None:
        """Return the record of the image *name* in *place*, None if there is none that can be read."""
        try:
            with open(self._path(place, name), encoding="utf-8") as stream:
                document = json.load(stream)
        except (OSError, ValueError):
            # Nothing is lost but an explanation: a record that is damaged counts as none.
            return None
        return document if isinstance(document, dict) else None

    def save(self, place: str, name: str, document: t.Mapping[str, t.Any], *, durable: bool = True) -> None:
        """Keep *document* as the record of the image *name* in *place*, whole or not at all.

        Args:
            place: where the image lies.
            name: the image's name.
            document: what it was made from.
            durable: wait until it survives a power loss. After a build that waits for all that the builder wrote, a
                second and more.

        Raises:
            Unavailable: it cannot be written.
        """
        # Only a build keeps anything.
        from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import (  # noqa: PLC0415
            SECRET_MODE,
            make_folder,
            write_file,
        )

        make_folder(self._folder, FOLDER_MODE)
        write_file(self._path(place, name), json.dumps(document), SECRET_MODE, durable=durable)

    def save_sent(self, place: str, document: t.Mapping[str, t.Any]) -> None:
        """Keep *document* as the record of the context that the builder of *place* is about to be sent.

        It counts until the node starts anew, so it need not survive a power loss: waiting for the disk before a build
        would wait for all that others write.

        Raises:
            Unavailable: it cannot be written.
        """
        self.save(place, _SENT, {"boot": _boot_id(), "inputs": document}, durable=False)

    def load_sent(self, place: str) -> dict[str, t.Any] | None:
        """Return the record of the context that the builder of *place* was sent last, None if none counts."""
        record = self.load(place, _SENT) or {}
        boot, inputs = record.get("boot"), record.get("inputs")
        return inputs if boot and boot == _boot_id() and isinstance(inputs, dict) else None

    def _path(self, place: str, name: str) -> str:
        return os.path.join(self._folder, hashlib.sha256(f"{place} {name}".encode()).hexdigest()[:32] + ".json")


def _boot_id() -> str:
    """Return what is another one after each start of the kernel; empty if the kernel does not tell it."""
    try:
        with open(BOOT_ID_FILE, encoding="utf-8") as stream:
            return stream.read().strip()
    except OSError:
        return ""
