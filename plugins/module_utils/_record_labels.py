# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels of containerd's records.

Source: ``pkg/labels/validate.go`` of containerd v2.2.1: key and value together may have 4096 bytes.
"""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._option_text import option_text
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action

LABEL_BYTES_MAX = 4096
PINNED_LABEL = "io.cri-containerd.pinned"
PINNED_VALUE = "pinned"
# Labels that containerd or its CRI plugin obey. In an image's config they come from whoever made the image
# (CVE-2026-53488: such a label becomes a command of the host's root).
RESERVED_LABEL_PREFIXES = ("containerd.io/", "io.cri-containerd")
# The CRI plugin sets it on every record that it has seen, and sets it again when a record lost it.
MANAGED_LABEL = "io.cri-containerd.image"


def own_labels(present: t.Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a record that somebody gave it, without the CRI plugin's mark."""
    return {key: value for key, value in present.items() if key != MANAGED_LABEL}


def wanted_labels(present: t.Mapping[str, str], labels: t.Mapping[str, str], pinned: bool | None) -> dict[str, str]:
    """Return the labels that a record is to have.

    Args:
        present: those that it has; they stay.
        labels: those that it is to have beside them.
        pinned: whether the kubelet's image garbage collection must leave the image; None: as it is.
    """
    wanted = {**own_labels(present), **labels}
    if pinned:
        wanted[PINNED_LABEL] = PINNED_VALUE
    elif pinned is False:
        wanted.pop(PINNED_LABEL, None)
    return wanted


def label_changes(present: t.Mapping[str, str], wanted: t.Mapping[str, str]) -> dict[str, str]:
    """Return what ``ctr images label`` must be given; it removes a label that is set to nothing."""
    changes = {key: value for key, value in wanted.items() if present.get(key) != value}
    changes.update({key: "" for key in own_labels(present) if key not in wanted})
    return changes


def label_actions(name: str, present: t.Mapping[str, str], wanted: t.Mapping[str, str]) -> list[Action]:
    """Return what setting the labels *wanted* on the record *name* means, in words."""
    return [_label_action(name, key, value) for key, value in sorted(label_changes(present, wanted).items())]


def _label_action(name: str, key: str, value: str) -> Action:
    if key == PINNED_LABEL:
        return Action("pin" if value else "unpin", name)
    return Action("label", name, f"{key}={value}") if value else Action("unlabel", name, key)


def validate_labels(labels: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return *labels* with their values as text.

    Raises:
        InvalidInput: a key or value is none that ctr can pass on unchanged.
    """
    checked: dict[str, str] = {}
    for key, raw in labels.items():
        value = option_text(raw, f"labels: {key[:80]!r}")
        unusable = not key or "=" in key or key.startswith("-") or not (key + value).isprintable() or not value
        if unusable or len((key + value).encode()) > LABEL_BYTES_MAX:
            raise InvalidInput(
                "Not a label of an image record",
                subject=f"{key[:100]}={value[:100]}",
                expected=f"a key without '=' and a value, printable, together at most {LABEL_BYTES_MAX} bytes",
            )
        checked[key] = value
    return checked
