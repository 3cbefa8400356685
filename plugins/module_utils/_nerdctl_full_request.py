# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked of an installation of the archive, and what is answered."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import ContainerdOwner
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._exposure import Exposed
from ansible_collections.nephoran.container_build.plugins.module_utils._links import Skipped
from ansible_collections.nephoran.container_build.plugins.module_utils._overlays import Overlay
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._url import shown_url


class ArchiveNeeded(NotFound):
    """The generation is not on the node, and no archive was given to make it from."""

    kind = "archive_needed"


@dataclasses.dataclass(frozen=True)
class Source:
    """Where an archive is to be had.

    Attributes:
        src: its path.
        src_on_node: whether that path is on this node; with one on the controller, all that can be done is to plan.
        url: its address.
    """

    src: str | None = None
    src_on_node: bool = True
    url: str | None = None

    @property
    def is_given(self) -> bool:
        """Whether it is to be had at all."""
        return self.src is not None or self.url is not None

    @property
    def shown(self) -> str:
        """Where it is, fit for people."""
        return shown_url(self.url) if self.url is not None else self.src or "an archive"


@dataclasses.dataclass(frozen=True)
class OverlayRequest:
    """A component that is to take the place of the archive's, and where its archive is."""

    overlay: Overlay
    source: Source


@dataclasses.dataclass(frozen=True)
class Request:
    """What the user asked for.

    Attributes:
        version: nerdctl's version; only for ``ensure_present``, like all that follow but ``force`` and ``timeout``.
        checksum: ``sha256:<hex>`` of the archive.
        src: the archive's path.
        src_on_node: whether that path is on this node; with one on the controller, all that can be done is to plan.
        url: the archive's address.
        overlays: the components that take the place of the archive's.
        keep: how many generations may stay.
        cni_bin_dirs: the folders that the CNI plugins are linked into, beside nerdctl's own.
        address: containerd's socket.
        allow_downgrade: whether an older version may replace a newer one.
        take_over: whether an archive that was unpacked by hand below the prefix becomes a generation.
        advisories: what known vulnerabilities of the generation mean: ``warn``, ``fail`` or ``ignore``.
        force: whether to remove what running containers need.
        timeout: seconds to wait for another run.
    """

    version: str | None = None
    checksum: str | None = None
    src: str | None = None
    src_on_node: bool = True
    url: str | None = None
    overlays: tuple[OverlayRequest, ...] = ()
    keep: int = 2
    cni_bin_dirs: tuple[str, ...] = ()
    address: str = "/run/containerd/containerd.sock"
    allow_downgrade: bool = False
    take_over: bool = False
    advisories: str = "warn"
    force: bool = False
    timeout: float = 300.0

    @property
    def source(self) -> Source:
        """Where the archive is."""
        return Source(self.src, self.src_on_node, self.url)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What was done, or what would be.

    Attributes:
        plan: the steps and the difference.
        generation: the generation that serves.
        previous_generation: the one that served before.
        links: all links that lead to it.
        skipped: links that are wanted and were not made.
        kept: why surplus generations stay, by name.
        restarts_needed: the services that run another program than the one installed.
        owner: whose containerd the node runs.
        exposed: the known vulnerabilities of the generation; ``None`` while it is not on the node.
        warnings: what the user should know.
    """

    plan: Plan
    generation: str | None = None
    previous_generation: str | None = None
    links: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    kept: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    restarts_needed: tuple[str, ...] = ()
    owner: ContainerdOwner | None = None
    exposed: tuple[Exposed, ...] | None = None
    warnings: tuple[str, ...] = ()
