# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The real parts that tests run against: toolchain, nodes, registry. ``python -m lab --help`` lists what it does."""

from __future__ import annotations
