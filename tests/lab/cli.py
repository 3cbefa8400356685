# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line: ``python -m lab``. Each part brings a click command of its own; this file only knows where."""

from __future__ import annotations

import importlib
import signal
import sys

import click

from lab import console
from lab.errors import LabError

COMMANDS = {
    "up": "lab.everything:up",
    "down": "lab.everything:down",
    "nodes": "lab.nodes.command:nodes",
    "registry": "lab.services.command:registry",
    "http": "lab.services.command:http",
    "program": "lab.toolchain.command:program",
    "toolchain": "lab.toolchain.command:toolchain",
}


class _Parts(click.Group):
    """A group that imports a part only when its command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*super().list_commands(ctx), *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _colon, attribute = COMMANDS[cmd_name].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=_Parts, context_settings={"help_option_names": ["-h", "--help"]})
def lab() -> None:
    """The real parts that the collection's tests run against."""


def main() -> None:
    """Run the command line and end the process with its exit status."""
    # So that whoever is told to stop still cleans up behind itself.
    signal.signal(signal.SIGTERM, lambda *_received: sys.exit(128 + signal.SIGTERM))
    try:
        lab(prog_name="lab")
    except LabError as error:
        console.fail(str(error))
        sys.exit(1)
