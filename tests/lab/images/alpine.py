# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for ``docker.io/library/alpine``: busybox, a link to it for each of its commands, and little else."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

from lab import console, podman, prerequisites, shell
from lab.images import oci, store
from lab.images.oci import Layout

DEBIAN_PACKAGES = ("busybox-static",)
BUSYBOX = Path("/bin/busybox")
SETTINGS: dict[str, Any] = {
    "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
    "Cmd": ["/bin/sh"],
}
DIRECTORIES = {
    **dict.fromkeys(("bin", "dev", "etc", "home", "proc", "run", "sys", "usr", "usr/bin", "var"), 0o755),
    "root": 0o700,
    "tmp": 0o1777,
    "var/tmp": 0o1777,
}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "etc/os-release": 'ID=nephoran-lab\nPRETTY_NAME="The lab\'s stand-in for Alpine"\n',
}


def ensure() -> Layout:
    """Provide the image as an OCI layout.

    :raises LabError: if busybox is missing and cannot be installed.
    """
    prerequisites.ensure_debian_packages(DEBIAN_PACKAGES)
    layer = layer_of(BUSYBOX.read_bytes(), shell.run([BUSYBOX, "--list"]).stdout.split())
    recipe = hashlib.sha256(layer + json.dumps(SETTINGS).encode()).hexdigest()
    return store.ensure("alpine", recipe, functools.partial(_write, layer))


def ensure_in_podman() -> str:
    """Provide the image in podman's store.

    :returns: its name there.
    """
    layout = ensure()
    repository = f"{podman.REPOSITORY}/alpine"
    image = f"{repository}:{layout.digest.removeprefix('sha256:')[:12]}"
    if not podman.image_exists(image):
        shell.run(["skopeo", "copy", "--quiet", f"oci:{layout.directory}:{layout.tag}", f"containers-storage:{image}"])
    return image


def layer_of(busybox: bytes, applets: list[str]) -> bytes:
    """The layer as a tar archive, byte for byte the same for the same busybox.

    :param busybox: the program.
    :param applets: the commands that it implements.
    """
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path, mode in DIRECTORIES.items():
            entry = tarfile.TarInfo(path)
            entry.type = tarfile.DIRTYPE
            entry.mode = mode
            archive.addfile(entry)
        for path, text in FILES.items():
            _add_file(archive, path, text.encode(), 0o644)
        _add_file(archive, "bin/busybox", busybox, 0o755)
        for applet in sorted(set(applets) - {"busybox"}):
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type = tarfile.SYMTYPE
            entry.linkname = "busybox"
            archive.addfile(entry)
    return buffer.getvalue()


def _add_file(archive: tarfile.TarFile, path: str, content: bytes, mode: int) -> None:
    entry = tarfile.TarInfo(path)
    entry.size = len(content)
    entry.mode = mode
    archive.addfile(entry, io.BytesIO(content))


def _write(layer: bytes, directory: Path) -> None:
    with console.step("Making the image alpine"):
        oci.write(directory, store.TAG, io.BytesIO(layer), SETTINGS)
