# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Roles' files as Ansible renders them."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.tests.unit.roles.rendering import Case, Render, Rendered, render_in


@pytest.fixture(scope="session")
def render(tmp_path_factory: pytest.TempPathFactory) -> Render:
    """Return a function that renders cases, by name, in one run of Ansible."""

    def render_all(cases: dict[str, Case]) -> Rendered:
        return render_in(tmp_path_factory.mktemp("rendered"), cases)

    return render_all
