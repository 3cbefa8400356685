# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What docs/architecture.md says of the layers holds in the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
MODULE_UTILS = CHECKOUT / "plugins" / "module_utils"
PREFIX = "ansible_collections.nephoran.container_build.plugins.module_utils."
# Values may be what the runner's answers are made of, and nothing that starts a process or knows Ansible.
BENEATH_VALUES = ("_runner", "_ctr", "_nerdctl", "_buildctl", "_buildah", "_systemd")


def named_files(section: str = "") -> set[str]:
    """Return the files of module_utils that the document names, in one of its sections or in all."""
    text = (CHECKOUT / "docs" / "architecture.md").read_text(encoding="utf-8")
    if section:
        text = text.split(f"### {section}\n", 1)[1].split("\n#", 1)[0]
    return {name for name in re.findall(r"`(_\w+\.py)`", text) if (MODULE_UTILS / name).exists()}


def imports(path: Path) -> set[str]:
    """Return the names of the modules that a file imports when it runs."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    guarded = {
        node
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and "TYPE_CHECKING" in ast.unparse(branch.test)
        for node in ast.walk(branch)
    }
    found = set()
    for node in ast.walk(tree):
        if node in guarded:
            continue
        if isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return found


def test_every_file_has_its_place() -> None:
    there = {path.name for path in MODULE_UTILS.glob("_*.py")} - {"__init__.py"}
    assert there - named_files() == set()


def test_values_know_neither_ansible_nor_processes() -> None:
    below = {PREFIX + name for name in BENEATH_VALUES} | {"subprocess"}
    offending = {
        name: sorted(wrong)
        for name in named_files("Values")
        if (wrong := {each for each in imports(MODULE_UTILS / name) if each in below or each.startswith("ansible.")})
    }
    assert offending == {}


def test_imports_form_no_circle() -> None:
    graph = {
        path.stem: {name[len(PREFIX) :] for name in imports(path) if name.startswith(PREFIX)}
        for path in MODULE_UTILS.glob("_*.py")
    }
    done: set[str] = set()
    while ready := {name for name, needs in graph.items() if name not in done and needs <= done}:
        done |= ready
    assert set(graph) - done == set()


def test_modules_import_no_other_module() -> None:
    for path in (CHECKOUT / "plugins" / "modules").glob("*.py"):
        assert not any(".plugins.modules" in name for name in imports(path)), path.name
