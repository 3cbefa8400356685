# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Kubernetes sees an image, and if not, why and what to do."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import (
    KUBERNETES_NAMESPACE,
    ImageState,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._kubelet import (
    VERIFY_UNLESS_LISTED,
    VERIFY_UNLESS_PRELOADED,
    Kubelet,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import MANAGED_LABEL
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

_IMPORT = "nephoran.container_build.image_import"
_TAG = "nephoran.container_build.image_tag"
_LISTED_MAX = 5


@dataclasses.dataclass(frozen=True)
class Visibility:
    """What a Pod finds under a name.

    Attributes:
        name: the name in its full form, which is what a Pod's shorter one means.
        visible: whether a Pod with ``imagePullPolicy: Never`` runs from it.
        reasons: why not, and what to do.
    """

    name: str
    visible: bool
    reasons: tuple[str, ...] = ()


class KubernetesView:
    """Judges images as the kubelet of this node sees them.

    Args:
        address: the socket of the containerd that is looked at.
        kubelet: the node's kubelet; ``None`` if none runs.
    """

    def __init__(self, address: str, kubelet: Kubelet | None) -> None:
        self._address = address
        self._kubelet = kubelet

    def reasons(self, state: ImageState) -> t.Iterator[str]:
        """Yield why Kubernetes does not see the image: where it looks, and what it needs to find there."""
        if state.namespace != KUBERNETES_NAMESPACE:
            yield (
                f"it is in the namespace {state.namespace}, and Kubernetes looks in {KUBERNETES_NAMESPACE} alone: "
                f"bring it there with {_IMPORT}"
            )
            return
        if state.problem:
            yield f"this node cannot use it: {state.problem}"
        if state.missing and not state.problem:
            yield f"it is incomplete: {', '.join(state.missing)} missing; import or build it again"
        elsewhere = self._other_containerd()
        if elsewhere:
            yield elsewhere
        elif state.record.labels.get(MANAGED_LABEL) != "managed":
            yield (
                "the CRI plugin of this containerd has not taken it up: the plugin is disabled (disabled_plugins in "
                "containerd's config.toml), or the kubelet uses another containerd"
            )
        yield from self._credentials(state.record.name)

    def of_name(
        self, reference: Reference, reasons: t.Sequence[str] | None, names: t.Mapping[str, t.Collection[str]]
    ) -> Visibility:
        """Judge what a Pod finds under a name.

        Args:
            reference: the name.
            reasons: why Kubernetes does not see the image of that name in its namespace; ``None`` if there is none.
            names: the names of all images, by namespace.
        """
        wanted = reference.containerd_name
        if reasons is None:
            reasons = tuple(self._absence(reference, names))
        return Visibility(wanted, visible=not reasons, reasons=tuple(reasons))

    def _absence(self, reference: Reference, names: t.Mapping[str, t.Collection[str]]) -> t.Iterator[str]:
        wanted = reference.containerd_name
        elsewhere = sorted(namespace for namespace, held in names.items() if wanted in held)
        alike = _alike(reference, names)
        if elsewhere:
            yield (
                f"it is in {_listed(elsewhere)}, and Kubernetes looks in {KUBERNETES_NAMESPACE} alone: "
                f"bring it there with {_IMPORT}"
            )
        elif alike:
            yield (
                f"no image is called {wanted}; what is alike is {_listed(alike)}: name that in the Pod, or "
                f"give it this name with {_TAG}, or with rename of {_IMPORT}"
            )
        else:
            yield f"this containerd has no image {wanted} in any namespace: build, import or pull it"
        other = self._other_containerd()
        if other:
            yield other

    def _other_containerd(self) -> str:
        if self._kubelet is None or _same_socket(self._kubelet.endpoint, self._address):
            return ""
        return (
            f"the kubelet (PID {self._kubelet.pid}) uses another containerd, {self._kubelet.endpoint}: "
            f"bring the image there, with address: {self._kubelet.endpoint}"
        )

    def _credentials(self, name: str) -> t.Iterator[str]:
        reference = _reference(name)
        if self._kubelet is not None and reference and self._kubelet.demands_credentials(reference.name):
            yield (
                f"the kubelet (PID {self._kubelet.pid}) withholds it from Pods without pull credentials, since its "
                f"imagePullCredentialsVerificationPolicy is {self._kubelet.policy}: set that to "
                f"{VERIFY_UNLESS_PRELOADED}, or to {VERIFY_UNLESS_LISTED} with {reference.name} in "
                "preloadedImagesVerificationAllowlist"
            )


def _alike(reference: Reference, names: t.Mapping[str, t.Collection[str]]) -> list[str]:
    """Return the images that a person may mean, with their namespaces: of the same last component and tag."""
    found = []
    for namespace, held in sorted(names.items()):
        for name in sorted(held):
            known = _reference(name)
            if known and _says_the_same(known, reference):
                found.append(f"{name} in {namespace}")
    return found


def _reference(name: str) -> Reference | None:
    """Return the reference that a record is called by; ``None`` if it is none, since records may have any name."""
    with contextlib.suppress(InvalidInput):
        return Reference.parse(name)
    return None


def _says_the_same(one: Reference, other: Reference) -> bool:
    same_last = one.path.rpartition("/")[2] == other.path.rpartition("/")[2]
    return same_last and (one.tag == other.tag or one.name == other.name)


def _same_socket(one: str, other: str) -> bool:
    # /var/run is a link to /run nearly everywhere.
    return os.path.realpath(one) == os.path.realpath(other)


def _listed(items: t.Sequence[str]) -> str:
    shown = ", ".join(items[:_LISTED_MAX])
    return shown if len(items) <= _LISTED_MAX else f"{shown} and {len(items) - _LISTED_MAX} more"
