# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Debian mirror that this machine uses, and its terms: what is made for tests gets its packages from there too."""

from __future__ import annotations

from dataclasses import dataclass

from lab import shell
from lab.errors import LabError

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_TARGET_FORMAT = "$(CREATED_BY)|$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)"
_INHERITED_OPTIONS = (
    "Acquire::Check-Date",
    "Acquire::Check-Valid-Until",
    "Acquire::http::Proxy",
    "Acquire::https::Proxy",
)


@dataclass(frozen=True)
class Mirror:
    """Where packages come from.

    :param main: address of the archive.
    :param security: address of the archive of security updates, if this machine uses it.
    :param options: lines of ``apt.conf`` without which apt could not use the two here.
    """

    main: str
    security: str | None
    options: tuple[str, ...]

    def sources(self, suite: str) -> list[str]:
        """Lines of a ``sources.list`` for a suite."""
        lines = [f"deb [signed-by={KEYRING}] {self.main} {suite} main"]
        lines += [f"deb [signed-by={KEYRING}] {self.main} {suite}-updates main"]
        if self.security:
            lines += [f"deb [signed-by={KEYRING}] {self.security} {suite}-security main"]
        return lines


def discover() -> Mirror:
    """Read from apt which mirror this machine uses.

    :raises LabError: if apt knows no source whose Release file says that it is Debian.
    """
    options = inherited_options(shell.run(["apt-config", "dump", "Acquire"]).stdout)
    if not _describes_debian(_index_targets()):
        # Where the lists were removed, as in many container images, apt does not know whose archive is whose.
        shell.run(["apt-get", "--quiet", "update"], check=False)
    return parse(_index_targets(), options)


def parse(index_targets: str, options: tuple[str, ...]) -> Mirror:
    """Find the mirror in what ``apt-get indextargets`` prints in this module's format.

    :raises LabError: if no line describes Debian's archive.
    """
    addresses: dict[str, str] = {}
    for line in index_targets.splitlines():
        created_by, origin, label, component, uri = line.split("|", 4)
        if (created_by, origin, component) == ("Packages", "Debian", "main"):
            addresses.setdefault(label, uri)
    if "Debian" not in addresses:
        raise LabError(
            "None of this machine's apt sources is an archive of Debian that answers.",
            remedy="Run the lab on Debian, with a source whose `apt-get update` works.",
        )
    return Mirror(addresses["Debian"], addresses.get("Debian-Security"), options)


def inherited_options(dump: str) -> tuple[str, ...]:
    """Those lines of ``apt-config dump`` that decide whether the mirror can be used at all."""
    return tuple(line for line in dump.splitlines() if line.partition(" ")[0] in _INHERITED_OPTIONS)


def _index_targets() -> str:
    return shell.run(["apt-get", "indextargets", "--format", _TARGET_FORMAT]).stdout


def _describes_debian(index_targets: str) -> bool:
    return any("|Debian|Debian|" in line for line in index_targets.splitlines())
