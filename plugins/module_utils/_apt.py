# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""apt-get, dpkg-query and dpkg-deb: what is installed, what an installation would take, and the installation itself."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t
import urllib.parse

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ToolFailed
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import PUBLIC_MODE, write_file
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, Runner, checked

_ENVIRON: t.Mapping[str, str] = {"DEBIAN_FRONTEND": "noninteractive"}
# As apt-get 2.2 to 3.0 print what they would do: Inst name [old version] (new version, where from [architecture]) […]
_INST = re.compile(
    r"^Inst (?P<name>\S+) (?:\[(?P<old>[^]]+)\] )?\((?P<new>\S+)(?: [^[]*)? \[(?P<architecture>[a-z0-9-]+)\]\)",
    re.MULTILINE,
)
_INSTALLED = "installed"


@dataclasses.dataclass(frozen=True)
class Step:
    """A package that apt would install.

    Attributes:
        name: what it is called.
        version: its version.
        architecture: of the package, or ``all``.
        old: the version that it takes the place of; empty if it is new.
    """

    name: str
    version: str
    architecture: str
    old: str = ""


class Apt:
    """``apt-get`` with lists and caches of its own, so that neither the node's sources nor its lists matter or move.

    Args:
        runner: starts the processes.
        options: settings of apt, by their names.
    """

    def __init__(self, runner: Runner, options: t.Mapping[str, str]) -> None:
        self._runner = runner
        self._options = dict(options)

    @classmethod
    def over_folder(cls, runner: Runner, repository: str, scratch: str) -> Apt:
        """Return one that knows the flat repository in the folder *repository* and no other, and asks no network.

        Args:
            runner: starts the processes.
            repository: the folder.
            scratch: a private folder for apt's lists and caches.
        """
        sources = os.path.join(scratch, "sources.list")
        # Proven by the index, and the index by whoever names the folder: there is no signature to look for.
        write_file(sources, f"deb [trusted=yes] file:{urllib.parse.quote(repository)} ./\n", PUBLIC_MODE, durable=False)
        lists = os.path.join(scratch, "lists")
        os.makedirs(os.path.join(lists, "partial"))
        apt = cls(
            runner,
            {
                "Dir::Etc::SourceList": sources,
                "Dir::Etc::SourceParts": "/dev/null",
                "Dir::State::Lists": lists,
                "Acquire::Languages": "none",
                **_caches(scratch),
            },
        )
        checked(apt._run("update"), "The packages' index could not be read", subject=repository)
        return apt

    @classmethod
    def from_nothing(cls, runner: Runner, scratch: str) -> Apt:
        """Return one that knows this node's sources, but not what is installed, so that it finds whatever is needed.

        Args:
            runner: starts the processes.
            scratch: a private folder for apt's caches; packages come to lie in ``archives`` in it.
        """
        status = os.path.join(scratch, "status")
        write_file(status, "", PUBLIC_MODE, durable=False)
        os.makedirs(os.path.join(scratch, "archives", "partial"))
        # Nothing of the node's own is written, so none of its locks is needed.
        return cls(runner, {"Dir::State::Status": status, "Debug::NoLocking": "true", **_caches(scratch)})

    def foresee(self, names: t.Sequence[str], *, allow_downgrade: bool = False) -> list[Step]:
        """Return what installing *names* would install; each a package, or a package, ``=`` and its version.

        Raises:
            ToolFailed: they cannot be installed, as apt says, or another package would have to go.
        """
        completed = self._install(names, "--simulate", allow_downgrade=allow_downgrade)
        checked(completed, "The packages cannot be installed", subject=" ".join(names))
        return [
            Step(found["name"], found["new"], found["architecture"], found["old"] or "")
            for found in _INST.finditer(completed.text)
        ]

    def install(self, names: t.Sequence[str], *, allow_downgrade: bool = False, lock_timeout: int = 0) -> None:
        """Install *names*, waiting so many seconds for another package manager.

        Raises:
            ToolFailed: apt or dpkg failed.
        """
        words = ("--option", f"DPkg::Lock::Timeout={lock_timeout}")
        completed = self._install(names, *words, allow_downgrade=allow_downgrade)
        if completed.rc != 0 and "lock" in completed.stderr:
            raise ToolFailed(
                f"Another package manager held its lock for all of {lock_timeout} s",
                subject=" ".join(names),
                remedy="wait for it to end, or raise lock_timeout",
                tail=completed.stderr,
            )
        checked(completed, "The packages could not be installed", subject=" ".join(names))

    def download(self, names: t.Sequence[str]) -> None:
        """Fetch what installing *names* needs, proven by apt itself.

        Raises:
            ToolFailed: a source does not answer, or has something else than its lists say.
        """
        completed = self._install(names, "--download-only")
        checked(completed, "The packages could not be fetched", subject=" ".join(names))

    def _install(self, names: t.Sequence[str], *words: str, allow_downgrade: bool = False) -> Completed:
        downgrade = ["--allow-downgrades"] if allow_downgrade else []
        return self._run("install", "--yes", "--no-install-recommends", "--no-remove", *downgrade, *words, "--", *names)

    def _run(self, command: str, *words: str) -> Completed:
        options = [word for key, value in self._options.items() for word in ("--option", f"{key}={value}")]
        # Configuration files that somebody changed stay as they are.
        kept = ["--option", "Dpkg::Options::=--force-confdef", "--option", "Dpkg::Options::=--force-confold"]
        return self._runner.run(["apt-get", *options, *kept, command, *words], environ=_ENVIRON)


def installed_versions(runner: Runner, names: t.Sequence[str]) -> dict[str, str]:
    """Return the versions of those of *names* that are installed.

    Raises:
        Unavailable: the node has no dpkg.
    """
    # It fails if there is a name that it never heard of, and tells of the others all the same.
    form = "${db:Status-Status}\t${Package}\t${Version}\n"
    completed = runner.run(["dpkg-query", "--show", f"--showformat={form}", "--", *names])
    rows = [line.split("\t") for line in completed.text.splitlines()]
    return {row[1]: row[2] for row in rows if row[0] == _INSTALLED}


def control_file(runner: Runner, path: str) -> str:
    """Return what the package in the file *path* says of itself.

    Raises:
        ToolFailed: it is no package.
    """
    return checked(runner.run(["dpkg-deb", "--field", path]), "Not a package", subject=path).text


def _caches(scratch: str) -> dict[str, str]:
    # apt would give up root to read and write below folders that are root's alone.
    return {"Dir::Cache": scratch, "APT::Sandbox::User": "root"}
