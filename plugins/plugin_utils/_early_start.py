# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has ``_quick_start`` begin before a module does, so that Ansible's own files are compiled once a boot too.

A module cannot say so itself: what Ansible sends imports files of Ansible's before the module (docs/decisions/0053).
"""

from __future__ import annotations

import dataclasses
import functools
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.nephoran.container_build.plugins.module_utils import _quick_start

# Ends what Ansible sends: a program that defines one function, and calls it here with all that makes it this module.
_CALL = b"\nif __name__ == "


class EarlyStart(ActionBase):
    """An action whose modules begin with ``_quick_start``; goes in front of the other bases of an action plugin."""

    def _configure_module(self, *args: t.Any, **keywords: t.Any) -> t.Any:
        return _with_early_start(super()._configure_module(*args, **keywords))


def early_started(program: bytes) -> bytes:
    """Return *program*, as Ansible sends modules, with ``_quick_start`` in front of its call.

    Of a program of another form nothing is known, and it is returned as it is.
    """
    before, call, after = program.rpartition(_CALL)
    return b"".join((before, _statement(), call, after)) if call else program


@functools.lru_cache(maxsize=1)
def _statement() -> bytes:
    with open(_quick_start.__file__, encoding="utf-8") as file:
        source = file.read()
    name = _quick_start.__name__
    return f'\nexec(compile({source!r}, {name!r}, "exec"), {{"__name__": {name!r}}})\n'.encode()


def _with_early_start(configured: t.Any) -> t.Any:
    """Return what ``_configure_module`` returned, with the program changed, where it has a form that is known."""
    if not isinstance(configured, tuple):
        return configured
    if len(configured) == 4:
        # ansible-core 2.17 and 2.18.
        style, shebang, program, path = configured
        return (style, shebang, early_started(program), path) if _is_program(style, program) else configured
    if len(configured) == 2 and dataclasses.is_dataclass(configured[0]):
        module: t.Any = configured[0]
        if _is_program(getattr(module, "module_style", None), getattr(module, "b_module_data", None)):
            return dataclasses.replace(module, b_module_data=early_started(module.b_module_data)), configured[1]
    return configured


def _is_program(style: object, program: object) -> bool:
    return style == "new" and isinstance(program, bytes)
