# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible itself, the release that runs the tests, with this machine as its node."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
import typing as t

CHECKOUT = pathlib.Path(__file__).resolve().parents[3]


def run_module(
    name: str, options: t.Mapping[str, t.Any], *words: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a module of this collection, whatever comes of it.

    Args:
        name: its name in full.
        options: its options.
        words: for Ansible's command line.
        environment: variables for Ansible.
    """
    argv = [str(pathlib.Path(sys.executable).with_name("ansible")), "localhost", "--inventory=localhost,"]
    argv += [f"--extra-vars=ansible_python_interpreter={sys.executable}", "--connection=local"]
    argv += [f"--module-name={name}", f"--args={json.dumps(options)}", *words]
    # Nothing of other runs, whose modules the tests keep packed (docs/decisions/0064).
    inherited = {name: value for name, value in os.environ.items() if name != "ANSIBLE_CALLBACK_PLUGINS"}
    own = {"ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible" / "collections"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(argv, env={**inherited, **own, **environment}, check=False, capture_output=True, text=True)
