# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An installation that somebody made by unpacking the archive ``nerdctl-full`` over the prefix; how it is taken over.

It becomes a generation of its own first, with the same content. Links can then take the place of its files one after
the other: at every moment each command is what it was. The archive's own list, which lies beside the files, is the
proof that they are the archive's and nobody else's.
"""

from __future__ import annotations

import dataclasses
import hashlib
import os
import posixpath
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    background_sync,
    make_directories,
    replace_link,
    require_space,
    sync_directories_below,
    sync_directory,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, Refused
from ansible_collections.nephoran.container_build.plugins.module_utils._file_digest import file_digest
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    SUMS_PATH,
    read_sums,
    stated_version,
    sums_text,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout, generation_name
from ansible_collections.nephoran.container_build.plugins.module_utils._links import Found
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import write_file
from ansible_collections.nephoran.container_build.plugins.module_utils._tar_extract import (
    link_stays_inside,
    write_all,
)

_COMMANDS = "bin"
_PLUGINS = "libexec/cni"
_PIECE_BYTES = 1 << 20
_PROGRAM_MODE = 0o755
_FILE_MODE = 0o644


@dataclasses.dataclass(frozen=True)
class Unpacked:
    """An archive that was unpacked over the prefix.

    Attributes:
        name: the generation that it becomes.
        sums: the sha256 of each of its files that is still there, by its path below the prefix.
        links: the target of each that is a link, by its path below the prefix.
        giving_way: the target of the link that takes the place of each command and plugin, by its whole path.
    """

    name: str
    sums: t.Mapping[str, str]
    links: t.Mapping[str, str]
    giving_way: t.Mapping[str, str]

    def after(self, found: Found) -> Found:
        """Return what lies in the folders of links once this was taken over, where *found* lies now."""
        others = {path: what for path, what in found.others.items() if path not in self.giving_way}
        return Found({**found.ours, **self.giving_way}, others)


def find_unpacked(layout: Layout) -> Unpacked | None:
    """Return the archive that was unpacked over the prefix; ``None`` if there is none, or none of its programs is left.

    Files that are gone, and documents or units that somebody changed, are left out.

    Raises:
        Refused: a program is not what the archive's list says, or nothing tells the version.
    """
    if not os.path.isfile(os.path.join(layout.prefix, SUMS_PATH)):
        return None
    sums = read_sums(layout.prefix)
    giving_way = _giving_way(layout, sums)
    if not giving_way:
        return None
    found: dict[str, str] = {}
    links: dict[str, str] = {}
    for path in sorted(sums):
        full = os.path.join(layout.prefix, path)
        if file_digest(full) != sums[path]:
            continue
        found[path] = sums[path]
        if os.path.islink(full) and full in giving_way:
            links[path] = os.readlink(full)
    _refuse_changed(layout, [full for full in giving_way if os.path.relpath(full, layout.prefix) not in found])
    version = stated_version(layout.prefix)
    if version is None:
        raise Refused(
            "An archive nerdctl-full was unpacked by hand, but nothing tells its version",
            subject=os.path.join(layout.prefix, posixpath.dirname(SUMS_PATH)),
            expected="a line «- nerdctl: v…» in the README.md that the archive brought",
            remedy="unpack the same archive once more, or remove what was unpacked",
        )
    content = hashlib.sha256(sums_text(found).encode("utf-8", "surrogateescape")).hexdigest()
    return Unpacked(generation_name(version, Digest("sha256", content)), found, links, giving_way)


def copy_unpacked(unpacked: Unpacked, prefix: str, tree: str) -> None:
    """Copy what was unpacked over *prefix* into the empty folder *tree*, proven and durable, with a list of its own.

    Raises:
        IntegrityError: a file changed meanwhile.
        Unavailable: the file system has too little room.
    """
    files = [path for path in unpacked.sums if path not in unpacked.links]
    require_space(tree, sum(os.path.getsize(os.path.join(prefix, path)) for path in files), "the copied programs")
    with background_sync() as sync:
        for path in files:
            make_directories(os.path.dirname(os.path.join(tree, path)))
            _copy(os.path.join(prefix, path), os.path.join(tree, path), unpacked.sums[path], sync)
    for path, target in unpacked.links.items():
        make_directories(os.path.dirname(os.path.join(tree, path)))
        os.symlink(target, os.path.join(tree, path))
    write_file(os.path.join(tree, SUMS_PATH), sums_text(unpacked.sums), _FILE_MODE)
    sync_directories_below(tree)


def let_give_way(unpacked: Unpacked) -> None:
    """Put the links in the place of the files, each by one rename, so that a program that runs is not written to."""
    for path, target in unpacked.giving_way.items():
        replace_link(path, target)
    for folder in {os.path.dirname(path) for path in unpacked.giving_way}:
        sync_directory(folder)


def _giving_way(layout: Layout, sums: t.Mapping[str, str]) -> dict[str, str]:
    """Return the listed commands and plugins that stand at their places and are no links of ours."""
    giving_way = {}
    targets = {_COMMANDS: layout.command_target, _PLUGINS: layout.plugin_target}
    for path in sums:
        folder, name = posixpath.split(path)
        full = os.path.join(layout.prefix, path)
        if folder in targets and _is_program(full, path, layout):
            giving_way[full] = targets[folder](name)
    return giving_way


def _is_program(full: str, path: str, layout: Layout) -> bool:
    if os.path.islink(full):
        target = os.readlink(full)
        return not layout.owns_target(target) and link_stays_inside(path, target)
    return os.path.isfile(full) and os.access(full, os.X_OK)


def _refuse_changed(layout: Layout, changed: t.Sequence[str]) -> None:
    if changed:
        raise Refused(
            "An archive nerdctl-full was unpacked by hand, and some of its programs were changed since",
            subject=", ".join(sorted(changed)),
            expected=f"what {os.path.join(layout.prefix, SUMS_PATH)} lists",
            remedy="move your own programs elsewhere, or unpack the archive again",
        )


def _copy(source: str, destination: str, expected: str, sync: t.Callable[[int], None]) -> None:
    """Copy a file and check the copy's sha256; *sync* takes over what was written."""
    digest = hashlib.sha256()
    with open(source, "rb") as file:
        descriptor = os.open(destination, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.fchmod(descriptor, _PROGRAM_MODE if os.fstat(file.fileno()).st_mode & 0o111 else _FILE_MODE)
            while piece := file.read(_PIECE_BYTES):
                digest.update(piece)
                write_all(descriptor, piece)
        except BaseException:
            os.close(descriptor)
            raise
    sync(descriptor)
    if digest.hexdigest() != expected:
        raise IntegrityError("A program changed while it was copied", subject=source, remedy="run the task again")
