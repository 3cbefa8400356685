# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An image to be archived."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()
