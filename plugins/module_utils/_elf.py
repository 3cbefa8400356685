# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For which machine a program was built, as the first bytes of its file say.

Source: the ELF header of the System V ABI; the numbers of the machines are those of ``/usr/include/elf.h``.
"""

from __future__ import annotations

import struct
import typing as t

HEADER_BYTES = 20

_MAGIC = b"\x7fELF"
_DATA_FIELD = 5
_BYTE_ORDERS: t.Mapping[int, str] = {1: "<", 2: ">"}
_MACHINE_OFFSET = 18
# Go's name for each machine and byte order; 8 and 243 have a class of 32 bits too that no release was ever made for.
_ARCHITECTURES: t.Mapping[tuple[int, str], str] = {
    (3, "<"): "386",
    (21, ">"): "ppc64",
    (21, "<"): "ppc64le",
    (22, ">"): "s390x",
    (40, "<"): "arm",
    (62, "<"): "amd64",
    (183, "<"): "arm64",
    (243, "<"): "riscv64",
    (258, "<"): "loong64",
}


def program_architecture(header: bytes) -> str | None:
    """Return the architecture, by Go's name, of the program that begins with *header*.

    Args:
        header: the file's first ``HEADER_BYTES`` bytes or more.

    Returns:
        ``None`` if the file is no ELF program; ``machine <number>`` for a machine that has no name here.
    """
    if len(header) < HEADER_BYTES or not header.startswith(_MAGIC):
        return None
    order = _BYTE_ORDERS.get(header[_DATA_FIELD])
    if order is None:
        return "machine of unknown byte order"
    (machine,) = struct.unpack_from(f"{order}H", header, _MACHINE_OFFSET)
    return _ARCHITECTURES.get((machine, order), f"machine {machine}")
