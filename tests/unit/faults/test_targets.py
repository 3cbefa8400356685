# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the suite runs of other tests goes by their names: they must be there."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
SUITE = CHECKOUT / "tests/faults"


def text(*patterns: str) -> str:
    return "\n".join(path.read_text(encoding="utf-8") for pattern in patterns for path in CHECKOUT.glob(pattern))


def test_tasks_of_targets_are_there() -> None:
    named = re.findall(r'pytest\.param\("([A-Z][^"]*)"', (SUITE / "test_archives.py").read_text(encoding="utf-8"))
    tasks = re.findall(r"- name: (.*)", text("tests/integration/targets/nerdctl_full/tasks/*.yml"))
    assert named
    assert set(named) <= set(tasks)


def test_parts_of_targets_are_there() -> None:
    parts = re.findall(r'pytest\.param\("(\w+)", "(\w+)"', (SUITE / "test_images.py").read_text(encoding="utf-8"))
    assert parts
    for target, part in parts:
        assert (CHECKOUT / f"tests/integration/targets/{target}/tasks/{part}.yml").is_file()


def test_tests_of_scenarios_are_there() -> None:
    suite = text("tests/faults/test_*.py")
    named = re.findall(r'molecule_tests\(\s*"(\w+)",\s*"(test_\w+)"', suite)
    named += [("adopted", name) for name in re.findall(r'^        "(test_\w+)",$', suite, re.MULTILINE)]
    assert len(named) > 5
    for scenario, name in named:
        assert f"def {name}(" in text(f"molecule/{scenario}/tests/test_*.py")
