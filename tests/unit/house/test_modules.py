# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module documents what an author may rely on, and the action group holds those that its defaults fit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
COLLECTION = "nephoran.container_build"
MODULES = sorted(path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py"))
MEMBERS = yaml.safe_load((CHECKOUT / "meta" / "runtime.yml").read_text(encoding="utf-8"))["action_groups"]["containerd"]
# Their code is that of an action plugin, and so are their attributes.
ON_THE_CONTROLLER = {"node_facts", "verify_report"}


@pytest.fixture(scope="module")
def documentation() -> dict[str, t.Any]:
    """What `ansible-doc` shows of each module, fragments included."""
    answer = subprocess.run(
        [Path(sys.executable).with_name("ansible-doc"), "--json", *(f"{COLLECTION}.{name}" for name in MODULES)],
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / ".ansible" / "collections")},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name: json.loads(answer.stdout)[f"{COLLECTION}.{name}"] for name in MODULES}


def test_the_action_group_is_all_modules_that_reach_containerd(documentation: dict[str, t.Any]) -> None:
    assert [name for name in MODULES if "address" in documentation[name]["doc"]["options"]] == MEMBERS


@pytest.mark.parametrize("name", MEMBERS)
def test_a_member_says_so_and_takes_what_a_group_may_set(name: str, documentation: dict[str, t.Any]) -> None:
    assert documentation[name]["doc"]["attributes"]["action_group"]["membership"] == [f"{COLLECTION}.containerd"]
    assert {"address", "timeout"} <= set(documentation[name]["doc"]["options"])


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ON_THE_CONTROLLER])
def test_a_module_says_how_it_behaves(name: str, documentation: dict[str, t.Any]) -> None:
    attributes = documentation[name]["doc"]["attributes"]
    assert attributes["check_mode"]["support"] == "full"
    assert {"diff_mode", "idempotent"} <= set(attributes)


@pytest.mark.parametrize("name", [name for name in MODULES if name not in ON_THE_CONTROLLER])
def test_a_module_has_its_files_compiled_once(name: str) -> None:
    lines = (CHECKOUT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8").splitlines()
    ours = [line for line in lines if line.startswith(("import ansible_collections.", "from ansible_collections."))]
    assert ours[0].startswith("import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start")


@pytest.mark.parametrize("name", MODULES)
def test_a_module_is_documented_to_the_end(name: str, documentation: dict[str, t.Any]) -> None:
    module = documentation[name]
    assert module["doc"]["version_added"] == "1.0.0"
    assert module["return"]
    tasks = yaml.safe_load(module["examples"])
    assert tasks
    assert any(key == f"{COLLECTION}.{name}" for task in tasks for key in task)
