# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single components, from archives of their own, laid over a generation before it serves.

What an overlay brings replaces the file of the same name. The generation's list of checksums is written anew, and a
document beside it says which components are not the archive's.

Source for the form of each component's archive: the releases of the projects. containerd and BuildKit pack ``bin/``;
the CNI plugins and nerdctl pack their programs without a folder; runc publishes the program itself.
"""

from __future__ import annotations

import collections
import dataclasses
import hashlib
import json
import os
import posixpath
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    make_directories,
    require_space,
    sync_directories_below,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._elf import program_architecture
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    OVERLAYS_PATH,
    SUMS_PATH,
    extract_verified,
    read_sums,
    refuse_other_architecture,
    sums_text,
    verify_checksum,
    wrong_checksum,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import write_file

_PIECE_BYTES = 1 << 20
_PROGRAM_MODE = 0o755
_FILE_MODE = 0o644


@dataclasses.dataclass(frozen=True)
class Form:
    """What the archive of a component holds.

    Attributes:
        folder: where its content belongs in a generation.
        program: a program that it must hold, by its path in a generation.
        readme_name: what the README.md of a generation calls the component.
        is_program: whether it is that program itself, and no archive.
    """

    folder: str
    program: str
    readme_name: str
    is_program: bool = False


FORMS: t.Mapping[str, Form] = {
    "buildkit": Form("", "bin/buildkitd", "BuildKit"),
    "cni": Form("libexec/cni", "libexec/cni/bridge", "CNI plugins"),
    "containerd": Form("", "bin/containerd", "containerd"),
    "nerdctl": Form("bin", "bin/nerdctl", "nerdctl"),
    "runc": Form("bin", "bin/runc", "runc", is_program=True),
}
# A generation holds more; no component has business elsewhere.
_FOLDERS = ("bin", "libexec/cni")


@dataclasses.dataclass(frozen=True)
class Overlay:
    """A component that takes the place of the archive's.

    Attributes:
        component: one of ``FORMS``.
        version: as the user states it.
        checksum: of its archive, or of the program if it is that.
    """

    component: str
    version: str
    checksum: Digest

    def __str__(self) -> str:
        return f"{self.component} {self.version}"


def refuse_twice(overlays: t.Iterable[Overlay]) -> None:
    """Check that each component is laid over once.

    Raises:
        InvalidInput: one is named twice.
    """
    counts = collections.Counter(overlay.component for overlay in overlays)
    twice = sorted(component for component, count in counts.items() if count > 1)
    if twice:
        raise InvalidInput("A component is laid over twice", subject=", ".join(twice), expected="each at most once")


def content_digest(archive: Digest, overlays: t.Iterable[Overlay]) -> Digest:
    """Return the digest that stands in a generation's name: the archive's own, unless something is laid over it."""
    lines = sorted(f"{overlay} {overlay.checksum}" for overlay in overlays)
    if not lines:
        return archive
    return Digest("sha256", hashlib.sha256("\n".join([str(archive), *lines]).encode()).hexdigest())


def lay_over(
    tree: str, overlay: Overlay, archive: t.BinaryIO, architecture: str, scratch: str, source: str
) -> dict[str, str]:
    """Put the files of *overlay* in the place of those in *tree*.

    Args:
        tree: a generation that does not serve yet.
        overlay: what is laid over it.
        archive: open at its start.
        architecture: Go's name of the architecture its programs must be for.
        scratch: an empty folder on the same file system, private to the user who runs this.
        source: where the archive came from, for messages.

    Returns:
        The sha256 of each file that was brought, by its path in the generation.

    Raises:
        IntegrityError: the archive is not what was asked for, or has files that belong elsewhere.
        Unavailable: the file system has too little room.
    """
    verify_checksum(archive, overlay.checksum, source)
    form = FORMS[overlay.component]
    if form.is_program:
        digest = _copy_program(archive, architecture, scratch, form, source)
        if digest != overlay.checksum.encoded:
            raise wrong_checksum(archive, overlay.checksum, digest, source)
        brought = {posixpath.basename(form.program): digest}
    else:
        extracted = extract_verified(archive, overlay.checksum, architecture, scratch, source)
        if extracted.links:
            raise _unfit(overlay, f"links ({', '.join(sorted(extracted.links))})", source)
        brought = extracted.files
    placed = {posixpath.join(form.folder, path): path for path in brought}
    elsewhere = sorted(path for path in placed if posixpath.dirname(path) not in _FOLDERS)
    if elsewhere:
        raise _unfit(overlay, f"files that belong elsewhere ({', '.join(elsewhere)})", source)
    if form.program not in placed:
        raise _unfit(overlay, f"no {form.program}", source)
    for path, name in placed.items():
        make_directories(os.path.dirname(os.path.join(tree, path)))
        os.replace(os.path.join(scratch, name), os.path.join(tree, path))
    return {path: brought[name] for path, name in placed.items()}


def write_lists(tree: str, brought: t.Mapping[Overlay, t.Mapping[str, str]]) -> None:
    """Write what was laid over *tree*, and its list of checksums, anew; all of it is durable then.

    Args:
        tree: the generation.
        brought: the sha256 of the files that each overlay brought, by their paths.
    """
    sums = read_sums(tree)
    for files in brought.values():
        sums.update(files)
    text = _document(brought)
    sums[OVERLAYS_PATH] = hashlib.sha256(text.encode()).hexdigest()
    for path in [path for path in sums if os.path.islink(os.path.join(tree, path))]:
        leads_to = os.path.relpath(os.path.realpath(os.path.join(tree, path)), os.path.realpath(tree))
        sums[path] = sums[leads_to]
    write_file(os.path.join(tree, OVERLAYS_PATH), text, _FILE_MODE)
    write_file(os.path.join(tree, SUMS_PATH), sums_text(sums), _FILE_MODE)
    sync_directories_below(tree)


def _document(brought: t.Mapping[Overlay, t.Mapping[str, str]]) -> str:
    entries = [
        {
            "component": overlay.component,
            "name": FORMS[overlay.component].readme_name,
            "version": overlay.version,
            "checksum": str(overlay.checksum),
            "files": sorted(files),
        }
        for overlay, files in sorted(brought.items(), key=lambda item: item[0].component)
    ]
    return json.dumps(entries, indent=2) + "\n"


def _copy_program(archive: t.BinaryIO, architecture: str, scratch: str, form: Form, source: str) -> str:
    """Copy the program *archive* into *scratch*, and return its sha256."""
    name = posixpath.basename(form.program)
    size = archive.seek(0, os.SEEK_END)
    archive.seek(0)
    require_space(scratch, size, f"the program {name}")
    piece = archive.read(_PIECE_BYTES)
    if program_architecture(piece) is None:
        raise IntegrityError(
            f"The file is no program, but {form.readme_name} is published as one",
            subject=source,
            expected="an ELF file",
        )
    refuse_other_architecture(name, piece, architecture, source)
    digest = hashlib.sha256()
    path = os.path.join(scratch, name)
    with open(path, "xb") as program:
        os.fchmod(program.fileno(), _PROGRAM_MODE)
        while piece:
            program.write(piece)
            digest.update(piece)
            piece = archive.read(_PIECE_BYTES)
        program.flush()
        os.fsync(program.fileno())
    return digest.hexdigest()


def _unfit(overlay: Overlay, what: str, source: str) -> IntegrityError:
    return IntegrityError(
        f"The archive for {overlay} holds {what}",
        subject=source,
        expected=f"the release of {FORMS[overlay.component].readme_name} for this architecture",
        remedy="correct component, version or archive of the overlay",
    )
