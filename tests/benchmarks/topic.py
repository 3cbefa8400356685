# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one topic of the benchmarks comes to."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.memory import Peak
from benchmarks.report import Goal, Table


@dataclass(frozen=True)
class Results:
    """The results of one topic."""

    table: Table
    goals: tuple[Goal, ...]
    peaks: tuple[Peak, ...]
