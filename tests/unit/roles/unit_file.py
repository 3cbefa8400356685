# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads unit files after systemd.syntax(7), as far as ours go."""

from __future__ import annotations

import shlex


def directives(text: str) -> dict[str, dict[str, list[str]]]:
    """Return the values of each directive, by section and name."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in map(str.strip, text.splitlines()):
        if not line or line.startswith(("#", ";")):
            continue
        if line.startswith("["):
            section = line.strip("[]")
            found.setdefault(section, {})
        else:
            name, equals, value = line.partition("=")
            assert equals, f"not a directive: {line}"
            found[section].setdefault(name, []).append(value)
    return found


def environment(text: str) -> dict[str, str]:
    """Return the variables that the process gets: quotes and backslashes resolved, doubled percent signs single."""
    assignments = [word for value in directives(text)["Service"].get("Environment", []) for word in shlex.split(value)]
    pairs = (assignment.partition("=") for assignment in assignments)
    return {name: value.replace("%%", "%") for name, _equals, value in pairs}
