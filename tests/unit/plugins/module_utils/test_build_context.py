# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A build context: what a builder sees of it, and what moved."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pathlib
import shutil
import socket
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import (
    ContextSnapshot,
    PersistentHashCache,
    describe_changes,
    snapshot_context,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

UPSTREAM = json.loads((pathlib.Path(__file__).parent / "data" / "dockerignore.json").read_text(encoding="utf-8"))
WALKED = [case for case in UPSTREAM["cases"] if not case.get("refused")]

Change = t.Callable[[pathlib.Path], object]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def context(tmp_path: pathlib.Path) -> pathlib.Path:
    """A context with one of each kind."""
    root = tmp_path / "context"
    (root / "src" / "lib").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "Dockerfile").write_bytes(b"FROM scratch\n")
    (root / "src" / "app.py").write_bytes(b"print()\n")
    (root / "src" / "lib" / "data").write_bytes(b"x" * 100_000)
    (root / "nothing").write_bytes(b"")
    (root / "link").symlink_to("src/app.py")
    for path in (root / "src", root / "src" / "lib", root / "empty"):
        path.chmod(0o755)
    for path in (root / "Dockerfile", root / "src" / "app.py", root / "src" / "lib" / "data", root / "nothing"):
        path.chmod(0o644)
    return root


@pytest.fixture(scope="module")
def upstream_tree(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    root = tmp_path_factory.mktemp("upstream") / "context"
    for name in UPSTREAM["paths"]:
        path = root / name
        (path if name.endswith("/") else path.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            path.write_bytes(b"x")
    return root


@pytest.mark.parametrize("case", WALKED, ids=lambda case: ascii(case["ignore"]))
def test_walks_what_buildkit_walks(upstream_tree: pathlib.Path, tmp_path: pathlib.Path, case: dict[str, t.Any]) -> None:
    (tmp_path / "Dockerfile.dockerignore").write_bytes(case["ignore"].encode())
    snapshot = snapshot_context(str(upstream_tree), str(tmp_path / "Dockerfile"))
    assert sorted(snapshot.entries) == sorted(case["walked"])


def test_entries_tell_kind_mode_and_content(context: pathlib.Path) -> None:
    (context / "src" / "app.py").chmod(0o4750)
    assert snapshot_context(str(context)).entries == {
        "Dockerfile": f"file 0644 {sha256(b'FROM scratch' + bytes([10]))}",
        "empty": "folder 0755 ",
        "link": "link 0777 src/app.py",
        "nothing": f"file 0644 {sha256(b'')}",
        "src": "folder 0755 ",
        "src/app.py": f"file 4750 {sha256(b'print()' + bytes([10]))}",
        "src/lib": "folder 0755 ",
        "src/lib/data": f"file 0644 {sha256(b'x' * 100_000)}",
    }


def test_entries_are_sorted_and_survive_json(context: pathlib.Path) -> None:
    os.mkdir(os.fsencode(context) + b"/\xff\xfe")
    (context / "Zä").write_bytes(b"z")
    entries = snapshot_context(str(context)).entries
    assert list(entries) == sorted(entries, key=os.fsencode)
    assert json.loads(json.dumps(dict(entries))) == entries


def test_the_same_context_elsewhere_has_the_same_digest(context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    before = snapshot_context(str(context))
    copy = tmp_path / "copy"
    shutil.copytree(context, copy, symlinks=True)
    os.utime(copy / "src" / "app.py", (1, 1))
    if os.geteuid() == 0:
        os.chown(copy / "src" / "app.py", 1234, 1234)
    (tmp_path / "way").symlink_to(copy)
    assert snapshot_context(str(tmp_path / "way")).digest == before.digest
    assert before.digest.startswith("sha256:")


def replace(path: pathlib.Path) -> pathlib.Path:
    """Make room for something else at `path`."""
    path.unlink()
    return path


CHANGES: list[tuple[str, Change, list[str]]] = [
    ("content", lambda root: (root / "src/app.py").write_bytes(b"print(1)\n"), ["src/app.py changed"]),
    ("large", lambda root: (root / "src/lib/data").write_bytes(b"y" * 100_000), ["src/lib/data changed"]),
    ("mode", lambda root: (root / "src/app.py").chmod(0o755), ["src/app.py mode changed, 0644 → 0755"]),
    ("folder mode", lambda root: (root / "src").chmod(0o700), ["src mode changed, 0755 → 0700"]),
    ("sticky", lambda root: (root / "src").chmod(0o1755), ["src mode changed, 0755 → 1755"]),
    ("new", lambda root: (root / "new").write_bytes(b""), ["new added"]),
    ("new folder", lambda root: (root / "src/new").mkdir(), ["src/new/ added"]),
    ("gone", lambda root: (root / "nothing").unlink(), ["nothing removed"]),
    ("folder gone", lambda root: shutil.rmtree(root / "src"), ["src/ removed"]),
    ("empty folder gone", lambda root: (root / "empty").rmdir(), ["empty/ removed"]),
    ("renamed", lambda root: (root / "nothing").rename(root / "none"), ["none added", "nothing removed"]),
    ("target", lambda root: replace(root / "link").symlink_to("src"), ["link points to src, pointed to src/app.py"]),
    ("kind", lambda root: replace(root / "link").write_bytes(b"print()\n"), ["link is a file now, was a link"]),
    (
        "file to folder",
        lambda root: (replace(root / "nothing") / "x").mkdir(parents=True),
        ["nothing is a folder now, was a file", "nothing/x/ added"],
    ),
    ("line break", lambda root: (root / "a\nb").write_bytes(b""), ["a\\nb added"]),
    ("not UTF-8", lambda root: os.mkdir(os.fsencode(root) + b"/\xff"), ["\\udcff/ added"]),
]


@pytest.mark.parametrize(("change", "lines"), [pytest.param(*case[1:], id=case[0]) for case in CHANGES])
def test_each_change_moves_the_digest_and_is_told(context: pathlib.Path, change: Change, lines: list[str]) -> None:
    before = snapshot_context(str(context))
    change(context)
    after = snapshot_context(str(context))
    assert after.digest != before.digest
    assert describe_changes(before.entries, after.entries) == lines


def test_names_and_contents_cannot_be_confused() -> None:
    one = ContextSnapshot({"a": "link 0777 b", "c": "link 0777 d"})
    other = ContextSnapshot({"a": "link 0777 bc", "": "link 0777 d"})
    assert one.digest != other.digest
    assert ContextSnapshot({"a1": "x"}).digest != ContextSnapshot({"a": "1x"}).digest


def test_attributes_count_as_they_do_for_buildkit(context: pathlib.Path) -> None:
    path = context / "src" / "app.py"
    try:
        os.setxattr(path, "user.nephoran", b"1")
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
        pytest.skip("the file system of the tests has no extended attributes")
    before = snapshot_context(str(context))
    assert before.entries["src/app.py"].endswith("\0user.nephoran=31")
    os.setxattr(path, "user.nephoran", b"2")
    after = snapshot_context(str(context))
    assert describe_changes(before.entries, after.entries) == ["src/app.py extended attributes changed"]
    assert after.digest != before.digest


@pytest.mark.parametrize(("number", "there"), [(errno.ENOTSUP, True), (errno.EPERM, True), (errno.ENOENT, False)])
def test_what_has_no_attributes_to_show_is_there_unless_it_is_gone(
    context: pathlib.Path, monkeypatch: pytest.MonkeyPatch, number: int, there: bool
) -> None:
    listxattr = os.listxattr

    def failing(path: bytes, *, follow_symlinks: bool) -> list[str]:
        if path.endswith(b"/nothing"):
            raise OSError(number, os.strerror(number), path)
        return listxattr(path, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "listxattr", failing)
    assert ("nothing" in snapshot_context(str(context)).entries) is there


def test_special_files_are_never_opened(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "pipe").chmod(0o600)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "socket"))
        (tmp_path / "socket").chmod(0o755)
        entries = snapshot_context(str(tmp_path)).entries
    assert entries == {"pipe": "pipe 0600 ", "socket": f"file 0755 {sha256(b'')}"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
def test_a_device_counts_by_its_numbers(tmp_path: pathlib.Path) -> None:
    try:
        os.mknod(tmp_path / "null", 0o020666, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("this container may not make devices")
    (tmp_path / "null").chmod(0o666)
    assert snapshot_context(str(tmp_path)).entries == {"null": "chardevice 0666 1:3"}


def test_the_dockerfiles_own_ignore_file_wins(context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    (context / ".dockerignore").write_text("src\n")
    (context / "Dockerfile.dockerignore").write_text("empty\n")
    (context / "build").mkdir()
    (context / "build" / "Other").write_text("FROM scratch\n")
    (context / "build" / "Other.dockerignore").write_text("*\n!nothing\n")
    assert "src" not in snapshot_context(str(context)).entries
    assert "src" not in snapshot_context(str(context), str(tmp_path / "elsewhere")).entries
    own = snapshot_context(str(context), str(context / "Dockerfile")).entries
    assert "src" in own
    assert "empty" not in own
    assert list(snapshot_context(str(context), str(context / "build" / "Other")).entries) == ["nothing"]


IGNORE_FILES = ("Dockerfile.dockerignore", "Dockerfile.containerignore", ".containerignore", ".dockerignore")


@pytest.mark.parametrize("first", range(len(IGNORE_FILES)))
def test_buildah_looks_for_more_ignore_files(tmp_path: pathlib.Path, first: int) -> None:
    """Each of those that are there leaves itself standing alone: the order is that of buildah 1.28.2."""
    there = IGNORE_FILES[first:]
    for name in there:
        (tmp_path / name).write_text(f"*\n!{name}\n")
    for_buildah = snapshot_context(str(tmp_path), str(tmp_path / "Dockerfile"), for_buildah=True)
    assert list(for_buildah.entries) == [there[0]]
    for_buildkit = snapshot_context(str(tmp_path), str(tmp_path / "Dockerfile"))
    assert list(for_buildkit.entries) == [next(name for name in there if name.endswith(".dockerignore"))]


def test_an_empty_ignore_file_of_the_dockerfile_leaves_nothing_out(context: pathlib.Path) -> None:
    (context / ".dockerignore").write_text("src\n")
    (context / "Dockerfile.dockerignore").write_text("")
    assert "src" in snapshot_context(str(context), str(context / "Dockerfile")).entries


def test_a_folder_of_that_name_is_no_ignore_file(context: pathlib.Path) -> None:
    (context / ".dockerignore").mkdir()
    assert ".dockerignore" in snapshot_context(str(context)).entries


def test_dockerfile_and_ignore_file_are_entries_like_any_other(context: pathlib.Path) -> None:
    (context / ".dockerignore").write_text("empty\n")
    assert {"Dockerfile", ".dockerignore"} <= set(snapshot_context(str(context)).entries)
    (context / ".dockerignore").write_text("empty\nDockerfile\n.dockerignore\n")
    assert not {"Dockerfile", ".dockerignore"} & set(snapshot_context(str(context)).entries)


def test_a_folder_that_nothing_takes_back_is_not_listed(context: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[bytes] = []
    scandir = os.scandir

    def recording(path: bytes) -> t.Iterator[os.DirEntry[bytes]]:
        listed.append(os.path.relpath(path, os.fsencode(context)))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", recording)
    (context / ".dockerignore").write_text("src\nempty\n!empty/x\n")
    snapshot_context(str(context))
    assert sorted(listed) == [b".", b"empty"]


@pytest.mark.parametrize(("ignore", "readable"), [("", False), ("src", True), ("src\n!src/lib", True), ("!src", False)])
def test_a_folder_that_cannot_be_read_matters_if_the_builder_needs_it(
    context: pathlib.Path, monkeypatch: pytest.MonkeyPatch, ignore: str, readable: bool
) -> None:
    scandir = os.scandir

    def refusing(path: bytes) -> t.Iterator[os.DirEntry[bytes]]:
        if path.rstrip(b"/").endswith(b"/src"):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    (context / ".dockerignore").write_text(ignore)
    if readable:
        assert "src" not in snapshot_context(str(context)).entries
        return
    with pytest.raises(InvalidInput, match=r"Permission denied.*/context/src"):
        snapshot_context(str(context))


@pytest.mark.parametrize("name", ["src/app.py", "src/lib/data"])
def test_a_file_that_cannot_be_read_is_named(context: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    really_open = os.open

    def refusing(path: bytes, flags: int) -> int:
        if os.fsdecode(path).endswith(name):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return really_open(path, flags)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(InvalidInput, match="Permission denied") as caught:
        snapshot_context(str(context))
    assert caught.value.subject == str(context / name)
    assert ".dockerignore" in str(caught.value)


@pytest.mark.parametrize("name", ["absent", "Dockerfile"])
def test_a_context_that_is_no_folder_is_refused(context: pathlib.Path, name: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        snapshot_context(str(context / name))


def test_a_malformed_ignore_file_is_named(context: pathlib.Path) -> None:
    (context / ".dockerignore").write_text("src\n[\n")
    with pytest.raises(InvalidInput, match="not closed") as caught:
        snapshot_context(str(context))
    assert caught.value.subject == f"'[' in {context / '.dockerignore'}"


class FakeCache:
    """Remembers what it is asked and told; does something to each file before it is read."""

    def __init__(self, act: t.Callable[[], object] = lambda: None) -> None:
        self.act = act
        self.known: dict[int, str] = {}

    def get(self, status: os.stat_result) -> str | None:
        self.act()
        return self.known.get(status.st_ino)

    def put(self, status: os.stat_result, digest: str, started: int) -> None:
        assert started > 0
        self.known[status.st_ino] = digest


def test_what_the_cache_knows_is_not_read(context: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = FakeCache()
    first = snapshot_context(str(context), cache=cache)
    assert len(cache.known) == 3

    def refusing(path: bytes, flags: int) -> int:
        raise AssertionError(path, flags)

    monkeypatch.setattr(os, "open", refusing)
    assert snapshot_context(str(context), cache=cache) == first


def test_a_file_that_goes_meanwhile_was_never_there(context: pathlib.Path) -> None:
    cache = FakeCache(lambda: (context / "src" / "app.py").unlink(missing_ok=True))
    assert "src/app.py" not in snapshot_context(str(context), cache=cache).entries


def test_a_file_that_becomes_a_pipe_meanwhile_does_not_make_us_wait(context: pathlib.Path) -> None:
    def replace() -> None:
        (context / "src" / "app.py").unlink()
        os.mkfifo(context / "src" / "app.py")

    assert "src/app.py" not in snapshot_context(str(context), cache=FakeCache(replace)).entries


def test_a_file_that_grows_meanwhile_is_not_remembered(context: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    really_read = os.readv

    def growing(descriptor: int, blocks: list[memoryview]) -> int:
        count = really_read(descriptor, blocks)
        if blocks[0][:count] == b"FROM scratch\n":
            with (context / "Dockerfile").open("ab") as stream:
                stream.write(b"USER 1\n")
        return count

    monkeypatch.setattr(os, "readv", growing)
    cache = FakeCache()
    entries = snapshot_context(str(context), cache=cache).entries
    assert entries["Dockerfile"].endswith(sha256(b"FROM scratch\nUSER 1\n"))
    assert (context / "Dockerfile").stat().st_ino not in cache.known
    assert len(cache.known) == 2


def test_with_the_real_cache_a_changed_byte_is_seen_at_once(context: pathlib.Path, tmp_path: pathlib.Path) -> None:
    """Size and name stay the same, and the changes follow each other as fast as can be."""
    seen = set()
    for number in range(20):
        (context / "src" / "app.py").write_bytes(b"%08d" % number)
        with PersistentHashCache.open(str(tmp_path / "state")) as cache:
            seen.add(snapshot_context(str(context), cache=cache).digest)
    assert len(seen) == 20


def test_many_files_of_all_sizes_are_hashed_right(tmp_path: pathlib.Path) -> None:
    sizes = [0, 1, 32 * 1024 - 1, 32 * 1024, 32 * 1024 + 1, 1024 * 1024, 1024 * 1024 + 1, 3 * 1024 * 1024]
    contents = {f"file{number:03}": os.urandom(sizes[number % len(sizes)]) for number in range(40)}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    entries = snapshot_context(str(tmp_path)).entries
    assert {name: entry.split()[2] for name, entry in entries.items()} == {
        name: sha256(content) for name, content in contents.items()
    }
