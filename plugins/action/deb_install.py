# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends packages of the controller to the node, but only those that it needs."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import INDEX_NAME, parse_index
from ansible_collections.nephoran.container_build.plugins.plugin_utils._sent_files import (
    FileSender,
    is_on_node,
    without_file,
)


class ActionModule(FileSender):
    """Runs the module, with a folder of the controller as a folder on the node."""

    module = "nephoran.container_build.deb_install"
    need = "packages_needed"

    def _run_with_files(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module: to ask whether the node lacks anything, then what, and then to install it."""
        if not arguments.get("src") or is_on_node(arguments):
            return self._run_module(arguments)
        bare = without_file(arguments)
        result = self._run_module(bare)
        if not self._lacks_files(result):
            return result
        folder = str(arguments["src"])
        index = self._find_in(folder, INDEX_NAME)
        with open(index, encoding="utf-8") as file:
            known = {package.filename for package in parse_index(file.read(), folder)}
        self._send(index, INDEX_NAME)
        there = {**bare, "src": self._connection._shell.tmpdir, "remote_src": True}  # noqa: SLF001
        result = self._run_module(there)
        if not self._lacks_files(result):
            return result
        # Only what the index names: a node says which files it wants, not which the controller gives away.
        for name in sorted(known.intersection(result["error"].get("needed", []))):
            self._send(self._find_in(folder, name), name)
        return self._run_module(there)

    def _find_in(self, folder: str, name: str) -> str:
        return self._find(os.path.join(folder, name), what="file", place="folder")
