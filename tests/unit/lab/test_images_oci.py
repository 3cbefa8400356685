# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import gzip
import hashlib
import io
import json
from pathlib import Path
from typing import Any

from lab.images import alpine, oci
from lab.toolchain.golang import machine_architecture

SETTINGS = {"Cmd": ["/bin/sh"]}
LAYER = alpine.layer_of(b"\x7fELF busybox", ["ls", "sh", "busybox"])


def _blob(directory: Path, descriptor: dict[str, Any]) -> bytes:
    content: bytes = (directory / "blobs" / "sha256" / descriptor["digest"].removeprefix("sha256:")).read_bytes()
    assert hashlib.sha256(content).hexdigest() == descriptor["digest"].removeprefix("sha256:")
    assert len(content) == descriptor["size"]
    return content


def test_every_descriptor_leads_to_its_blob(tmp_path: Path) -> None:
    layout = oci.write(tmp_path / "image", "latest", io.BytesIO(LAYER), SETTINGS)
    top = json.loads((layout.directory / "index.json").read_bytes())["manifests"][0]
    assert top["annotations"] == {"org.opencontainers.image.ref.name": "latest"}
    assert top["digest"] == layout.digest
    index = json.loads(_blob(layout.directory, top))
    assert index["manifests"][0]["platform"] == {"os": "linux", "architecture": machine_architecture()}
    manifest = json.loads(_blob(layout.directory, index["manifests"][0]))
    config = json.loads(_blob(layout.directory, manifest["config"]))
    layer = gzip.decompress(_blob(layout.directory, manifest["layers"][0]))
    assert layer == LAYER
    assert config["config"] == SETTINGS
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(LAYER).hexdigest()}"]


def test_layout_holds_nothing_that_no_descriptor_names(tmp_path: Path) -> None:
    layout = oci.write(tmp_path / "image", "latest", io.BytesIO(LAYER), SETTINGS)
    assert len(list((layout.directory / "blobs" / "sha256").iterdir())) == len(["index", "manifest", "config", "layer"])


def test_same_layer_gives_the_same_image(tmp_path: Path) -> None:
    first = oci.write(tmp_path / "first", "latest", io.BytesIO(LAYER), SETTINGS)
    second = oci.write(tmp_path / "second", "latest", io.BytesIO(LAYER), SETTINGS)
    assert first.digest == second.digest
