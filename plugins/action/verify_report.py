# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows checks as a table on the controller's terminal and fails if one of them failed."""

from __future__ import annotations

import locale
import os
import re
import typing as t

from ansible import constants as C  # noqa: N812
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc
from ansible.utils.display import Display
from ansible_collections.nephoran.container_build.plugins.plugin_utils._check_table import (
    ASCII_GLYPHS,
    FAILED,
    FAINT,
    PASSED,
    SKIPPED,
    UNICODE_GLYPHS,
    Check,
    Glyphs,
    Trouble,
    diagnose,
    failure_message,
    render,
)

WIDEST = 110

display = Display()

_COLOURS = {PASSED: C.COLOR_OK, FAILED: C.COLOR_ERROR, SKIPPED: C.COLOR_SKIP, FAINT: C.COLOR_VERBOSE}

_ARGUMENTS: dict[str, t.Any] = {
    "title": {"type": "str", "default": "Checks"},
    "checks": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "ok": {"type": "bool"},
            "detail": {"type": "str", "default": ""},
            "section": {"type": "str", "default": ""},
            "cause": {"type": "str", "default": ""},
            "remedy": {"type": "str", "default": ""},
            "output": {"type": "str", "default": ""},
        },
    },
    "troubles": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "patterns": {"type": "list", "elements": "str", "required": True},
            "cause": {"type": "str", "required": True},
            "remedy": {"type": "str", "required": True},
        },
    },
}


class ActionModule(ActionBase):
    """``verify_report``: documented in the module of the same name."""

    TRANSFERS_FILES = False
    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Show the checks; the result fails if one of them failed."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        _unused, arguments = self.validate_argument_spec(argument_spec=_ARGUMENTS)
        title = arguments["title"]
        host = str((task_vars or {}).get("inventory_hostname", "localhost"))
        troubles = [_trouble(fields) for fields in arguments["troubles"]]
        checks = [diagnose(Check(**fields), troubles) for fields in arguments["checks"]]

        width = min(display.columns or WIDEST, WIDEST)
        # One call, so that the lines of nodes that are verified side by side do not mix.
        display.display("\n" + render(checks, title, host, width=width, glyphs=_glyphs(), paint=_paint) + "\n")

        failed = [check.name for check in checks if check.state == FAILED]
        result.update(changed=False, checks=[_as_result(check) for check in checks], failed_checks=failed)
        if failed:
            result.update(failed=True, msg=failure_message(checks, title, host))
        return result


def _trouble(fields: dict[str, t.Any]) -> Trouble:
    for pattern in fields["patterns"]:
        _require_regular_expression(pattern)
    return Trouble(tuple(fields["patterns"]), fields["cause"], fields["remedy"])


def _require_regular_expression(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise AnsibleActionFail(
            f"A pattern of a trouble is not a regular expression: {pattern!r}: {error}. "
            "Expected: what Python's module re understands. To do: correct it in the option troubles."
        ) from error


def _as_result(check: Check) -> dict[str, t.Any]:
    return {
        "name": check.name,
        "ok": check.ok,
        "detail": check.detail,
        "section": check.section,
        "cause": check.cause,
        "remedy": check.remedy,
    }


def _glyphs() -> Glyphs:
    # Not getpreferredencoding(): in Python's UTF-8 mode it answers UTF-8 whatever the terminal can show.
    utf8 = locale.nl_langinfo(locale.CODESET).upper() == "UTF-8"
    # The Linux console decodes UTF-8, but its font has no check marks.
    return UNICODE_GLYPHS if utf8 and os.environ.get("TERM") != "linux" else ASCII_GLYPHS


def _paint(text: str, role: str) -> str:
    return str(stringc(text, _COLOURS[role]))
