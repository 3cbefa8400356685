# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build context as a builder sees it: each entry's digest, the digest of all, and what moved between two of them.

What counts is what BuildKit's own cache key of a context counts (``cache/contenthash`` of BuildKit v0.26.3): kind, mode
bits, content, the target of a link, the numbers of a device, and extended attributes, of those below ``security.`` only
``security.capability``, and none below ``system.`` and ``com.apple.``. Times do not count, nor do owners: the client
sets them to root (``client/solve.go``). The root folder itself is not sent.

The Dockerfile and the ignore file are entries like any other: the builder always gets them, but ``COPY`` sees them only
if no pattern leaves them out. What a Dockerfile says is for the caller to count, wherever it lies.

Special files are what github.com/tonistiigi/fsutil (586307ad452f) makes of them: pipes and devices are sent as such,
never opened; a socket arrives as an empty file. Hard links count as the files they are.

Paths are text: bytes that are not UTF-8 stand in them as ``surrogateescape`` puts them, whatever the locale.
"""

from __future__ import annotations

import functools
import hashlib
import os
import stat
import typing as t
from dataclasses import dataclass, field

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._file_hashes import (
    hash_files,
    to_bytes,
    to_text,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._hash_cache import HashCache, PersistentHashCache

if t.TYPE_CHECKING:
    from ansible_collections.nephoran.container_build.plugins.module_utils._dockerignore import (
        IgnorePatterns,
        ParentMatches,
    )

__all__ = [
    "ContextSnapshot",
    "HashCache",
    "PersistentHashCache",
    "describe_changes",
    "snapshot_context",
    "snapshot_folder",
]

IGNORE_FILE = ".dockerignore"
# Of these buildah takes the first one that is there (1.28.2 and 1.39.3), where BuildKit knows only one name.
BUILDAH_IGNORE_FILES = (IGNORE_FILE, ".containerignore")

_KINDS: t.Mapping[int, str] = {
    stat.S_IFREG: "file",
    stat.S_IFSOCK: "file",
    stat.S_IFDIR: "folder",
    stat.S_IFLNK: "link",
    stat.S_IFIFO: "pipe",
    stat.S_IFCHR: "chardevice",
    stat.S_IFBLK: "blockdevice",
}
_EMPTY_SHA256 = hashlib.sha256().hexdigest()


@dataclass(frozen=True)
class ContextSnapshot:
    """The entries of a context at one moment.

    Attributes:
        entries: for each path, relative to the context, a text ``<kind> <mode> <content>``: the SHA-256 of a file, the
            target of a link, the numbers of a device; extended attributes follow, each after a NUL. Sorted by path.
        stats: for the path of each file, its size in bytes and its time of modification in nanoseconds, as text.
    """

    entries: t.Mapping[str, str] = field(default_factory=dict)
    stats: t.Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def digest(self) -> str:
        """The digest of all entries, ``sha256:<hex>``."""
        hasher = hashlib.sha256(b"context 1\n")
        for path, entry in self.entries.items():
            for text in (path, entry):
                encoded = to_bytes(text)
                hasher.update(b"%d:%b" % (len(encoded), encoded))
        return f"sha256:{hasher.hexdigest()}"


def snapshot_context(
    context: str, dockerfile: str | None = None, cache: HashCache | None = None, *, for_buildah: bool = False
) -> ContextSnapshot:
    """Walk *context* as a builder does.

    ``<dockerfile>.dockerignore`` decides what is left out if it exists, else ``.dockerignore`` in the context. buildah
    looks for ``<dockerfile>.containerignore`` after the first, and for ``.containerignore`` before the second.

    Args:
        context: the folder.
        dockerfile: the Dockerfile's path, which need not be inside.
        cache: digests of files from earlier runs.
        for_buildah: whether buildah is the builder, and not BuildKit.

    Raises:
        InvalidInput: something cannot be read, or a pattern is malformed; the message names it.
    """
    return _snapshot(context, _read_ignore_file(_ignore_files(context, dockerfile, for_buildah)), cache)


def snapshot_folder(folder: str, cache: HashCache | None = None) -> ContextSnapshot:
    """Walk *folder* and leave nothing out; else as :func:`snapshot_context`."""
    return _snapshot(folder, None, cache)


def _snapshot(folder: str, patterns: IgnorePatterns | None, cache: HashCache | None) -> ContextSnapshot:
    walk = _Walk(os.path.realpath(os.fsencode(folder)), patterns)
    walk.run()
    for path, digest in hash_files(walk.root, walk.files, cache):
        if digest is None:
            del walk.entries[path]
        else:
            walk.entries[path].content = digest
    entries = {path: walk.entries[path].text() for path in sorted(walk.entries, key=to_bytes)}
    stats = {path: f"{status.st_size} {status.st_mtime_ns}" for path, status in walk.files if path in entries}
    return ContextSnapshot(entries, stats)


def describe_changes(old: t.Mapping[str, str], new: t.Mapping[str, str]) -> list[str]:
    """Return what moved between the entries of two snapshots, one line each, sorted by path.

    What lies in a folder that is new or gone is not told apart.
    """
    lines: list[str] = []
    told = ""
    for path in sorted({*old, *new}, key=lambda path: f"{path}/"):
        if old.get(path) == new.get(path) or (told and path.startswith(told)):
            continue
        before, after = old.get(path), new.get(path)
        if before is None or after is None:
            folder = _kind(after or before or "") == "folder"
            told = f"{path}/" if folder else ""
            lines.append(f"{_shown(path)}{'/' if folder else ''} {'added' if before is None else 'removed'}")
        else:
            lines.append(f"{_shown(path)} {_what_changed(before, after)}")
    return lines


def _what_changed(before: str, after: str) -> str:
    (old_kind, old_mode, old_rest), (kind, mode, rest) = _fields(before), _fields(after)
    if old_kind != kind:
        return f"is a {kind} now, was a {old_kind}"
    old_content, _nul, _attributes = old_rest.partition("\0")
    content, _nul, _attributes = rest.partition("\0")
    if old_content != content:
        return f"points to {_shown(content)}, pointed to {_shown(old_content)}" if kind == "link" else "changed"
    if old_mode != mode:
        return f"mode changed, {old_mode} → {mode}"
    return "extended attributes changed"


def _fields(entry: str) -> tuple[str, str, str]:
    kind, _space, rest = entry.partition(" ")
    mode, _space, rest = rest.partition(" ")
    return kind, mode, rest


def _kind(entry: str) -> str:
    return _fields(entry)[0]


def _shown(path: str) -> str:
    return path if path.isprintable() else ascii(path)[1:-1]


def _ignore_files(context: str, dockerfile: str | None, for_buildah: bool) -> list[str]:
    names = BUILDAH_IGNORE_FILES if for_buildah else (IGNORE_FILE,)
    of_dockerfile = [dockerfile + name for name in names] if dockerfile is not None else []
    return [*of_dockerfile, *(os.path.join(context, name) for name in reversed(names))]


def _read_ignore_file(candidates: t.Sequence[str]) -> IgnorePatterns | None:
    for path in candidates:
        try:
            with open(path, "rb") as stream:
                content = stream.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            continue
        except OSError as error:
            raise _unreadable(os.fsencode(path), error) from error
        # Most contexts have no such file.
        from ansible_collections.nephoran.container_build.plugins.module_utils._dockerignore import IgnorePatterns  # noqa: PLC0415

        try:
            return IgnorePatterns.parse(content)
        except InvalidInput as error:
            raise InvalidInput(
                error.message, subject=f"{error.subject} in {path}", expected=error.expected, remedy=error.remedy
            ) from error
    return None


class _Entry:
    __slots__ = ("attributes", "content", "kind", "mode")

    def __init__(self, kind: str, mode: int, content: str, attributes: str) -> None:
        self.kind = kind
        self.mode = mode
        self.content = content
        self.attributes = attributes

    def text(self) -> str:
        return f"{self.kind} {self.mode:04o} {self.content}{self.attributes}"


class _Folder(t.NamedTuple):
    """A folder that is still to be walked."""

    path: str
    """Relative to the context, with a slash at the end; empty for the context itself."""
    matches: ParentMatches
    left_out: list[tuple[str, os.stat_result]]
    """The folder and those above it, as far as they are left out until something below them is found."""


class _Walk:
    """Finds the entries of a context; files get the digest of no content at first."""

    def __init__(self, root: bytes, patterns: IgnorePatterns | None) -> None:
        self.root = root
        self.entries: dict[str, _Entry] = {}
        self.files: list[tuple[str, os.stat_result]] = []
        self._patterns = patterns

    def run(self) -> None:
        folders = [_Folder("", (), [])]
        while folders:
            folder = folders.pop()
            absolute = self._absolute(folder.path)
            try:
                with os.scandir(absolute) as scan:
                    for entry in scan:
                        below = self._visit(folder, entry)
                        if below is not None:
                            folders.append(below)
            except (FileNotFoundError, NotADirectoryError) as error:
                if not folder.path:
                    raise _unreadable(absolute, error) from error
            except PermissionError as error:
                # What a builder does not need, it need not read either.
                if not folder.left_out:
                    raise _unreadable(absolute, error) from error
            except OSError as error:
                raise _unreadable(absolute, error) from error

    def _visit(self, folder: _Folder, entry: os.DirEntry[bytes]) -> _Folder | None:
        path = folder.path + to_text(entry.name)
        left_out, matches = False, folder.matches
        if self._patterns:
            left_out, matches = self._patterns.matches_using_parent_results(path, folder.matches)
            if left_out and not (entry.is_dir(follow_symlinks=False) and self._patterns.may_take_back_below(path)):
                return None
        try:
            status = entry.stat(follow_symlinks=False)
            if left_out:
                return _Folder(f"{path}/", matches, [*folder.left_out, (path, status)])
            for parent, parent_status in folder.left_out:
                if parent not in self.entries:
                    self._keep(parent, parent_status, self._absolute(parent))
            self._keep(path, status, entry.path)
        except FileNotFoundError:
            # Gone since the folder was listed: as if it had never been there.
            return None
        return _Folder(f"{path}/", matches, []) if stat.S_ISDIR(status.st_mode) else None

    def _keep(self, path: str, status: os.stat_result, absolute: bytes) -> None:
        kind = _KINDS[stat.S_IFMT(status.st_mode)]
        content = ""
        if kind == "link":
            content = to_text(os.readlink(absolute))
        elif kind in ("chardevice", "blockdevice"):
            content = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        elif kind == "file":
            content = _EMPTY_SHA256
        self.entries[path] = _Entry(kind, stat.S_IMODE(status.st_mode), content, _attributes(absolute))
        if stat.S_ISREG(status.st_mode) and status.st_size:
            self.files.append((path, status))

    def _absolute(self, path: str) -> bytes:
        return os.path.join(self.root, to_bytes(path))


def _attributes(path: bytes) -> str:
    try:
        counted = [name for name in os.listxattr(path, follow_symlinks=False) if _counts(name)]
        if not counted:
            return ""
        values = {name: os.getxattr(path, name, follow_symlinks=False).hex() for name in counted}
    except FileNotFoundError:
        raise
    except OSError:
        # The file system has none, or these are not for our eyes: a builder goes without them then.
        return ""
    return "".join(f"\0{name}={values[name]}" for name in sorted(values))


def _counts(attribute: str) -> bool:
    return attribute == "security.capability" or not attribute.startswith(("security.", "system.", "com.apple."))


def _unreadable(path: bytes, error: OSError) -> InvalidInput:
    return InvalidInput(
        f"A part of the build context cannot be read ({error.strerror})",
        subject=_shown(to_text(path)),
        expected="a context that the user of this task may read as a whole",
        remedy="give that user the right to read it, or leave it out by a line in .dockerignore",
    )
