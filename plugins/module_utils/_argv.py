# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Words of command lines: each option is there if it was given, and not otherwise."""

from __future__ import annotations

import typing as t


def if_given(option: str, value: str | None) -> list[str]:
    """Return *option* with *value*, nothing if the value is empty."""
    return [option, value] if value else []


def if_true(option: str, value: bool) -> list[str]:
    """Return *option* if *value* is true."""
    return [option] if value else []


def for_each(option: str, values: t.Iterable[str]) -> list[str]:
    """Return *option* once for each of *values*, in their order."""
    return [word for value in values for word in (option, value)]


def for_each_pair(option: str, values: t.Mapping[str, str], separator: str = "=") -> list[str]:
    """Return *option* once for each key and value, sorted, so that the same options always give the same words."""
    return for_each(option, (f"{key}{separator}{value}" for key, value in sorted(values.items())))
