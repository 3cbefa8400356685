# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from lab.debian import mirror
from lab.debian.mirror import KEYRING, Mirror
from lab.errors import LabError

TARGETS = """\
Packages|Example|Tools|main|https://packages.example/apt/
DEP-11|Debian|Debian|main|http://other.example/debian/
Packages|Debian|Debian|contrib|http://contrib.example/debian/
Packages|Debian|Debian-Security|main|http://mirror.example/debian-security/
Packages|Debian|Debian|main|http://mirror.example/debian/
Packages|Debian|Debian|main|http://second.example/debian/
"""


def test_first_main_archive_and_security_archive_of_debian_are_found() -> None:
    found = mirror.parse(TARGETS, ())
    assert found == Mirror("http://mirror.example/debian/", "http://mirror.example/debian-security/", ())


def test_security_archive_may_be_missing() -> None:
    found = mirror.parse("Packages|Debian|Debian|main|http://mirror.example/debian/\n", ())
    assert found.sources("trixie") == [
        f"deb [signed-by={KEYRING}] http://mirror.example/debian/ trixie main",
        f"deb [signed-by={KEYRING}] http://mirror.example/debian/ trixie-updates main",
    ]


def test_security_archive_has_suites_of_its_own() -> None:
    last = mirror.parse(TARGETS, ()).sources("bookworm")[-1]
    assert last == f"deb [signed-by={KEYRING}] http://mirror.example/debian-security/ bookworm-security main"


@pytest.mark.parametrize(
    "targets",
    [
        "",
        "Packages|Ubuntu|Ubuntu|main|http://mirror.example/ubuntu/\n",
        # Where the lists are missing, apt leaves what it would read from them as it is.
        "Packages|$(ORIGIN)|$(LABEL)|main|http://mirror.example/debian/\n",
    ],
)
def test_machine_without_debian_sources_is_refused(targets: str) -> None:
    with pytest.raises(LabError, match="None of this machine's apt sources"):
        mirror.parse(targets, ())


def test_only_options_that_decide_about_the_mirror_are_inherited() -> None:
    dump = [
        'Acquire "";',
        'Acquire::Check-Date "false";',
        'Acquire::http::Proxy "http://x:1";',
        'Acquire::Retries "9";',
    ]
    assert mirror.inherited_options("\n".join(dump)) == (dump[1], dump[2])
