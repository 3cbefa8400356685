# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles' variables and templates as Ansible renders them."""

from __future__ import annotations

import dataclasses
import json
import typing as t
from pathlib import Path

from playbook_run import CHECKOUT, run_playbook

# The parts' values, by case and name.
Rendered = dict[str, dict[str, t.Any]]


@dataclasses.dataclass(frozen=True)
class Case:
    """One rendering of one role.

    Attributes:
        role: the role.
        variables: what a user sets.
        parts: templates by the name under which their value is wanted; ``{role}`` in them is the role's folder.
    """

    role: str
    variables: dict[str, t.Any]
    parts: dict[str, str]


Render = t.Callable[[dict[str, Case]], Rendered]


def render_in(folder: Path, cases: dict[str, Case]) -> Rendered:
    """Render *cases*, by name, in one run of Ansible that uses the empty *folder*."""
    rendered = folder / "rendered.json"
    plays = [*(_play(name, case) for name, case in cases.items()), _delivery(rendered)]
    completed = run_playbook(plays, folder)
    assert completed.returncode == 0, completed.stdout + completed.stderr
    collected = json.loads(rendered.read_text(encoding="utf-8"))
    return {name: json.loads(collected[name]) for name in cases}


def _play(name: str, case: Case) -> dict[str, t.Any]:
    role = CHECKOUT / "roles" / case.role
    parts = {key: part.replace("{role}", str(role)) for key, part in case.parts.items()}
    collect = {"collected": "{{ collected | default({}) | combine({name_of_case: parts | to_json}) }}"}
    return {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(role / "defaults" / "main.yml"), str(role / "vars" / "main.yml")],
        "tasks": [
            {"ansible.builtin.set_fact": collect, "vars": {**case.variables, "parts": parts, "name_of_case": name}}
        ],
    }


def _delivery(path: Path) -> dict[str, t.Any]:
    # A module for every case would take longer than all of the rendering.
    copy = {"dest": str(path), "content": "{{ collected | to_json }}", "mode": "0600"}
    return {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.copy": copy}]}
