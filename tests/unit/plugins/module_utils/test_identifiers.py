# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of containerd namespaces."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace


@pytest.mark.parametrize("name", ["default", "k8s.io", "a", "0", "A-b_c.d", "moby", "x" * 76])
def test_containerds_names_are_accepted(name: str) -> None:
    assert validate_namespace(name) == name


@pytest.mark.parametrize(
    "name", ["", "-x", "x-", ".x", "a..b", "a--b", "a b", "a/b", "../x", "x\n", "k8s.io\n", "ü", "--address", "x" * 77]
)
def test_others_are_refused_in_words(name: str) -> None:
    with pytest.raises(InvalidInput, match="letters and digits") as caught:
        validate_namespace(name)
    assert "\n" not in str(caught.value)
