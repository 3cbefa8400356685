# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``python -m lab registry`` and ``python -m lab http``."""

from __future__ import annotations

import click

from lab import toolchain
from lab.services import files, service
from lab.services import registry as registry_service


@click.group()
def registry() -> None:
    """A registry that mirrors docker.io, with the images that tests build FROM."""


@registry.command("up")
def registry_up() -> None:
    """Run the registry and fill it with what is missing; print its URL."""
    click.echo(registry_service.ensure())


@registry.command("down")
def registry_down() -> None:
    """Stop the registry; what it holds stays in the cache."""
    service.down(registry_service.ENDPOINT)


@registry.command("status")
@click.pass_context
def registry_status(context: click.Context) -> None:
    """Print the registry's URL and the digest of each image; exit with 1 if it does not run or lacks one."""
    url = service.url_if_running(registry_service.ENDPOINT)
    if url is None:
        click.echo("The registry does not run.")
        context.exit(1)
    click.echo(url)
    digests = {name: registry_service.served_digest(url, *name) for name in registry_service.SEED}
    for (repository, tag), digest in digests.items():
        click.echo(f"{repository}:{tag} {digest or 'missing'}")
    context.exit(0 if all(digests.values()) else 1)


@click.group()
def http() -> None:
    """A file server that gives out the toolchain's archive."""


@http.command("up")
def http_up() -> None:
    """Serve the toolchain's folder; print the URL of the folder."""
    click.echo(files.ensure(toolchain.ensure().path.parent))


@http.command("down")
def http_down() -> None:
    """Stop the file server."""
    service.down(files.ENDPOINT)
