# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in a program's place on a node, and tells how long the program took."""

from __future__ import annotations


def script(program: str, notes: str) -> str:
    """Return a script that runs a program with its own words, and ends as that does.

    :param program: the program, as a word of the shell.
    :param notes: the file that gets a line for each process: its microseconds.
    """
    return f"""#!/bin/bash
began=${{EPOCHREALTIME/./}}
{program} "$@"
status=$?
echo $(( ${{EPOCHREALTIME/./}} - began )) >> {notes}
exit $status
"""
