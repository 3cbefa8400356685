# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which advisories touch what is installed, what of that a distribution has repaired, and what is held off already."""

from __future__ import annotations

import dataclasses
import gzip
import os
import typing as t
import zlib

from ansible_collections.nephoran.container_build.plugins.module_utils._advisories import (
    TABLE,
    Advisory,
    affecting,
    summary_of,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner

# What the archive's README.md calls them, and what the table does.
_COMPONENTS_OF_ARCHIVE: t.Mapping[str, str] = {"containerd": "containerd", "runc": "runc", "BuildKit": "buildkit"}
# What a node with another's containerd has in the archive, and does not run.
_OF_ANOTHERS_CONTAINERD = ("containerd", "runc")
_CHANGELOGS = ("changelog.Debian.gz", "changelog.gz")


@dataclasses.dataclass(frozen=True)
class Installed:
    """A component on the node.

    Attributes:
        component: as the table names it.
        version: what it says of itself.
        package: the distribution's package that it is from, if it is from one.
    """

    component: str
    version: str
    package: str | None = None


@dataclasses.dataclass(frozen=True)
class Exposed:
    """An advisory that touches something installed.

    Attributes:
        advisory: what it says.
        installed: what it touches.
        mitigated: whether the plugin through which it does harm is not loaded; ``None`` if it is about none, or if
            containerd does not run.
    """

    advisory: Advisory
    installed: Installed
    mitigated: bool | None = None

    def as_result(self) -> dict[str, t.Any]:
        """Return it as modules return it."""
        return {
            "id": self.advisory.identifier,
            "component": self.installed.component,
            "version": self.installed.version,
            "package": self.installed.package,
            "affected": self.advisory.affected,
            "fixed": self.advisory.fixed,
            "summary": self.advisory.summary,
            "mitigation": self.advisory.mitigation,
            "mitigated": self.mitigated,
        }


def of_archive(components: t.Mapping[str, str], *, runs_containerd: bool) -> list[Exposed]:
    """Return what touches the archive whose README.md states *components*.

    Args:
        components: the versions by the README's names.
        runs_containerd: whether its containerd and runc are those of the node.
    """
    found = []
    for name, component in _COMPONENTS_OF_ARCHIVE.items():
        if name in components and (runs_containerd or component not in _OF_ANOTHERS_CONTAINERD):
            installed = Installed(component, components[name])
            found += [Exposed(each, installed) for each in affecting(component, installed.version)]
    return found


def sentences(found: t.Iterable[Exposed]) -> list[str]:
    """Return one sentence about each component in *found*."""
    by_installed: dict[Installed, list[Advisory]] = {}
    for exposed in found:
        by_installed.setdefault(exposed.installed, []).append(exposed.advisory)
    return [summary_of(each.component, each.version, advisories) for each, advisories in by_installed.items()]


class Exposure:
    """Finds what touches a node.

    Args:
        runner: starts ``ctr``.
        timeout: seconds that it may take.
        documentation: where packages have their changelogs.
        table: what is known.
    """

    def __init__(
        self,
        runner: Runner,
        timeout: int,
        documentation: str = "/usr/share/doc",
        table: t.Sequence[Advisory] = TABLE,
    ) -> None:
        self._runner = runner
        self._timeout = timeout
        self._documentation = documentation
        self._table = table

    def of(self, installed: t.Iterable[Installed], ctr: str | None, address: str | None) -> list[Exposed]:
        """Return what touches *installed*, less what a package's changelog says was repaired.

        Args:
            installed: what the node has.
            ctr: the path of ``ctr``.
            address: the socket of a containerd that runs.
        """
        found: list[Exposed] = []
        for each in installed:
            advisories = affecting(each.component, each.version, self._table)
            changelog = self._changelog(each.package) if each.package and advisories else ""
            found += [
                Exposed(advisory, each, self._mitigated(advisory, ctr, address))
                for advisory in advisories
                if advisory.identifier not in changelog
            ]
        return found

    def _mitigated(self, advisory: Advisory, ctr: str | None, address: str | None) -> bool | None:
        if not advisory.plugin or ctr is None or address is None:
            return None
        kind, _dot, identifier = advisory.plugin.rpartition(".")
        wanted = f"type=={kind},id=={identifier}"
        try:
            completed = self._runner.run(
                [ctr, "--address", address, "plugins", "ls", "--quiet", wanted], timeout=self._timeout
            )
        except (ToolFailed, Unavailable):
            return None
        return completed.text.strip() == "" if completed.rc == 0 else None

    def _changelog(self, package: str) -> str:
        """Return the changelog of *package* as it lies on the node; empty if it does not."""
        for name in _CHANGELOGS:
            path = os.path.join(self._documentation, package, name)
            try:
                with gzip.open(path, "rt", encoding="utf-8", errors="replace") as changelog:
                    return changelog.read()
            except FileNotFoundError:
                continue
            except (OSError, EOFError, zlib.error):
                # Damaged, or not to be read: then it says of nothing that it was repaired.
                return ""
        return ""
