# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the small archives that the target needs, true and crafted, and prints their checksums as JSON.

Usage: make_archives.py FOLDER MACHINE, the machine as ``uname -m`` names it.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import pathlib
import struct
import sys
import tarfile

ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
SUMS = "share/doc/nerdctl-full/SHA256SUMS"


def program(text: str, machine: int) -> bytes:
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine) + text.encode()


def files_of(version: str, machine: int, commands: list[str]) -> dict[str, bytes]:
    files = {f"bin/{command}": program(f"{command} {version}", machine) for command in commands}
    files["libexec/cni/nephoran-plugin"] = program(f"plugin {version}", machine)
    files["libexec/cni/LICENSE"] = b"a licence is no plugin\n"
    files["share/doc/nerdctl-full/README.md"] = f"# nerdctl (full distribution)\n- nerdctl: v{version}\n".encode()
    return files


def listing(files: dict[str, bytes]) -> bytes:
    return "".join(f"{hashlib.sha256(content).hexdigest()}  ./{path}\n" for path, content in files.items()).encode()


def entry(path: str, mode: int, **fields: object) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.mode = mode
    for field, value in fields.items():
        setattr(info, field, value)
    return info


def archive_of(files: dict[str, bytes], sums: bytes, *extra: tarfile.TarInfo) -> bytes:
    return packed({**files, SUMS: sums}, *extra)


def packed(files: dict[str, bytes], *extra: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for path, content in files.items():
            executable = path.startswith(("bin/", "libexec/cni/nephoran"))
            tar.addfile(entry(path, 0o755 if executable else 0o644, size=len(content)), io.BytesIO(content))
        for info in extra:
            tar.addfile(info, io.BytesIO(bytes(info.size)))
    return gzip.compress(buffer.getvalue(), mtime=0)


def main() -> None:
    folder, machine = pathlib.Path(sys.argv[1]), ELF_MACHINES[sys.argv[2]]
    other_machine = next(other for other in ELF_MACHINES.values() if other != machine)
    commands = ["nephoran-tool", "containerd", "containerd-shim-runc-v2", "ctr", "runc"]
    one = files_of("1.0.0", machine, [*commands, "nephoran-gone"])
    two = files_of("2.0.0", machine, [*commands, "nephoran-come"])
    three = files_of("3.0.0", machine, commands)
    foreign = files_of("3.0.0", other_machine, commands)
    whole = archive_of(three, listing(three))
    archives = {
        "one": archive_of(one, listing(one)),
        "two": archive_of(two, listing(two)),
        "three": whole,
        "truncated": whole[: len(whole) // 2],
        "page": b"<!DOCTYPE html><html><head><title>Sign in</title></head></html>",
        "architecture": archive_of(foreign, listing(foreign)),
        "sums": archive_of(three, listing({**three, "bin/runc": b"another"})),
        "unlisted": archive_of({**three, "bin/more": b"more"}, listing(three)),
        "version": archive_of(two, listing(two), entry("share/more/", 0o755, type=tarfile.DIRTYPE)),
        "climbing": archive_of(three, listing(three), entry("../../../../evil", 0o755, size=4)),
        "absolute": archive_of(three, listing(three), entry("/evil", 0o755, size=4)),
        "link": archive_of(
            three, listing(three), entry("bin/evil", 0o777, type=tarfile.SYMTYPE, linkname="/etc/shadow")
        ),
        "hardlink": archive_of(
            three, listing(three), entry("bin/evil", 0o755, type=tarfile.LNKTYPE, linkname="/etc/shadow")
        ),
        "device": archive_of(
            three, listing(three), entry("bin/evil", 0o666, type=tarfile.CHRTYPE, devmajor=1, devminor=3)
        ),
        "setuid": archive_of(three, listing(three), entry("bin/evil", 0o4755, size=4)),
    }
    runc = program("runc 9.9.9", machine)
    archives["overlay"] = packed({"bin/containerd": program("containerd 9.9.9", machine)})
    for name, content in archives.items():
        (folder / f"{name}.tar.gz").write_bytes(content)
    # runc is released as the program itself.
    (folder / "runc").write_bytes(runc)
    archives["runc"] = runc
    print(json.dumps({name: f"sha256:{hashlib.sha256(content).hexdigest()}" for name, content in archives.items()}))


if __name__ == "__main__":
    main()
