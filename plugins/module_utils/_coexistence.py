# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which commands stay out of PATH on a node whose containerd is not ours.

containerd looks for its shim, and the shim for runc, through PATH, in which ``/usr/local`` comes first: a link there
would change what live Pods are started with, without anybody restarting anything.
"""

from __future__ import annotations

import glob
import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (
    FOREIGN,
    ContainerdOwner,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout

_SEARCH_DIRS = (
    "/usr/local/sbin",
    "/usr/local/bin",
    "/usr/sbin",
    "/usr/bin",
    "/sbin",
    "/bin",
    "/opt/bin",
    "/snap/bin",
)
_SEARCH_PATTERNS = ("/opt/*/bin",)
_RUNTIME = ("containerd", "runc")
_SHIM_PREFIX = "containerd-shim"


def withheld_commands(commands: t.Iterable[str], owner: ContainerdOwner, layout: Layout) -> dict[str, str]:
    """Return why each of *commands* that must not be linked must not, by the path of its link.

    Args:
        commands: what a generation holds.
        owner: whose containerd the node runs.
        layout: the installation.
    """
    if owner.kind != FOREIGN:
        return {}
    folders = _search_dirs(owner, layout)
    withheld = {}
    for command in commands:
        reason = _reason(command, owner, folders)
        if reason is not None:
            withheld[os.path.join(layout.commands, command)] = reason
    return withheld


def _reason(command: str, owner: ContainerdOwner, folders: t.Iterable[str]) -> str | None:
    if command in _RUNTIME or command.startswith(_SHIM_PREFIX):
        return f"{owner}, which is not ours, would run it in place of its own"
    for folder in folders:
        other = os.path.join(folder, command)
        if os.path.lexists(other):
            return f"it would shadow {other}, or be shadowed by it"
    return None


def _search_dirs(owner: ContainerdOwner, layout: Layout) -> list[str]:
    candidates = [*_SEARCH_DIRS, *owner.search_path]
    for pattern in _SEARCH_PATTERNS:
        candidates += sorted(glob.glob(pattern))
    if owner.executable is not None:
        candidates.append(os.path.dirname(owner.executable))
    ours = os.path.realpath(layout.commands)
    by_real_path = {os.path.realpath(folder): folder for folder in reversed(candidates) if os.path.isdir(folder)}
    by_real_path.pop(ours, None)
    return list(by_real_path.values())
