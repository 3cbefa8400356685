# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends archives of the controller to the node, but only to a node that needs it."""

from __future__ import annotations

import os
import shlex
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    open_archive,
    parse_checksum,
    verify_checksum,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout, generation_name
from ansible_collections.nephoran.container_build.plugins.module_utils._overlays import Overlay, content_digest
from ansible_collections.nephoran.container_build.plugins.plugin_utils._packed_ahead import packed_ahead
from ansible_collections.nephoran.container_build.plugins.plugin_utils._sent_files import (
    FileSender,
    is_on_node,
    without_file,
)

_DEFAULT_PREFIX = "/usr/local"
_NOT_THERE = "nephoran: not there"
# What the playbook install runs after this module.
_NEXT_MODULES = ("nephoran.container_build.daemon", "nephoran.container_build.registries")


class ActionModule(FileSender):
    """Runs the module, with an archive of the controller as a file on the node."""

    module = "nephoran.container_build.nerdctl_full"
    need = "archive_needed"

    def _run_with_files(self, arguments: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module; at most once with archives sent before."""
        if not any(_names_file_of_controller(part) for part in _parts(arguments)):
            return self._run_module(arguments)
        if not self._certainly_lacks_generation(arguments):
            result = self._run_module(_with_parts(arguments, without_file))
            if not self._lacks_files(result):
                return result
        if self._task.check_mode:
            return self._run_module(_with_parts(arguments, self._proven))
        self._names_sent: list[str] = []
        with packed_ahead(self, self.module, task_vars=self._variables), ThreadPoolExecutor(1) as beside:
            proven = beside.submit(_with_parts, arguments, self._proven)
            self._have_folder()
            sent = _with_parts(proven.result(), self._sent_part)
        with packed_ahead(self, *_NEXT_MODULES, task_vars=self._variables):
            return self._run_module(sent)

    def _certainly_lacks_generation(self, arguments: dict[str, t.Any]) -> bool:
        """Tell whether the node can be sent the archive without asking the module, which costs ten times as much.

        Whatever else is in the way, the module says it once it has the archive.
        """
        folder = _generation_folder(arguments)
        if folder is None:
            return False
        answer = self._low_level_execute_command(f"test -d {shlex.quote(folder)} || echo {shlex.quote(_NOT_THERE)}")
        return (answer["rc"], str(answer["stdout"]).splitlines()[-1:]) == (0, [_NOT_THERE])

    def _proven(self, part: dict[str, t.Any]) -> dict[str, t.Any]:
        """Return *part* with the path on the controller of its file, which has the checksum that was asked for."""
        path = self._find(str(part["src"]), what="archive", place="file")
        with open_archive(path) as archive:
            verify_checksum(archive, parse_checksum(part.get("checksum")), path)
        return {**part, "src": path, "remote_src": False}

    def _sent_part(self, part: dict[str, t.Any]) -> dict[str, t.Any]:
        # Messages of the module name the file: it keeps its name, and another of this name gets a number.
        name = os.path.basename(part["src"])
        self._names_sent.append(name)
        number = self._names_sent.count(name)
        return {**part, "src": self._send(part["src"], name if number == 1 else f"{number}-{name}"), "remote_src": True}


def _generation_folder(arguments: dict[str, t.Any]) -> str | None:
    """Return the folder of the generation that *arguments* want to serve.

    Returns:
        ``None`` if they want another thing, or if the module has to read them, or to say what is wrong with them.
    """
    prefix = str(arguments.get("prefix") or _DEFAULT_PREFIX)
    if arguments.get("state", "present") != "present" or not prefix.startswith("/") or "$" in prefix:
        return None
    try:
        overlays = [
            Overlay(str(each["component"]), str(each["version"]), parse_checksum(str(each["checksum"])))
            for each in _overlays(arguments)
        ]
        digest = content_digest(parse_checksum(str(arguments.get("checksum"))), overlays)
        name = generation_name(str(arguments.get("version")), digest)
    except (ContainerBuildError, KeyError):
        return None
    return Layout(os.path.normpath(prefix)).generation(name)


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


def _names_file_of_controller(arguments: dict[str, t.Any]) -> bool:
    # With url as well, the module says that both cannot be.
    return bool(arguments.get("src")) and not arguments.get("url") and not is_on_node(arguments)
