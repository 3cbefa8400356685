# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error that a person is meant to read."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab needs is missing or went wrong.

    :param message: what failed, on what, and what was expected.
    :param remedy: what to do about it, in the imperative; empty where nothing better than the message is known.
    """

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message
