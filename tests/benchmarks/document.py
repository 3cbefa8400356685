# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the figures into docs/benchmarks.md, between two marks."""

from __future__ import annotations

from pathlib import Path

BEGIN = "<!-- The figures below are written by make bench. -->\n"
END = "<!-- The figures above are written by make bench. -->\n"


def replace_figures(path: Path, figures: str) -> None:
    """Put *figures* between the marks of the document *path*.

    Raises:
        ValueError: the marks are not there, once each.
    """
    text = path.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{path} must have each of these lines once: {BEGIN}{END}")
    before, _begin, rest = text.partition(BEGIN)
    _old, _end, after = rest.partition(END)
    path.write_text(f"{before}{BEGIN}\n{figures.strip()}\n\n{END}{after}", encoding="utf-8")
