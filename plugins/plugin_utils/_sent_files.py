# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What action plugins share that send files of the controller, but only to a node that needs them.

Their modules fail with a kind of error of their own if they lack a file. So the module is asked first, and run again
with the file on the node.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError, NotFound
from ansible_collections.nephoran.container_build.plugins.plugin_utils._early_start import EarlyStart


class FileSender(EarlyStart):
    """Runs a module with files of the controller as files on the node; a subclass says which, and when."""

    _requires_connection = True

    module: t.ClassVar[str]
    # The kind of error by which the module says that it lacks a file.
    need: t.ClassVar[str]

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module as often as it takes; what was sent is gone afterwards."""
        super().run(tmp, task_vars)
        self._variables = task_vars or {}
        try:
            return self._run_with_files(dict(self._task.args))
        except ContainerBuildError as error:
            return {"failed": True, "msg": str(error), **error.as_result()}
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # noqa: SLF001 - as ansible-core's own plugins do

    def _run_with_files(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module with *arguments*, and again if it lacks files; errors of this collection are its result."""
        raise NotImplementedError

    def _run_module(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        result: dict[str, t.Any] = self._execute_module(
            module_name=self.module, module_args=arguments, task_vars=self._variables
        )
        return result

    def _lacks_files(self, result: dict[str, t.Any]) -> bool:
        return bool(result.get("failed")) and result.get("error", {}).get("kind") == self.need

    def _find(self, path: str, *, what: str, place: str) -> str:
        """Return the path on the controller that *path* means, as for every module that takes a file.

        Args:
            path: as the option says it.
            what: what is looked for, in a message.
            place: what may be on the node instead, in a message.

        Raises:
            NotFound: there is no such file.
        """
        try:
            return str(self._find_needle("files", path))
        except AnsibleError as error:
            raise NotFound(
                f"The {what} does not exist on the controller",
                subject=path,
                remedy=f"correct the option src, or set remote_src to true if the {place} is on the node",
            ) from error

    def _send(self, path: str, name: str) -> str:
        """Send the file *path* to the task's folder on the node, as *name*, and return where it lies there."""
        self._have_folder()
        shell = self._connection._shell  # noqa: SLF001
        remote = str(shell.join_path(shell.tmpdir, name))
        self._transfer_file(path, remote)
        # Nobody runs it, and without that root needs no permission: the node is not asked.
        self._fixup_perms2((shell.tmpdir, remote), execute=False)
        return remote

    def _have_folder(self) -> None:
        """Have the task's folder on the node, where files are sent to."""
        if self._connection._shell.tmpdir is None:  # noqa: SLF001
            self._make_tmp_path()


def is_on_node(arguments: t.Mapping[str, t.Any]) -> bool:
    """Whether the option ``remote_src`` says that the file is on the node already."""
    return bool(boolean(arguments.get("remote_src", False), strict=False))


def without_file(arguments: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return *arguments* without what names a file."""
    return {key: value for key, value in arguments.items() if key not in ("src", "remote_src")}
