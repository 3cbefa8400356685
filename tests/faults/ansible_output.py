# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible says of its tasks, read back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_TASK = re.compile(r"^TASK \[(?:[^\]]*? : )?(?P<name>.*)\] \**$")
_GOOD = re.compile(r"^(?:ok|changed): \[")
_RESULT = re.compile(r"^\S+ \| (?P<outcome>[A-Z]+!?) => \{", re.MULTILINE)
_BAD = re.compile(r"^(?:failed|fatal): \[")


def tasks_done(output: str) -> dict[str, bool]:
    """Return each task that a host had to do, by its name, and whether it went well each time.

    A failure that the play ignores is one that it expects.
    """
    done: dict[str, bool] = {}
    for name, lines in _tasks(output):
        failed = any(_BAD.match(line) for line in lines)
        if failed or any(_GOOD.match(line) for line in lines):
            done[name] = done.get(name, True) and (not failed or "...ignoring" in lines)
    return done


def _tasks(output: str) -> Iterator[tuple[str, list[str]]]:
    name, lines = "", []
    for line in output.splitlines():
        match = _TASK.match(line)
        if match is None and not line.startswith(("PLAY ", "RUNNING HANDLER ")):
            lines.append(line)
            continue
        if name:
            yield name, lines
        name, lines = match["name"] if match else "", []
    if name:
        yield name, lines


def module_result(output: str) -> dict[str, Any]:
    """Return what a module returned, out of what ``ansible`` prints for one host.

    :raises ValueError: if there is no result in it.
    """
    match = _RESULT.search(output)
    if match is None:
        raise ValueError(f"no result: {output[-2000:]}")
    result: dict[str, Any]
    # Warnings may follow.
    result, _end = json.JSONDecoder().raw_decode(output, match.end() - 1)
    # Ansible says that in front of the result, not in it.
    result["failed"] = match["outcome"].endswith("!")
    return result
