# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes an OCI archive of images that share no layer, to standard output: without a builder, and for any architecture.

The format is that of the OCI image specification 1.1, image-layout.md, written by hand: what tests read must not come
from the code that is tested.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import sys
import tarfile
from typing import Any

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


class Layout:
    """An OCI layout in a tar that is written as it comes."""

    def __init__(self, stream: Any) -> None:
        self._tar = tarfile.open(fileobj=stream, mode="w|")  # noqa: SIM115 - ended by close()

    def add_file(self, path: str, content: bytes) -> None:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        self._tar.addfile(member, io.BytesIO(content))

    def add_blob(self, media_type: str, content: bytes) -> dict[str, Any]:
        encoded = hashlib.sha256(content).hexdigest()
        self.add_file(f"blobs/sha256/{encoded}", content)
        return {"mediaType": media_type, "digest": f"sha256:{encoded}", "size": len(content)}

    def close(self) -> None:
        self._tar.close()


def random_layer(name: str, size: int) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        member = tarfile.TarInfo(name)
        member.size = size
        tar.addfile(member, io.BytesIO(os.urandom(size)))
    return stream.getvalue()


def add_image(layout: Layout, name: str, arguments: argparse.Namespace) -> dict[str, Any]:
    descriptors = [
        layout.add_blob(LAYER, random_layer(f"file-{number}", arguments.layer_bytes))
        for number in range(arguments.layers)
    ]
    config = {
        "architecture": arguments.architecture,
        "os": "linux",
        "config": {"Cmd": ["/file-0"], "Labels": dict(label.split("=", 1) for label in arguments.label)},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in descriptors]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": layout.add_blob(CONFIG, json.dumps(config).encode()),
        "layers": descriptors,
    }
    target = layout.add_blob(MANIFEST, json.dumps(manifest).encode())
    return {**target, "annotations": {"io.containerd.image.name": name}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architecture", default=ARCHITECTURES[os.uname().machine])
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--layer-bytes", type=int, default=65536)
    parser.add_argument("--label", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("names", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    layout = Layout(sys.stdout.buffer)
    layout.add_file("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())
    images = [add_image(layout, name, arguments) for name in arguments.names]
    layout.add_file("index.json", json.dumps({"schemaVersion": 2, "manifests": images}).encode())
    layout.close()


if __name__ == "__main__":
    main()
