# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends packages of the controller to the node, but only those that it needs."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import INDEX_NAME, parse_index
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError, NotFound

MODULE = "nephoran.container_build.deb_install"
PACKAGES_NEEDED = "packages_needed"


class ActionModule(ActionBase):
    """Runs the module, with a folder of the controller as a folder on the node."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module: to ask whether the node lacks anything, then what, and then to install it."""
        super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = dict(self._task.args)
        try:
            if not arguments.get("src") or boolean(arguments.get("remote_src", False), strict=False):
                return self._run_module(arguments, variables)
            return self._run_with_folder(arguments, variables)
        except ContainerBuildError as error:
            return {"failed": True, "msg": str(error), **error.as_result()}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # noqa: SLF001 - as ansible-core's own plugins do

    def _run_with_folder(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        folder = str(arguments["src"])
        bare = {key: value for key, value in arguments.items() if key not in ("src", "remote_src")}
        result = self._run_module(bare, variables)
        if not _needs_packages(result):
            return result
        index = self._find(folder, INDEX_NAME)
        with open(index, encoding="utf-8") as file:
            known = {package.filename for package in parse_index(file.read(), folder)}
        self._send(index, INDEX_NAME)
        there = {**bare, "src": self._connection._shell.tmpdir, "remote_src": True}  # noqa: SLF001
        result = self._run_module(there, variables)
        if not _needs_packages(result):
            return result
        # Only what the index names: a node says which files it wants, not which the controller gives away.
        for name in sorted(known.intersection(result["error"].get("needed", []))):
            self._send(self._find(folder, name), name)
        return self._run_module(there, variables)

    def _find(self, folder: str, name: str) -> str:
        """Return the path on the controller of a file in the folder that src means.

        Raises:
            NotFound: there is no such file.
        """
        path = os.path.join(folder, name)
        try:
            return str(self._find_needle("files", path))
        except AnsibleError as error:
            raise NotFound(
                "The file does not exist on the controller",
                subject=path,
                remedy="correct the option src, or set remote_src to true if the folder is on the node",
            ) from error

    def _send(self, path: str, name: str) -> None:
        if self._connection._shell.tmpdir is None:  # noqa: SLF001
            self._make_tmp_path()
        folder = self._connection._shell.tmpdir  # noqa: SLF001
        remote = self._connection._shell.join_path(folder, name)  # noqa: SLF001
        self._transfer_file(path, remote)
        self._fixup_perms2((folder, remote))

    def _run_module(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        result: dict[str, t.Any] = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=variables)
        return result


def _needs_packages(result: dict[str, t.Any]) -> bool:
    return bool(result.get("failed")) and result.get("error", {}).get("kind") == PACKAGES_NEEDED
