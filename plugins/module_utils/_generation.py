# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generations: whole copies of the archive side by side on disk, and the one link that says which of them serves."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import re
import secrets
import stat
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import (
    TEMPORARY_SUFFIX,
    make_directories,
    remove_tree,
    replace_link,
    sync_directory,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

DIGEST_LENGTH = 12
_VERSION = re.compile(r"[0-9][0-9A-Za-z.+~]*(?:-[0-9A-Za-z.+~]+)*")
_NAME = re.compile(rf"(?P<version>{_VERSION.pattern})-(?P<digest>[0-9a-f]{{{DIGEST_LENGTH}}})")
_STAGING_PREFIX = ".staging-"
_REMOVED_PREFIX = ".removed-"
_PRIVATE_MODE = 0o700
_GENERATIONS = "generations"
# The time of a generation's folder is when it served last; whoever unpacks one, sets it to this.
_NEVER_SERVED = 0


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where an installation lies.

    Attributes:
        prefix: the folder that holds ``bin``, ``lib`` and ``libexec``; absolute.
    """

    prefix: str

    @property
    def base(self) -> str:
        """The folder of all that belongs to the installation."""
        return os.path.join(self.prefix, "lib/nerdctl-full")

    @property
    def generations(self) -> str:
        """The folder of the generations."""
        return os.path.join(self.base, _GENERATIONS)

    @property
    def current(self) -> str:
        """The link to the generation that serves."""
        return os.path.join(self.base, "current")

    @property
    def rolled_back(self) -> str:
        """The link to the generation that was rolled back to; it says the same as ``current`` while that serves."""
        return os.path.join(self.base, "rolled-back")

    @property
    def lock(self) -> str:
        """The file that is locked while the installation changes."""
        return os.path.join(self.base, ".lock")

    @property
    def commands(self) -> str:
        """The folder in PATH."""
        return os.path.join(self.prefix, "bin")

    @property
    def plugins(self) -> str:
        """The folder of CNI plugins that nerdctl looks into first."""
        return os.path.join(self.prefix, "libexec/cni")

    def generation(self, name: str) -> str:
        """Return the folder of the generation *name*."""
        return os.path.join(self.generations, name)

    def command_target(self, command: str) -> str:
        """Return what the link of *command* in PATH says; the same for every generation."""
        return os.path.join(self.current, "bin", command)

    def plugin_target(self, plugin: str) -> str:
        """Return what the link of the CNI plugin *plugin* says; the same for every generation."""
        return os.path.join(self.current, "libexec/cni", plugin)

    def owns_target(self, target: str) -> bool:
        """Tell whether a link that says *target* is one of this installation's."""
        return os.path.isabs(target) and os.path.normpath(target).startswith(self.base + "/")

    def generation_of(self, path: str) -> str | None:
        """Return the name of the generation that the real path *path* lies in; ``None`` if in none."""
        root = os.path.realpath(self.generations) + "/"
        if not path.startswith(root):
            return None
        return path[len(root) :].split("/", 1)[0]


def generation_name(version: str, checksum: Digest) -> str:
    """Return the name of the generation that the archive of *version* with *checksum* becomes.

    Raises:
        InvalidInput: *version* has a form that no release has.
    """
    if not _VERSION.fullmatch(version):
        raise InvalidInput("Not a version", subject=repr(version[:60]), expected="such as 2.2.1, without a leading v")
    return f"{version}-{checksum.encoded[:DIGEST_LENGTH]}"


def version_of(name: str) -> str:
    """Return the version in the name of a generation."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidInput("Not the name of a generation", subject=repr(name[:100]), expected="<version>-<12 digits>")
    return match["version"]


def is_older(version: str, than: str) -> bool:
    """Tell whether *version* comes before *than*, by the order of Semantic Versioning 2.0.0, section 11."""
    return _precedence(version) < _precedence(than)


def _precedence(version: str) -> tuple[tuple[int, ...], bool, list[tuple[bool, int, str]]]:
    numbers, _dash, prerelease = version.partition("+")[0].partition("-")
    main = [int(part) if part.isdigit() else 0 for part in numbers.split(".")]
    # 2.2 is 2.2.0.
    main += [0] * (3 - len(main))
    identifiers = [
        (not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in prerelease.split(".") if prerelease
    ]
    return tuple(main), not prerelease, identifiers


class GenerationStore:
    """The generations of one installation, read and changed. Whoever changes holds the lock of the layout."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def refuse_planted(self) -> None:
        """Check that the installation's own folders are folders of root or of this user, which nobody else can write.

        Raises:
            InvalidInput: one is a link, belongs to somebody else or is open to others, or ``current`` is no link.
        """
        layout = self.layout
        for path in (layout.base, layout.generations):
            with contextlib.suppress(FileNotFoundError):
                _refuse_unsafe_folder(path, os.lstat(path))
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISLNK(os.lstat(layout.current).st_mode):
                raise _planted(
                    "Something that is no link stands in the place of the link to the current generation",
                    layout.current,
                )

    def current(self) -> str | None:
        """Return the name of the generation that serves, ``None`` if none does.

        Raises:
            InvalidInput: the link leads somewhere else.
        """
        try:
            target = os.readlink(self.layout.current)
        except FileNotFoundError:
            return None
        folder, name = os.path.split(target)
        if folder != _GENERATIONS or not _NAME.fullmatch(name):
            raise _planted("The link to the current generation leads elsewhere", f"{self.layout.current} -> {target}")
        return name if os.path.isdir(self.layout.generation(name)) else None

    def names(self) -> list[str]:
        """Return the names of all generations: the one that serves, and then those that served last first."""
        current = self.current()
        return sorted(self._times(), key=lambda name: name != current)

    def _times(self) -> dict[str, int]:
        """Return when each generation served last, as noted when another took its place; the latest first."""
        with contextlib.suppress(FileNotFoundError), os.scandir(self.layout.generations) as entries:
            found = [
                (entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
                for entry in entries
                if _NAME.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False)
            ]
            return {name: time for time, name in sorted(found, reverse=True)}
        return {}

    def previous(self) -> str | None:
        """Return the generation that served before the one that serves now; ``None`` if there is none.

        One that was unpacked and never served, since its run was ended, does not count.
        """
        current = self.current()
        before = [name for name, time in self._times().items() if name != current and time != _NEVER_SERVED]
        return before[0] if before and current is not None else None

    def is_rolled_back(self) -> bool:
        """Tell whether the generation that serves came to it by a rollback."""
        return self.current() is not None and not self._rollback_is_over()

    def commands_of(self, name: str) -> list[str]:
        """Return the commands in the generation *name*."""
        return _programs(os.path.join(self.layout.generation(name), "bin"))

    def plugins_of(self, name: str) -> list[str]:
        """Return the CNI plugins in the generation *name*."""
        return _programs(os.path.join(self.layout.generation(name), "libexec/cni"))

    def leftovers(self, link_folders: t.Iterable[str]) -> list[str]:
        """Return the paths that a killed run left behind, here and in *link_folders*."""
        base = self.layout.base
        found = [os.path.join(base, name) for name in _listed(base) if _is_leftover(name)]
        if os.path.lexists(self.layout.rolled_back) and self._rollback_is_over():
            found.append(self.layout.rolled_back)
        for folder in link_folders:
            found += [os.path.join(folder, name) for name in _listed(folder) if name.endswith(TEMPORARY_SUFFIX)]
        return sorted(found)

    def sweep(self, leftovers: t.Iterable[str]) -> None:
        """Remove *leftovers*."""
        for path in leftovers:
            if os.path.isdir(path) and not os.path.islink(path):
                remove_tree(path)
            else:
                os.unlink(path)

    @contextlib.contextmanager
    def staging(self) -> t.Iterator[str]:
        """Give a new folder on the generations' file system that only this user can enter; it is gone afterwards."""
        path = os.path.join(self.layout.base, f"{_STAGING_PREFIX}{secrets.token_hex(8)}")
        os.mkdir(path, _PRIVATE_MODE)
        try:
            yield path
        finally:
            remove_tree(path)

    def adopt(self, tree: str, name: str) -> None:
        """Make the folder *tree*, complete and durable, the generation *name* by one rename."""
        make_directories(self.layout.generations)
        os.utime(tree, (_NEVER_SERVED, _NEVER_SERVED))
        os.rename(tree, self.layout.generation(name))
        sync_directory(self.layout.generations)

    def switch(self, name: str, *, rollback: bool = False) -> None:
        """Let the generation *name* serve, by one rename.

        Args:
            name: the generation.
            rollback: whether to note that it is a way back. The note counts from the rename on, and ends with the next.
        """
        layout = self.layout
        target = os.path.join(_GENERATIONS, name)
        current = self.current()
        if current is not None:
            os.utime(layout.generation(current))
        if rollback:
            replace_link(layout.rolled_back, target)
        replace_link(layout.current, target)
        if not rollback:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(layout.rolled_back)
        sync_directory(layout.base)

    def remove(self, name: str) -> None:
        """Remove the generation *name*: first from its place by one rename, so that nobody meets half of it."""
        doomed = os.path.join(self.layout.base, f"{_REMOVED_PREFIX}{secrets.token_hex(8)}")
        os.rename(self.layout.generation(name), doomed)
        sync_directory(self.layout.generations)
        remove_tree(doomed)

    def _rollback_is_over(self) -> bool:
        return _said_by(self.layout.rolled_back) != _said_by(self.layout.current)

    def stop_serving(self) -> None:
        """Let no generation serve: all links through ``current`` lead nowhere from one moment to the next."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.layout.current)
            sync_directory(self.layout.base)

    def remove_all(self) -> None:
        """Remove the installation's own folder with all that is in it; nothing must serve any more."""
        for name in self.names():
            self.remove(name)
        remove_tree(self.layout.base)
        sync_directory(os.path.dirname(self.layout.base))


def _listed(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []


def _said_by(link: str) -> str | None:
    """Return what *link* says; ``None`` if it is none."""
    try:
        return os.readlink(link)
    except OSError:
        return None


def _programs(folder: str) -> list[str]:
    """Return the names in *folder* that can be started: the CNI plugins lie beside their licence."""
    return [name for name in _listed(folder) if _is_program(os.path.join(folder, name))]


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def _is_leftover(name: str) -> bool:
    return name.startswith((_STAGING_PREFIX, _REMOVED_PREFIX)) or name.endswith(TEMPORARY_SUFFIX)


def _refuse_unsafe_folder(path: str, status: os.stat_result) -> None:
    if not stat.S_ISDIR(status.st_mode):
        raise _planted("A link or a file stands where the installation has a folder; it is not followed", path)
    if status.st_uid not in (0, os.geteuid()):
        raise _planted(f"The folder belongs to the user with the number {status.st_uid}", path)
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _planted("The folder can be written by others", path)


def _planted(message: str, path: str) -> InvalidInput:
    return InvalidInput(
        message,
        subject=path,
        expected="what this module laid down, writable by root only",
        remedy="find out who changed it, and remove it",
    )
