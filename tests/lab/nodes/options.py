# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path

import click

from lab.nodes.kinds import KINDS

INVENTORY = click.option(
    "--inventory",
    required=True,
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder that the inventory is written into.",
)
COMPILED_PYTHON = click.option(
    "--compiled-python",
    "compiled",
    multiple=True,
    metavar="NAME",
    help="Have Python on this node keep what it compiles of Ansible's files. Tasks take half the time there, on a node"
    " that is no longer quite like an operator's. May be repeated.",
)
NODES = click.argument("nodes", metavar="NAME:KIND...", nargs=-1, required=True)
KINDS_HELP = f"Kinds of node: {', '.join(KINDS)}."
