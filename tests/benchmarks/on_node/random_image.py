# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an OCI archive of an image whose layers are random bytes: what no compression and no deduplication helps with.

Runs on the node: Python's standard library only. Usage: random_image.py NAME MEGABYTES > archive.tar
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import sys
import tarfile

LAYERS = 5
MEGABYTE = 1_000_000


def main() -> None:
    """Write the archive to standard output."""
    name, size = sys.argv[1], int(sys.argv[2]) * MEGABYTE
    blobs: dict[str, bytes] = {}
    layers = [_descriptor(blobs, "layer.v1.tar", _layer(number, size // LAYERS)) for number in range(LAYERS)]
    config = {
        "architecture": "amd64" if os.uname().machine == "x86_64" else "arm64",
        "os": "linux",
        "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _descriptor(blobs, "config.v1+json", json.dumps(config).encode()),
        "layers": layers,
    }
    root = _descriptor(blobs, "manifest.v1+json", json.dumps(manifest).encode())
    root["annotations"] = {"io.containerd.image.name": name}
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        _add(archive, "oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
        _add(archive, "index.json", json.dumps({"schemaVersion": 2, "manifests": [root]}).encode())
        for digest, content in blobs.items():
            _add(archive, f"blobs/sha256/{digest.split(':')[1]}", content)


def _layer(number: int, size: int) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        _add(archive, f"data-{number}", os.urandom(size))
    return layer.getvalue()


def _descriptor(blobs: dict[str, bytes], kind: str, content: bytes) -> dict[str, object]:
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    blobs[digest] = content
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": digest, "size": len(content)}


def _add(archive: tarfile.TarFile, path: str, content: bytes) -> None:
    member = tarfile.TarInfo(path)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


if __name__ == "__main__":
    main()
