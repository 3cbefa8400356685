# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpacking takes what a release holds and nothing that could reach outside."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import os
import pathlib
import stat
import tarfile

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError
from ansible_collections.nephoran.container_build.plugins.module_utils._tar_extract import (
    Extracted,
    extract,
    link_stays_inside,
)
from hypothesis import given
from hypothesis import strategies as st

from .conftest import member, tar_of

Member = tuple[tarfile.TarInfo, bytes]


def unpack(folder: pathlib.Path, *members: Member) -> Extracted:
    return extract(io.BytesIO(tar_of(*members)), str(folder), lambda _path, _start: None)


def names_below(folder: pathlib.Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def link(name: str, target: str) -> Member:
    return member(name, type=tarfile.SYMTYPE, linkname=target)


def hard_link(name: str, target: str) -> Member:
    return member(name, type=tarfile.LNKTYPE, linkname=target)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    (tmp_path / "staging").mkdir()
    return tmp_path / "staging"


def test_files_links_and_folders(folder: pathlib.Path) -> None:
    extracted = unpack(
        folder,
        member("./bin/", type=tarfile.DIRTYPE),
        member("./bin/tool", b"tool", 0o775),
        member("share/doc/readme", b"read me", 0o664),
        link("bin/other", "../share/./doc/readme"),
        hard_link("bin/same", "bin/tool"),
        member("empty", b""),
    )
    assert (folder / "bin/other").read_bytes() == b"read me"
    assert (folder / "bin/same").read_bytes() == b"tool"
    assert extracted.links == {"bin/other": "../share/./doc/readme"}
    assert extracted.files == {
        "bin/tool": hashlib.sha256(b"tool").hexdigest(),
        "bin/same": hashlib.sha256(b"tool").hexdigest(),
        "share/doc/readme": hashlib.sha256(b"read me").hexdigest(),
        "empty": hashlib.sha256(b"").hexdigest(),
    }


@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_modes_are_ours_whatever_the_umask(folder: pathlib.Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        unpack(folder, member("bin/tool", b"", 0o777), member("doc", b"", 0o666), member("x/", type=tarfile.DIRTYPE))
    finally:
        os.umask(before)
    modes = {name: stat.S_IMODE((folder / name).stat().st_mode) for name in names_below(folder)}
    assert modes == {"bin": 0o755, "bin/tool": 0o755, "doc": 0o644, "x": 0o755}


def test_files_longer_than_a_piece(folder: pathlib.Path) -> None:
    content = os.urandom((2 << 20) + 17)
    assert unpack(folder, member("large", content)).files == {"large": hashlib.sha256(content).hexdigest()}
    assert (folder / "large").read_bytes() == content


EVIL: dict[str, tuple[Member, ...]] = {
    "a name that climbs": (member("../evil", b"x"),),
    "a name that climbs later": (member("bin/../../evil", b"x"),),
    "an absolute name": (member("/evil", b"x"),),
    "a name that does not print": (member("bin/a\nb", b"x"),),
    "a name that is no text": (member("bin/\udcff", b"x"),),
    "an absolute link": (link("evil", "/etc/passwd"),),
    "a link that climbs": (link("bin/evil", "../../etc/passwd"),),
    "a link that climbs after a link": (link("here", "."), link("evil", "here/../../etc")),
    "an empty link": (link("evil", ""),),
    "a name below a link": (member("d/", type=tarfile.DIRTYPE), link("evil", "d"), member("evil/x", b"x")),
    "a name below a file": (member("evil", b"x"), member("evil/x", b"x")),
    "a file in a link's place": (link("evil", "x"), member("evil", b"x")),
    "a link in a file's place": (member("evil", b"x"), link("evil", "x")),
    "a file in a folder's place": (member("evil/", type=tarfile.DIRTYPE), member("evil", b"x")),
    "a hard link out": (hard_link("evil", "/etc/passwd"),),
    "a hard link that climbs": (hard_link("evil", "../outside"),),
    "a hard link to what it does not hold": (hard_link("evil", "etc/passwd"),),
    "a hard link to a link": (link("x", "y"), hard_link("evil", "x")),
    "a character device": (member("evil", type=tarfile.CHRTYPE, devmajor=1, devminor=3),),
    "a block device": (member("evil", type=tarfile.BLKTYPE, devmajor=8, devminor=0),),
    "a pipe": (member("evil", type=tarfile.FIFOTYPE),),
    "set-user-id": (member("evil", b"x", 0o4755),),
    "set-group-id": (member("evil", b"x", 0o2755),),
    "no name": (member(".", b"x"),),
}


@pytest.mark.parametrize("members", EVIL.values(), ids=EVIL.keys())
def test_evil_members_are_refused_before_they_are_written(folder: pathlib.Path, members: tuple[Member, ...]) -> None:
    (folder.parent / "outside").write_bytes(b"untouched")
    *harmless, _evil = members
    with pytest.raises(IntegrityError, match=r"The archive holds .*nothing of it was installed"):
        unpack(folder, member("good", b"good"), *members)
    written = {item[0].name.strip("/") for item in harmless} | {"good"}
    assert set(names_below(folder)) == written
    assert names_below(folder.parent) == sorted(["outside", "staging", *(f"staging/{name}" for name in written)])
    assert (folder.parent / "outside").read_bytes() == b"untouched"


def test_a_sparse_file_is_refused(folder: pathlib.Path) -> None:
    info = tarfile.TarInfo("evil")
    info.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "10"}
    info.size = 512
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info, io.BytesIO(b"0\n".ljust(512, b"\0")))
    with pytest.raises(IntegrityError, match="neither a file, a folder nor a link"):
        extract(io.BytesIO(buffer.getvalue()), str(folder), lambda _path, _start: None)
    assert names_below(folder) == []


@pytest.mark.parametrize("cut", [300, 700, 2048 + 700])
def test_a_truncated_tar_is_refused(folder: pathlib.Path, cut: int) -> None:
    whole = tar_of(member("one", bytes(1000)), member("two", bytes(5000)))
    with pytest.raises(IntegrityError, match="damaged or truncated"):
        extract(io.BytesIO(whole[:cut]), str(folder), lambda _path, _start: None)


def test_what_is_no_tar_is_refused(folder: pathlib.Path) -> None:
    with pytest.raises(IntegrityError, match="damaged or truncated"):
        extract(io.BytesIO(b"<html>" * 1000), str(folder), lambda _path, _start: None)


def test_the_inspector_sees_a_file_before_it_is_written(folder: pathlib.Path) -> None:
    def inspect(path: str, start: bytes) -> None:
        assert names_below(folder) == []
        assert (path, start) == ("tool", b"content")
        raise IntegrityError("not this one")

    with pytest.raises(IntegrityError, match="not this one"):
        extract(io.BytesIO(tar_of(member("tool", b"content"))), str(folder), inspect)
    assert names_below(folder) == []


def test_a_full_disk_is_not_a_damaged_archive(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int, _content: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(folder, member("tool", b"content"))


def test_a_failure_to_sync_is_no_success(folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(OSError, match="Input/output error"):
        unpack(folder, member("tool", b"content"))


SEGMENTS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", ""]), min_size=1, max_size=6)


def is_loop(path: pathlib.Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False


@given(st.lists(st.tuples(SEGMENTS, SEGMENTS), min_size=1, max_size=5))
def test_no_set_of_accepted_links_leads_outside(
    tmp_path_factory: pytest.TempPathFactory, links: list[tuple[list[str], list[str]]]
) -> None:
    accepted: list[Member] = []
    root = tmp_path_factory.mktemp("none")
    for name, target in links:
        attempt = [*accepted, link("/".join(name), "/".join(target))]
        folder = tmp_path_factory.mktemp("tree")
        with contextlib.suppress(IntegrityError):
            unpack(folder, *attempt)
            root, accepted = folder, attempt
    for path in root.rglob("*"):
        if not is_loop(path):
            resolved = os.path.realpath(path)
            assert resolved == str(root) or resolved.startswith(f"{root}/")


@pytest.mark.parametrize(
    ("path", "target", "inside"),
    [
        ("bin/x", "../libexec/cni/x", True),
        ("bin/x", "y", True),
        ("bin/x", "..", True),
        ("bin/x", "../..", False),
        ("x", "..", False),
        ("a/b/x", "../../..", False),
        ("x", "a/../b", False),
        ("x", "/a", False),
        ("x", "a\nb", False),
    ],
)
def test_where_links_may_lead(path: str, target: str, inside: bool) -> None:
    assert link_stays_inside(path, target) is inside
