# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of secrets are taken out of what builders print."""

from __future__ import annotations

import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import Secret
from ansible_collections.nephoran.container_build.plugins.module_utils._secret_mask import SecretMask
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("s3cr3t", "token is s3cr3t, s3cr3t!", "token is ********, ********!"),
        ("s3cr3t\n", "token is s3cr3t", "token is ********"),
        ("first line\nsecond line\n", "-> second line", "-> ********"),
        ("long\nlonger than long", "longer than long", "********"),
        ("a.b*c[", "a.b*c[ and axbbc", "******** and axbbc"),
        ("abc", "the abc of it", "the abc of it"),
        ("", "nothing", "nothing"),
        ("\n\n", "a\n\nb", "a\n\nb"),
    ],
)
def test_values_and_their_lines(value: str, text: str, shown: str) -> None:
    assert SecretMask([value])(text) == shown


@given(st.text(min_size=4).filter(lambda text: text.strip() == text and len(text.splitlines()) == 1), st.text())
def test_no_value_is_left(value: str, around: str) -> None:
    assert value not in SecretMask([value])(around + value + around).replace("********", "")


def test_values_are_read_from_the_files_that_builders_get(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"t0ken-\xff-tail\n")
    mask = SecretMask.of([Secret("token", str(path)), Secret("gone", str(tmp_path / "gone"))])
    assert mask(b"said t0ken-\xff-tail".decode("utf-8", "replace")) == "said ********"


def test_without_secrets_nothing_is_masked() -> None:
    assert SecretMask.of([])("anything") == "anything"
