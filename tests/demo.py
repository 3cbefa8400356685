# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make demo`: a bare node, the toolchain on it, and an image built, run and handed to Kubernetes.

Each command is shown as a person would type it in the checkout. The node stays, to be looked at.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

CHECKOUT = Path(__file__).resolve().parents[1]
INVENTORY = ".ansible/demo"
NODE = "demo"
KIND = os.environ.get("KIND", "debian13")
LAB = ("python", "-m", "lab")

STEPS = (
    ("A bare node (and, the first time, the toolchain from its source)", (*LAB, "nodes", "down", NODE)),
    ("", (*LAB, "up", "--inventory", INVENTORY, f"{NODE}:{KIND}")),
    ("The toolchain is installed", ("ansible-playbook", "-i", INVENTORY, "nephoran.container_build.install")),
    (
        "An image is built, run and handed to Kubernetes, by each builder",
        ("ansible-playbook", "-i", INVENTORY, "nephoran.container_build.verify", "-e", "verify_keep_image=true"),
    ),
    (
        "What containerd holds for Kubernetes now",
        (*LAB, "nodes", "shell", NODE, "sudo", "ctr", "--namespace", "k8s.io", "images", "ls", "--quiet"),
    ),
)
IMAGES = ("ansible", NODE, "-i", INVENTORY, "-m", "nephoran.container_build.image_info", "-a", "namespaces=k8s.io")

console = Console(highlight=False)


class DemoError(Exception):
    """Why the demo ended before its end."""


def environment() -> dict[str, str]:
    """Return the variables with which the commands below find this checkout's tools and the lab."""
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(CHECKOUT / ".venv" / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(CHECKOUT / "tests"),
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
    }


def do(title: str, command: Sequence[str], *, capture: bool = False) -> str:
    """Show a command, run it, and say how long it took.

    :param capture: whether its output is returned, rather than shown.
    :raises DemoError: if it fails.
    """
    if title:
        console.rule(f"[bold]{title}", align="left")
    console.print(f"$ {shlex.join(command)}", style="cyan", soft_wrap=True)
    console.file.flush()
    began = time.monotonic()
    variables = {**environment(), "ANSIBLE_CALLBACK_RESULT_FORMAT": "json" if capture else "yaml"}
    stdout = subprocess.PIPE if capture else None
    done = subprocess.run(command, cwd=CHECKOUT, env=variables, stdout=stdout, text=True, check=False)
    console.print(f"({time.monotonic() - began:.0f} s)", style="dim")
    if done.returncode:
        raise DemoError(f"The command above failed with exit status {done.returncode}.\n{done.stdout or ''}".rstrip())
    return done.stdout or ""


def visible_images(output: str) -> list[dict[str, Any]]:
    """Read from what ``ansible`` printed which images a Pod finds by a name, less those that have only their digest.

    :raises DemoError: if there is none.
    """
    images: list[dict[str, Any]] = json.loads(output.partition("=>")[2])["images"]
    visible = [image for image in images if image["visible_to_kubernetes"] and not image["name"].startswith("sha256:")]
    if not visible:
        raise DemoError("Of the images on the node, a Pod would find none, although three were handed to Kubernetes.")
    return visible


def table(images: Sequence[dict[str, Any]]) -> Table:
    """Lay out the images as a person reads them."""
    shown = Table(box=box.SIMPLE_HEAD, header_style="bold")
    for heading in ("image in a Pod", "image ID", "platforms"):
        shown.add_column(heading)
    shown.add_column("size", justify="right")
    for image in images:
        name = image["name"].removeprefix("docker.io/library/")
        identity = image["image_id"].removeprefix("sha256:")[:12]
        shown.add_row(name, identity, ", ".join(image["platforms"]), f"{image['size'] / 1e6:.1f} MB")
    return shown


def main() -> int:
    """Run the demo and return its exit status."""
    started = time.monotonic()
    try:
        for title, command in STEPS:
            do(title, command)
        images = visible_images(do("What a Pod with imagePullPolicy: Never finds", IMAGES, capture=True))
    except DemoError as error:
        console.print(f"The demo ends here. {error}", style="bold red", markup=False)
        return 1
    console.print(table(images))
    console.rule("[bold green]Done", align="left", style="green")
    console.print(f"From a bare node to a Pod-visible image in {time.monotonic() - started:.0f} s.")
    lab = f"PYTHONPATH=tests .venv/bin/{shlex.join(LAB)}"
    console.print(f"The node stays. To enter it:\n    {lab} nodes shell {NODE}", soft_wrap=True)
    console.print(f"and to remove it:\n    {lab} nodes down {NODE}", soft_wrap=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
