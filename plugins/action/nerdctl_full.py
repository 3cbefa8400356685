# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends archives of the controller to the node, but only to a node that needs it."""

from __future__ import annotations

import os
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError, NotFound
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    open_archive,
    parse_checksum,
    verify_checksum,
)

MODULE = "nephoran.container_build.nerdctl_full"
ARCHIVE_NEEDED = "archive_needed"


class ActionModule(ActionBase):
    """Runs the module, with an archive of the controller as a file on the node."""

    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module; at most once with an archive sent before."""
        super().run(tmp, task_vars)
        self._names_sent: list[str] = []
        variables = task_vars or {}
        arguments = dict(self._task.args)
        try:
            if not any(_names_file_of_controller(part) for part in _parts(arguments)):
                return self._run_module(arguments, variables)
            return self._run_with_files(arguments, variables)
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # noqa: SLF001 - as ansible-core's own plugins do

    def _run_with_files(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        result = self._run_module(_with_parts(arguments, _without_file), variables)
        if not _needs_archive(result):
            return result
        try:
            found = _with_parts(arguments, self._proven)
        except ContainerBuildError as error:
            return {"failed": True, "msg": str(error), **error.as_result()}
        if self._task.check_mode:
            return self._run_module(found, variables)
        return self._run_module(_with_parts(found, self._sent_part), variables)

    def _proven(self, part: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return *part* with the path on the controller of its file, which has the checksum that was asked for."""
        path = self._find_archive(str(part["src"]))
        with open_archive(path) as archive:
            verify_checksum(archive, parse_checksum(part.get("checksum")), path)
        return {**part, "src": path, "remote_src": False}

    def _sent_part(self, part: dict[str, t.Any]) -> dict[str, t.Any]:
        return {**part, "src": self._sent(part["src"]), "remote_src": True}

    def _find_archive(self, src: str) -> str:
        """Return the path on the controller that *src* means, as for every module that takes a file.

        Raises:
            NotFound: there is no such file.
        """
        try:
            return str(self._find_needle("files", src))
        except AnsibleError as error:
            raise NotFound(
                "The archive does not exist on the controller",
                subject=src,
                remedy="correct the option src, or set remote_src to true if the file is on the node",
            ) from error

    def _sent(self, path: str) -> str:
        """Send the file *path* to the node and return where it lies there."""
        if self._connection._shell.tmpdir is None:  # noqa: SLF001
            self._make_tmp_path()
        # Messages of the module name the file: it keeps its name, and another of this name gets a number.
        name = os.path.basename(path)
        self._names_sent.append(name)
        number = self._names_sent.count(name)
        name = name if number == 1 else f"{number}-{name}"
        remote = self._connection._shell.join_path(self._connection._shell.tmpdir, name)  # noqa: SLF001
        self._transfer_file(path, remote)
        self._fixup_perms2((self._connection._shell.tmpdir, remote))  # noqa: SLF001
        return str(remote)

    def _run_module(self, arguments: dict[str, t.Any], variables: dict[str, t.Any]) -> dict[str, t.Any]:
        result: dict[str, t.Any] = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=variables)
        return result


def _overlays(arguments: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return the overlays that are written as they should be; the module says what is wrong with others."""
    given = arguments.get("overlays")
    return [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []


def _parts(arguments: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """Return what can name a file: the options of the archive, and those of each overlay."""
    return [arguments, *_overlays(arguments)]


def _with_parts(
    arguments: dict[str, t.Any], change: t.Callable[[dict[str, t.Any]], dict[str, t.Any]]
) -> dict[str, t.Any]:
    """Return *arguments* with each part changed that names a file of the controller."""
    changed = change(arguments) if _names_file_of_controller(arguments) else dict(arguments)
    if _overlays(arguments):
        changed["overlays"] = [
            change(each) if isinstance(each, dict) and _names_file_of_controller(each) else each
            for each in arguments["overlays"]
        ]
    return changed


def _without_file(part: dict[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in part.items() if key not in ("src", "remote_src")}


def _names_file_of_controller(arguments: dict[str, t.Any]) -> bool:
    # With url as well, the module says that both cannot be.
    return bool(arguments.get("src")) and not arguments.get("url") and not _is_on_node(arguments)


def _is_on_node(arguments: dict[str, t.Any]) -> bool:
    return bool(boolean(arguments.get("remote_src", False), strict=False))


def _needs_archive(result: dict[str, t.Any]) -> bool:
    return bool(result.get("failed")) and result.get("error", {}).get("kind") == ARCHIVE_NEEDED
