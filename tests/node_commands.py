# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tools' own commands, as somebody would type them who types them again after a race of containerd's.

containerd's garbage collection may take a snapshot that a build has just found (issue 10835 of containerd/containerd),
and its exports may be cut off without a word (decision 0041). The modules build again and export in another way; what
is typed by hand has to be typed again. No test is about that.
"""

from __future__ import annotations

from pathlib import Path

from testinfra.host import Host

_DESPITE_RACE = Path(__file__).parent / "integration/targets/setup_images/files/bin/despite_race.sh"


def build_by_hand(host: Host, command: str) -> str:
    """Run *command* on *host*, again where it failed for the race, and return what it said."""
    done = host.run("sh -c %s despite_race.sh sh -c %s", _DESPITE_RACE.read_text(encoding="utf-8"), command)
    assert done.succeeded, f"{command}\n{done.stdout}\n{done.stderr}"
    said: str = done.stdout
    return said


def export_by_hand(image: str, archive: str) -> str:
    """Return the words for the shell that export *image* of the namespace ``default``, until *archive* is whole."""
    export = f"ctr -n default images export {archive} {image} && tar -tf {archive} > /dev/null"
    return f"for attempt in 1 2 3 4 5; do {export} && break; done"
