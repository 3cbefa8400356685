# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of dictionary options as text: YAML makes numbers and booleans of what users mean as text."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput


def option_text(value: t.Any, where: str) -> str:
    """Return *value* as text: a number as it is written, a boolean as ``true`` or ``false``.

    Args:
        value: what Ansible handed over.
        where: the option and key, for the message.

    Raises:
        InvalidInput: it is a list, a dictionary or nothing, or holds what no process can be given.
    """
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, (str, int, float)):
        raise InvalidInput("Not a text", subject=where, expected="a string, a number or a boolean")
    return plain_text(str(value), where)


def plain_text(text: str, where: str) -> str:
    """Return *text* if a process, a file and a JSON document can be given it.

    Args:
        text: what the user wrote.
        where: the option, for the message.

    Raises:
        InvalidInput: it holds a NUL character, or what is not Unicode.
    """
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidInput("A text holds a NUL character, or bytes that are not UTF-8", subject=where)
    return text
