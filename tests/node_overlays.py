# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overlays for tests of upgrades, made on a node of what is installed there."""

from __future__ import annotations

import shlex
import typing as t

INSTALLED = "/usr/local/lib/nerdctl-full/current/bin"

Shell = t.Callable[[str], str]
"""Runs a command on the node, and returns what it prints."""


class Overlay(t.NamedTuple):
    """An archive with one program.

    Attributes:
        component: what the program belongs to.
        version: the one that is stated for it.
        path: of the archive, on the node.
        checksum: of the archive.
    """

    component: str
    version: str
    path: str
    checksum: str

    def entry(self) -> dict[str, t.Any]:
        """Return the entry of ``nerdctl_full_overlays`` that stands for it."""
        return {**self.source(), "src": self.path, "remote_src": True}

    def source(self) -> dict[str, str]:
        """Return what it is, without where it lies."""
        return {"component": self.component, "version": self.version, "checksum": self.checksum}


def another(shell: Shell, program: str, component: str, version: str) -> Overlay:
    """Return an overlay with the installed *program* and a byte more: another one, which works."""
    return _made(shell, program, component, version, f"cat {INSTALLED}/{shlex.quote(program)} && echo")


def broken(shell: Shell, program: str, component: str, version: str) -> Overlay:
    """Return an overlay in which *program* only fails."""
    return _made(shell, program, component, version, "cat /usr/bin/false")


def _made(shell: Shell, program: str, component: str, version: str, content: str) -> Overlay:
    # On every node of the same installation it is the same file.
    path = f"/root/overlays/{component}-{version}.tar.gz"
    told = shell(
        'set -e; folder=$(mktemp -d); mkdir -p "$folder/bin" /root/overlays; '
        f'{{ {content}; }} > "$folder/bin/{program}"; chmod 0755 "$folder/bin/{program}"; '
        f'tar -C "$folder" --mtime=@0 --owner=0 --group=0 -c bin | gzip -1 -n > {path}; '
        f'rm -r "$folder"; sha256sum {path}'
    )
    return Overlay(component, version, path, f"sha256:{told.split()[0]}")
