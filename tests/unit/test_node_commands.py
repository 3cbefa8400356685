# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from pathlib import Path

import pytest
import testinfra
from node_commands import build_by_hand

ATTEMPTS = 3
LOST = 'failed to prepare extraction snapshot "a": parent snapshot sha256:b does not exist: not found'
BUILDER = """
attempts=$(($(cat {count} 2>/dev/null || echo 0) + 1))
echo $attempts > {count}
[ $attempts -gt {losses} ] && echo built && exit
echo {said} >&2
exit 1
"""


@pytest.mark.parametrize(
    ("losses", "said", "attempts"), [(0, LOST, 1), (1, LOST, 2), (ATTEMPTS, LOST, ATTEMPTS), (1, "no space", 1)]
)
def test_only_what_lost_the_race_is_typed_again(tmp_path: Path, losses: int, said: str, attempts: int) -> None:
    count = tmp_path / "count"
    command = BUILDER.format(count=count, losses=losses, said=repr(said))
    host = testinfra.get_host("local://")
    if losses < attempts:
        assert build_by_hand(host, command) == "built\n"
    else:
        with pytest.raises(AssertionError, match=r"no space|does not exist"):
            build_by_hand(host, command)
    assert int(count.read_text()) == attempts
