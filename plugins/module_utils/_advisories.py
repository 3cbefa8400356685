# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Known vulnerabilities of what the archive and the distributions bring, as of a date, and which versions they touch.

Source: the advisories and release notes of the components. The table is about the branches that this collection
installs; that it lists nothing for another branch says nothing about it.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._generation import is_older

AS_OF = "2026-11-24"
RESTART_MONITOR = "io.containerd.monitor.container.v1.restart"

_UPSTREAM = re.compile(r"v?(?P<version>\d+(?:\.\d+)*(?:-(?:alpha|beta|rc)[0-9A-Za-z.]*)?)")


@dataclasses.dataclass(frozen=True)
class Advisory:
    """A vulnerability of one component.

    Attributes:
        identifier: its CVE or GHSA number, or where it is told of if it has none.
        component: ``containerd``, ``runc``, ``buildkit`` or ``buildah``.
        fixed: the first version without it.
        summary: what an attacker gets.
        since: the first version that this table knows to have it; empty if all before ``fixed``.
        plugin: the plugin of containerd that need not be loaded, and without which it does no harm.
    """

    identifier: str
    component: str
    fixed: str
    summary: str
    since: str = ""
    plugin: str = ""

    @property
    def affected(self) -> str:
        """The versions that have it."""
        return f">={self.since}, <{self.fixed}" if self.since else f"<{self.fixed}"

    @property
    def mitigation(self) -> str | None:
        """What helps besides a newer version, in the words of containerd's configuration; ``None`` if nothing does."""
        return f"disabled_plugins: [{self.plugin}]" if self.plugin else None


def _containerd(fixed: str, summary: str, *identifiers: str, plugin: str = "") -> list[Advisory]:
    return [Advisory(each, "containerd", fixed, summary, since="2.2.0", plugin=plugin) for each in identifiers]


def _buildkit(fixed: str, summary: str, *identifiers: str) -> list[Advisory]:
    return [Advisory(each, "buildkit", fixed, summary) for each in identifiers]


TABLE: tuple[Advisory, ...] = (
    *_containerd("2.2.2", "a race while tars are unpacked; credentials in Pod events", "release notes of 2.2.2"),
    *_containerd("2.2.3", "see the advisory", "CVE-2026-35469"),
    *_containerd("2.2.4", "runAsNonRoot can be bypassed", "CVE-2026-46680"),
    *_containerd("2.2.4", "see the advisory", "CVE-2026-34986"),
    *_containerd(
        "2.2.5",
        "a label of an image becomes a command of the node's root",
        "CVE-2026-53488",
        plugin=RESTART_MONITOR,
    ),
    *_containerd(
        "2.2.5",
        "see the advisory",
        "CVE-2026-50195",
        "CVE-2026-53489",
        "CVE-2026-53492",
        "CVE-2026-47262",
    ),
    *_containerd("2.2.7", "the CRI restores checkpoints unless told not to", "release notes of 2.2.7"),
    Advisory("CVE-2026-41579", "runc", "1.4.3", "see the advisory", since="1.4.0"),
    *_buildkit("0.28.1", "a frontend can write files of the node", "CVE-2026-33747"),
    *_buildkit("0.28.1", "see the advisory", "CVE-2026-33748"),
    *_buildkit("0.31.1", "see the advisory", "GHSA-7236-3392-c5c6"),
    *_buildkit(
        "0.31.2",
        "see the advisory",
        "CVE-2026-15788",
        "CVE-2026-15789",
        "CVE-2026-15791",
        "CVE-2026-15792",
    ),
    Advisory("CVE-2024-1753", "buildah", "1.35.1", "a Containerfile can mount the builder's file system"),
    Advisory("CVE-2024-9675", "buildah", "1.37.5", "a cache mount can name any folder of the builder"),
    Advisory("CVE-2024-9676", "buildah", "1.37.5", "a link in an image can make the builder read without end"),
    Advisory("CVE-2024-9407", "buildah", "1.38.0", "a bind mount can reach files of the builder"),
    Advisory("release notes of 1.44.0", "buildah", "1.44.0", "symbolic links lead out of a folder"),
)


def upstream_version(version: str) -> str | None:
    """Return the upstream's part of *version*, to which distributions add; ``None`` if it has none.

    ``1.7.24~ds1-6`` is 1.7.24, ``1.28.2+ds1-3`` is 1.28.2.
    """
    match = _UPSTREAM.match(version)
    return match["version"] if match else None


def affecting(component: str, version: str | None, table: t.Iterable[Advisory] = TABLE) -> list[Advisory]:
    """Return the advisories of *table* that touch *version* of *component*; none if the version is not known."""
    upstream = upstream_version(version) if version else None
    if upstream is None:
        return []
    return [
        advisory
        for advisory in table
        if advisory.component == component
        and is_older(upstream, advisory.fixed)
        and not (advisory.since and is_older(upstream, advisory.since))
    ]


def summary_of(component: str, version: str, found: t.Sequence[Advisory]) -> str:
    """Return one sentence about what *version* of *component* has."""
    fixed = max(found, key=lambda advisory: [int(part) for part in advisory.fixed.split(".")]).fixed
    named = ", ".join(advisory.identifier for advisory in found)
    return f"{component} {version} has known vulnerabilities, all fixed in {fixed}: {named}"
