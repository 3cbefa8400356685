# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of the toolchain on a node, and the versions that they tell."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, Runner

COMMANDS = ("nerdctl", "containerd", "ctr", "buildctl", "buildkitd", "runc", "buildah", "rootlesskit")
# Asked for all CNI plugins, which are released together.
CNI_PLUGIN = "bridge"

_VERSION = re.compile(r"(?:^|\s)v?(\d+\.\d+[^\s,]*)")
_SERVER_VERSION = re.compile(r"^Server:\n(?:  .*\n)*?  Version: +v?(\S+)", re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Tool:
    """A program on the node.

    Attributes:
        path: the path by which it is found.
        version: what it says of itself; ``None`` if it cannot be started, or says nothing.
    """

    path: str
    version: str | None


class Tools:
    """Finds programs and asks them for their versions.

    Args:
        layout: the installation whose commands come first.
        cni_bin_dirs: where CNI plugins are looked for besides.
        runner: starts the programs.
        timeout: seconds that one of them may take.
    """

    def __init__(self, layout: Layout, cni_bin_dirs: t.Sequence[str], runner: Runner, timeout: int) -> None:
        self._layout = layout
        self._cni_bin_dirs = cni_bin_dirs
        self._runner = runner
        self._timeout = timeout

    def all(self) -> dict[str, Tool | None]:
        """Return every tool by its name, ``None`` for one that the node does not have; ``cni`` for the CNI plugins."""
        found = {command: self._command(command) for command in COMMANDS}
        found["cni"] = self._cni()
        return found

    def server_version(self, ctr: Tool | None, address: str) -> str | None:
        """Return the version of the containerd that serves *address*, as *ctr* is told; ``None`` if it is told none."""
        if ctr is None:
            return None
        completed = self._asked([ctr.path, "--address", address, "version"])
        match = _SERVER_VERSION.search(completed.text) if completed else None
        return match[1] if match else None

    def _command(self, name: str) -> Tool | None:
        path = self._path_of(name)
        if path is None:
            return None
        return Tool(path, _first_version(self._asked([path, "--version"])))

    def _path_of(self, name: str) -> str | None:
        ours = os.path.join(self._layout.commands, name)
        if os.access(ours, os.X_OK):
            return ours
        try:
            return self._runner.find(name)
        except Unavailable:
            return None

    def _cni(self) -> Tool | None:
        for folder in (self._layout.plugins, *self._cni_bin_dirs):
            path = os.path.join(folder, CNI_PLUGIN)
            if os.access(path, os.X_OK):
                # Started without CNI_COMMAND, a plugin tells about itself on standard error.
                return Tool(path, _first_version(self._asked([path])))
        return None

    def _asked(self, argv: list[str]) -> Completed | None:
        """Return what a program said; ``None`` if it cannot be started or does not end."""
        try:
            return self._runner.run(argv, timeout=self._timeout)
        except (ToolFailed, Unavailable):
            return None


def _first_version(completed: Completed | None) -> str | None:
    if completed is None:
        return None
    match = _VERSION.search(completed.text.partition("\n")[0]) or _VERSION.search(completed.stderr.partition("\n")[0])
    return match[1] if match else None
