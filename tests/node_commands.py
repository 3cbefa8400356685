# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a builder's own command on a node, as somebody would type it who types it again after a race of containerd's.

containerd's garbage collection may take a snapshot that a build has just found (issue 10835 of containerd/containerd):
the modules build again then, and what is typed by hand has to be typed again. No test is about that.
"""

from __future__ import annotations

import re

from testinfra.host import Host

ATTEMPTS = 3
_RACE = re.compile(r"failed to prepare extraction snapshot .* parent snapshot \S+ does not exist")


def build_by_hand(host: Host, command: str) -> str:
    """Run *command* on *host* until it does not fail for the race, and return what it said."""
    done = host.run(command)
    for _again in range(ATTEMPTS - 1):
        if done.succeeded or not _RACE.search(done.stderr):
            break
        done = host.run(command)
    assert done.succeeded, f"{command}\n{done.stdout}\n{done.stderr}"
    said: str = done.stdout
    return said
