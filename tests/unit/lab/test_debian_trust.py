# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from lab.debian import trust


def _certificate(body: str, newline: str = "\n") -> str:
    return newline.join(["-----BEGIN CERTIFICATE-----", body, "-----END CERTIFICATE-----"])


def test_only_unknown_certificates_are_added_each_once() -> None:
    bundle = "\n".join(["# a comment", *map(_certificate, ("known", "proxy", "house", "proxy"))])
    assert trust.difference(bundle, _certificate("known")) == [
        _certificate("proxy") + "\n",
        _certificate("house") + "\n",
    ]


def test_line_ends_make_no_difference() -> None:
    assert trust.difference(_certificate("known", newline="\r\n"), _certificate("known")) == []


def test_nothing_is_added_to_what_holds_all() -> None:
    assert trust.difference(_certificate("known"), _certificate("other") + _certificate("known")) == []
