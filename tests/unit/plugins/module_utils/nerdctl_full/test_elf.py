# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The header of a program tells for which machine it is."""

from __future__ import annotations

import struct
import sys

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._elf import program_architecture
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform


def header(machine: int, order: str = "<") -> bytes:
    return b"\x7fELF\x02" + (b"\x01" if order == "<" else b"\x02") + bytes(10) + struct.pack(f"{order}HH", 2, machine)


@pytest.mark.parametrize(
    ("start", "architecture"),
    [
        (header(62), "amd64"),
        (header(183), "arm64"),
        (header(40), "arm"),
        (header(243), "riscv64"),
        (header(21), "ppc64le"),
        (header(22, ">"), "s390x"),
        (header(2, ">"), "machine 2"),
        (header(62)[:19], None),
        (b"#!/bin/sh\necho this is no program", None),
        (b"", None),
    ],
)
def test_architectures(start: bytes, architecture: str | None) -> None:
    assert program_architecture(start) == architecture


def test_this_python_is_for_this_machine() -> None:
    with open(sys.executable, "rb") as program:
        assert program_architecture(program.read(64)) == Platform.host().architecture
