# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m lab toolchain`` and ``python -m lab program``."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from lab.toolchain import provide
from lab.toolchain.modules import TOOLS
from lab.toolchain.provide import Source
from lab.toolchain.release import SHA256

_arch = click.option("--arch", type=click.Choice(sorted(SHA256)), help="Architecture; by default this machine's.")


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print path, sha256, version, arch and source as JSON.")
@_arch
@click.option("--source", type=click.Choice(["release", "built"]), help="Insist on the release or on a build.")
def toolchain(as_json: bool, arch: str | None, source: Source | None) -> None:
    """Provide the nerdctl-full archive and print its path.

    The release is taken if it can be downloaded; else an archive of the same layout is built from Go modules.
    """
    provided = provide.ensure(arch, source)
    click.echo(json.dumps(asdict(provided), default=str) if as_json else provided.path)


@click.command()
@click.argument("tool", type=click.Choice(sorted(TOOLS)))
@click.argument("name", required=False)
@_arch
def program(tool: str, name: str | None, arch: str | None) -> None:
    """Provide the program NAME of TOOL, built from its Go module, and print its path.

    NAME may be left out where TOOL has one program.
    """
    programs = TOOLS[tool].programs
    if name is None and len(programs) == 1:
        name = programs[0]
    if name not in programs:
        raise click.BadParameter(f"{tool} has {', '.join(programs)}.", param_hint="NAME")
    click.echo(provide.ensure_program(TOOLS[tool], name, arch))
