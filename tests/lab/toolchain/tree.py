# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lays built commands out as the nerdctl-full release does.

The layout, the files beside the commands and the way of listing checksums are those of nerdctl 2.2.1's ``Dockerfile``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from lab.toolchain.modules import CNI_PLUGINS, CONTAINERD, NERDCTL, NERDCTL_FULL

CHECKSUMS = Path("share/doc/nerdctl-full/SHA256SUMS")

_README = """\
# nerdctl (full distribution)
{components}

This archive was built from the Go modules of these components for the tests of nephoran.container_build.
It has the layout of the release without its other components: stargz-snapshotter, imgcrypt, slirp4netns, bypass4netns,
fuse-overlayfs, containerd-fuse-overlayfs, tini, buildg, gomodjail.
"""


def assemble(root: Path, programs: Mapping[str, Path], sources: Mapping[str, Path]) -> None:
    """Make the tree that the archive holds.

    :param root: an empty folder to make it in.
    :param programs: for each tool's name, the folder with its commands.
    :param sources: the same for the source of nerdctl, containerd and the CNI plugins, which holds what is not built.
    """
    for tool in NERDCTL_FULL:
        if tool is not CNI_PLUGINS:
            _copy_commands(programs[tool.name], root / "bin")
    _add_rootless_scripts(sources[NERDCTL.name], root / "bin")
    _add_cni_plugins(programs[CNI_PLUGINS.name], sources[CNI_PLUGINS.name], root)
    _add_units(sources[CONTAINERD.name], root / "lib/systemd/system")
    _add_documents(sources[NERDCTL.name], root / "share/doc")
    _write(root / CHECKSUMS, checksums(root))


def checksums(root: Path) -> str:
    """What ``sha256sum`` says of every file and symbolic link beneath ``root``, one a line, ordered by name.

    The release lists links too, by the digest of the file that they lead to, and names everything from ``./`` on.
    """
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_symlink() or not path.is_dir())
    return "".join(f"{_sha256(root / name)}  ./{name}\n" for name in names if name != str(CHECKSUMS))


def buildkit_unit(containerd_unit: str) -> str:
    """The release's ``buildkit.service``: containerd's unit with the program's name replaced, else as it was."""
    renamed = containerd_unit.replace("bin/containerd", "bin/buildkitd")
    return re.sub(r"(Description|Documentation)=.*", "", renamed)


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _copy(source: Path, target: Path, mode: int) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
    target.chmod(mode)


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")
    # Whatever the umask: the archive keeps the mode.
    target.chmod(0o644)


def _copy_commands(directory: Path, target: Path) -> None:
    for command in directory.iterdir():
        _copy(command, target / command.name, 0o755)


def _add_rootless_scripts(nerdctl: Path, target: Path) -> None:
    for script in (nerdctl / "extras/rootless").glob("*.sh"):
        _copy(script, target / script.name, 0o755)


def _add_cni_plugins(programs: Path, source: Path, root: Path) -> None:
    plugins = root / "libexec/cni"
    _copy_commands(programs, plugins)
    for document in ("LICENSE", "README.md"):
        _copy(source / document, plugins / document, 0o644)
    for plugin in programs.iterdir():
        os.symlink(f"../libexec/cni/{plugin.name}", root / "bin" / f"buildkit-cni-{plugin.name}")


def _add_units(containerd: Path, target: Path) -> None:
    _copy(containerd / "containerd.service", target / "containerd.service", 0o644)
    containerd_unit = (containerd / "containerd.service").read_text(encoding="utf-8")
    _write(target / "buildkit.service", buildkit_unit(containerd_unit))


def _add_documents(nerdctl: Path, target: Path) -> None:
    _copy(nerdctl / "README.md", target / "nerdctl/README.md", 0o644)
    for document in sorted((nerdctl / "docs").rglob("*")):
        if document.is_file():
            _copy(document, target / "nerdctl/docs" / document.relative_to(nerdctl / "docs"), 0o644)
    components = "\n".join(f"- {tool.title}: {tool.version}" for tool in NERDCTL_FULL)
    _write(target / "nerdctl-full/README.md", _README.format(components=components))
