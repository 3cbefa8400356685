# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a playbook on this machine, with the checkout as the collection that it is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def run_playbook(
    plays: list[dict[str, t.Any]], folder: Path, *arguments: str, environ: t.Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run *plays* with a local connection and return what Ansible said, whatever its exit status.

    Args:
        plays: the playbook; strings in it are templates.
        folder: an empty folder for everything that the run needs.
        arguments: further words for ``ansible-playbook``.
        environ: variables added to the environment.
    """
    collections = folder / "collections"
    link = collections / "ansible_collections" / "nephoran" / "container_build"
    link.parent.mkdir(parents=True, exist_ok=True)
    if not link.is_symlink():
        link.symlink_to(CHECKOUT)
    configuration = folder / "ansible.cfg"
    configuration.touch()
    playbook = folder / "playbook.yml"
    playbook.write_text(json.dumps(plays), encoding="utf-8")
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "ansible.cli.playbook",
            "--inventory=localhost,",
            "--connection=local",
            *arguments,
            str(playbook),
        ],
        capture_output=True,
        text=True,
        check=False,
        env={
            **os.environ,
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_CONFIG": str(configuration),
            "ANSIBLE_HOME": str(folder / "home"),
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            **(environ or {}),
        },
    )
