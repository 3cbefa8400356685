# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An archive is proven before any of it is used."""

from __future__ import annotations

import gzip
import hashlib
import pathlib
import re
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _durable
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import (
    open_archive,
    parse_checksum,
    unpack,
    unpacked_size,
    verify_checksum,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform

from .conftest import Archive, MakeArchive, member, program

HERE = Platform.host().architecture
ELSEWHERE = "amd64" if HERE == "arm64" else "arm64"


def unpacked(archive: Archive, folder: pathlib.Path, version: str = "2.2.1") -> dict[str, str]:
    folder.mkdir()
    with open_archive(str(archive.path)) as file:
        return unpack(file, parse_checksum(archive.checksum), version, HERE, str(folder), str(archive.path)).files


def test_a_true_archive_is_unpacked(make_archive: MakeArchive, tmp_path: pathlib.Path) -> None:
    files = unpacked(make_archive(), tmp_path / "tree")
    assert files["bin/nerdctl"] == hashlib.sha256(program("nerdctl 2.2.1")).hexdigest()
    assert (tmp_path / "tree/bin/buildkit-cni-bridge").read_bytes() == program("bridge 2.2.1")


@pytest.mark.parametrize("text", [None, "", "  "])
def test_no_checksum_is_no_permission(text: str | None) -> None:
    with pytest.raises(InvalidInput):
        parse_checksum(text)


@pytest.mark.parametrize(
    "text", ["a" * 64, f"sha512:{'a' * 128}", "sha256:abc", f"md5:{'a' * 32}", f"sha256:{'g' * 64}"]
)
def test_only_a_whole_sha256_is_a_checksum(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_checksum(text)


def test_capitals_in_a_checksum_mean_the_same() -> None:
    assert parse_checksum(f"SHA256:{'AB' * 32}") == Digest("sha256", "ab" * 32)


CAUSES: dict[str, tuple[t.Callable[[bytes], bytes], str]] = {
    "empty": (lambda _whole: b"", "the file is empty"),
    "web page": (
        lambda _whole: b"\n <!DOCTYPE html><html><head><title>Sign in</title>",
        "it is a web page, titled 'Sign in', not an archive",
    ),
    "not gzip": (lambda _whole: b"PK\x03\x04", "it is not a gzip file"),
    "truncated": (lambda whole: whole[:-100], "it ends before its end mark, so it was truncated"),
    "damaged": (lambda whole: whole[:200] + b"\xff" * 20 + whole[220:], "its content is damaged"),
    "another": (lambda _whole: gzip.compress(b"another"), "it is a whole archive, but another one"),
}


@pytest.mark.parametrize(("change", "cause"), CAUSES.values(), ids=CAUSES.keys())
def test_a_wrong_checksum_names_its_cause(
    make_archive: MakeArchive, change: t.Callable[[bytes], bytes], cause: str
) -> None:
    archive = make_archive()
    archive.path.write_bytes(change(archive.path.read_bytes()))
    with open(archive.path, "rb") as file, pytest.raises(IntegrityError, match=re.escape(cause)) as caught:
        verify_checksum(file, parse_checksum(archive.checksum), "somewhere")
    assert archive.checksum in str(caught.value)
    assert caught.value.remedy


def test_the_right_checksum_leaves_the_archive_at_its_start(make_archive: MakeArchive) -> None:
    archive = make_archive()
    with open(archive.path, "rb") as file:
        verify_checksum(file, parse_checksum(archive.checksum), "somewhere")
        assert file.tell() == 0


def test_an_archive_that_changes_between_two_readings_is_refused(
    make_archive: MakeArchive, tmp_path: pathlib.Path
) -> None:
    archive = make_archive()
    with_another_checksum = Archive(archive.path, f"sha256:{'0' * 64}", archive.version)
    with pytest.raises(IntegrityError, match="checksum is wrong"):
        unpacked(with_another_checksum, tmp_path / "tree")


def test_another_architecture_is_named(make_archive: MakeArchive, tmp_path: pathlib.Path) -> None:
    with pytest.raises(IntegrityError, match=f"another architecture: its bin/buildctl is for {ELSEWHERE}") as caught:
        unpacked(make_archive(architecture=ELSEWHERE), tmp_path / "tree")
    assert f"-linux-{HERE}.tar.gz" in str(caught.value)


def test_another_version_is_named(make_archive: MakeArchive, tmp_path: pathlib.Path) -> None:
    with pytest.raises(IntegrityError, match=r"holds nerdctl 2\.2\.0"):
        unpacked(make_archive(stated_version="2.2.0"), tmp_path / "tree")


@pytest.mark.parametrize(
    ("parts", "trouble"),
    [
        ({"sums": {"bin/nerdctl": "0" * 64}}, "bin/nerdctl has another content"),
        ({"sums": {"bin/buildkit-cni-bridge": "0" * 64}}, "bin/buildkit-cni-bridge has another content"),
        ({"sums": {"bin/more": "0" * 64}}, "bin/more is missing"),
        ({"extra": (member("bin/more", b"more"),)}, "bin/more is not listed"),
    ],
)
def test_files_must_be_what_the_archive_lists(
    make_archive: MakeArchive, tmp_path: pathlib.Path, parts: dict[str, t.Any], trouble: str
) -> None:
    with pytest.raises(IntegrityError, match="are not what its own") as caught:
        unpacked(make_archive(**parts), tmp_path / "tree")
    assert trouble in str(caught.value)


def test_an_archive_without_a_list_is_another_archive(make_archive: MakeArchive, tmp_path: pathlib.Path) -> None:
    with pytest.raises(IntegrityError, match="lists no checksums"):
        unpacked(make_archive(without_sums=True), tmp_path / "tree")


def test_a_list_of_another_form_is_refused(make_archive: MakeArchive, tmp_path: pathlib.Path) -> None:
    with pytest.raises(IntegrityError, match="line of another form"):
        unpacked(make_archive(sums={"bin/nerdctl": "short"}), tmp_path / "tree")


def test_room_is_looked_for_beforehand(
    make_archive: MakeArchive, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_durable, "free_bytes", lambda _folder: 1000)
    with pytest.raises(Unavailable, match="too little room for the unpacked archive"):
        unpacked(make_archive(), tmp_path / "tree")
    assert list((tmp_path / "tree").iterdir()) == []


def test_the_unpacked_size_is_known_from_the_end(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "archive"
    path.write_bytes(gzip.compress(bytes(123_456)))
    with open(path, "rb") as file:
        assert unpacked_size(file) == 123_456
        assert file.tell() == 0


def test_a_missing_archive_is_named(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotFound, match=f"{tmp_path}/none"):
        open_archive(str(tmp_path / "none"))


def test_a_folder_is_no_archive(tmp_path: pathlib.Path) -> None:
    with pytest.raises(InvalidInput, match="is a folder"):
        open_archive(str(tmp_path))
