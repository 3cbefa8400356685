# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Archives that are not as they should be, for tests of what must be refused."""

from __future__ import annotations

import hashlib
import inspect
import os
import struct
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

from lab import paths
from lab.toolchain import archive, release, tree
from lab.toolchain.provide import LOCK, Toolchain
from lab.toolchain.scratch import scratch

_ELF_MAGIC = b"\x7fELF"
_ELF_MACHINES = {"amd64": 62, "arm64": 183}
_EXIT_CODE = {
    # mov $60, %eax; xor %edi, %edi; syscall
    "amd64": bytes.fromhex("b83c000000 31ff 0f05"),
    # mov x8, #93; mov x0, #0; svc #0
    "arm64": bytes.fromhex("a80b80d2 000080d2 010000d4"),
}


def truncated(toolchain: Toolchain) -> Path:
    """The first half of the archive, as an interrupted download leaves it."""

    def make(target: Path) -> None:
        with open(toolchain.path, "rb") as whole:
            target.write_bytes(whole.read(toolchain.path.stat().st_size // 2))

    return _cached(toolchain, "truncated", toolchain.path.name, make)


def wrong_architecture(toolchain: Toolchain) -> Path:
    """A small archive under the name of the other architecture's release, sound in itself.

    Every program is a stub of that architecture that would do nothing, successfully; ``SHA256SUMS`` lists the stubs.
    """
    other = next(arch for arch in _ELF_MACHINES if arch != toolchain.arch)

    def make(target: Path) -> None:
        with scratch("variant") as root:
            _extract_with_stubs(toolchain.path, root, elf_stub(other))
            (root / tree.CHECKSUMS).write_text(tree.checksums(root), encoding="utf-8")
            archive.pack(root, target, lambda _name: None)

    return _cached(toolchain, "wrong-architecture", release.file_name(other), make)


def elf_stub(arch: str) -> bytes:
    """The smallest static program of an architecture: it exits with status 0."""
    code = _EXIT_CODE[arch]
    address, headers = 0x400000, 64 + 56
    # The fields of Elf64_Ehdr and Elf64_Phdr in the order of elf(5).
    header = struct.pack(
        "<4s4B8x2HI3QI6H",
        *(_ELF_MAGIC, 2, 1, 1, 0, 2, _ELF_MACHINES[arch], 1),
        *(address + headers, 64, 0, 0, 64, 56, 1, 64, 0, 0),
    )
    size = headers + len(code)
    segment = struct.pack("<2I6Q", 1, 5, 0, address, address, size, size, 0x1000)
    return header + segment + code


def _cached(toolchain: Toolchain, kind: str, name: str, make: Callable[[Path], None]) -> Path:
    # The code that makes a variant decides it as much as the archive does.
    code = "".join(inspect.getsource(module) for module in (sys.modules[__name__], tree, archive))
    key = hashlib.sha256(f"{toolchain.sha256}{code}".encode()).hexdigest()[:12]
    with paths.locked(LOCK):
        variants = paths.cache_directory("toolchain", "variants", kind)
        path = variants / key / name
        if not path.exists():
            with paths.staged(path) as target:
                make(target)
            for superseded in variants.iterdir():
                if superseded.name != key:
                    paths.remove(superseded)
        return path


def _extract_with_stubs(source: Path, root: Path, stub: bytes) -> None:
    with tarfile.open(source) as tar:
        for entry in tar:
            target = root / entry.name
            if entry.isdir():
                target.mkdir(parents=True, exist_ok=True)
            elif entry.issym():
                os.symlink(entry.linkname, target)
            else:
                content = tar.extractfile(entry)
                assert content is not None
                data = content.read()
                target.write_bytes(stub if data.startswith(_ELF_MAGIC) else data)
                target.chmod(entry.mode)
