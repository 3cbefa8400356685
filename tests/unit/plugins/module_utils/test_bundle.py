# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bundles: what is written, what is believed, and what is refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import pathlib
import stat
import tarfile
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _bundle
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle import (
    Source,
    bundle_digest,
    is_unpacked,
    plan_bundle,
    read_members,
    unpack_bundle,
    write_bundle,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle_manifest import (
    MANIFEST_NAME,
    Member,
    manifest_bytes,
    parse_manifest,
    validate_path,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
)

ONE, TWO = b"one" * 1000, b"two" * 100_000
DETAILS = {"version": "1.0.0"}


def member(path: str, content: bytes, **changes: t.Any) -> Member:
    values = {"size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "kind": "collection"}
    return Member(path, **{**values, "details": DETAILS, **changes})


@pytest.fixture
def sources(tmp_path: pathlib.Path) -> list[Source]:
    made = []
    for path, content in (("b/two", TWO), ("a/one", ONE)):
        file = tmp_path / path.replace("/", "-")
        file.write_bytes(content)
        made.append(Source(member(path, content), str(file)))
    return made


@pytest.fixture
def path(tmp_path: pathlib.Path) -> str:
    return str(tmp_path / "bundle.tar")


@pytest.fixture
def bundle(sources: list[Source], path: str) -> str:
    write_bundle(path, sources)
    return path


def tar_of(path: str, entries: t.Sequence[tuple[str | tarfile.TarInfo, bytes]]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in entries:
            header = name if isinstance(name, tarfile.TarInfo) else tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))


def test_the_manifest_is_first_and_nothing_says_where_it_was_made(bundle: str) -> None:
    with tarfile.open(bundle) as tar:
        headers = tar.getmembers()
    assert [header.name for header in headers] == [MANIFEST_NAME, "a/one", "b/two"]
    assert {(header.mtime, header.uid, header.uname, header.mode) for header in headers} == {(0, 0, "", 0o644)}


def test_the_same_files_make_the_same_bytes(bundle: str, sources: list[Source], tmp_path: pathlib.Path) -> None:
    for source in sources:
        os.utime(source.path, (1, 1))
    write_bundle(str(tmp_path / "again.tar"), sources[::-1])
    assert (tmp_path / "again.tar").read_bytes() == pathlib.Path(bundle).read_bytes()


def test_a_bundle_is_planned_once(path: str, sources: list[Source]) -> None:
    plan = plan_bundle(path, sources)
    assert plan.action_lines() == [f"write {path} (new)"]
    assert plan.before == {}
    assert set(plan.after) == {"a/one", "b/two"}
    write_bundle(path, sources)
    assert not plan_bundle(path, sources).changed


def test_other_content_is_a_change(bundle: str, sources: list[Source]) -> None:
    plan = plan_bundle(bundle, sources[:1])
    assert plan.action_lines() == [f"write {bundle} (what belongs in it has changed)"]
    assert (set(plan.before), set(plan.after)) == ({"a/one", "b/two"}, {"b/two"})


@pytest.mark.parametrize("place", [600, 3000, 200_000])
def test_a_damaged_bundle_is_written_again(bundle: str, sources: list[Source], place: int) -> None:
    raw = bytearray(pathlib.Path(bundle).read_bytes())
    raw[place] ^= 1
    pathlib.Path(bundle).write_bytes(raw)
    assert plan_bundle(bundle, sources).changed
    write_bundle(bundle, sources)
    assert not plan_bundle(bundle, sources).changed


@pytest.mark.parametrize("size", [0, 512, 2000, 100_000])
def test_a_bundle_that_was_cut_off_is_refused(bundle: str, tmp_path: pathlib.Path, size: int) -> None:
    os.truncate(bundle, size)
    with pytest.raises(IntegrityError, match="Not a whole bundle"):
        unpack_bundle(bundle, str(tmp_path / "opened"))
    assert not (tmp_path / "opened").exists()


def test_what_was_written_comes_out(bundle: str, tmp_path: pathlib.Path) -> None:
    opened = tmp_path / "opened"
    unpack_bundle(bundle, str(opened))
    assert (opened / "a/one").read_bytes() == ONE
    assert (opened / "b/two").read_bytes() == TWO
    assert stat.S_IMODE(opened.stat().st_mode) == 0o700
    members = read_members(bundle)
    assert is_unpacked(str(opened), members)
    (opened / "a/one").write_bytes(b"another")
    assert not is_unpacked(str(opened), members)
    unpack_bundle(bundle, str(opened))
    assert is_unpacked(str(opened), members)


def test_a_link_in_place_of_a_member_is_not_what_was_unpacked(bundle: str, tmp_path: pathlib.Path) -> None:
    opened = tmp_path / "opened"
    unpack_bundle(bundle, str(opened))
    (opened / "a/one").rename(tmp_path / "elsewhere")
    (opened / "a/one").symlink_to(tmp_path / "elsewhere")
    assert not is_unpacked(str(opened), read_members(bundle))


def test_of_a_file_that_grows_meanwhile_what_was_proven_is_written(path: str, sources: list[Source]) -> None:
    pathlib.Path(sources[1].path).write_bytes(ONE + b"!")
    write_bundle(path, sources)
    assert not plan_bundle(path, sources).changed


@pytest.mark.parametrize("replacement", [b"short", ONE[:-1] + b"!"])
def test_a_file_that_changes_meanwhile_is_noticed(path: str, sources: list[Source], replacement: bytes) -> None:
    pathlib.Path(sources[1].path).write_bytes(replacement)
    with pytest.raises(IntegrityError, match="changed while"):
        write_bundle(path, sources)
    assert not os.path.exists(path)


def test_an_end_in_between_leaves_the_old_bundle(
    bundle: str, sources: list[Source], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pathlib.Path(bundle).read_bytes()

    def ended(_temporary: str, _path: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(_bundle, "put_file_in_place", ended)
    with pytest.raises(KeyboardInterrupt):
        write_bundle(bundle, sources[:1])
    assert pathlib.Path(bundle).read_bytes() == before
    assert not [name for name in os.listdir(os.path.dirname(bundle)) if name.startswith(".")]


def link(name: str) -> tarfile.TarInfo:
    header = tarfile.TarInfo(name)
    header.type, header.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return header


HOSTILE: dict[str, list[tuple[str | tarfile.TarInfo, bytes]]] = {
    "more than its manifest names": [("a/one", ONE), ("b/two", TWO), ("c", b"")],
    "less": [("a/one", ONE)],
    "another order": [("b/two", TWO), ("a/one", ONE)],
    "another name": [("../one", ONE), ("b/two", TWO)],
    "another size": [("a/one", ONE + b"1"), ("b/two", TWO)],
    "another content": [("a/one", ONE[::-1]), ("b/two", TWO)],
    "a link": [(link("a/one"), b""), ("b/two", TWO)],
}


@pytest.mark.parametrize("entries", HOSTILE.values(), ids=HOSTILE)
def test_what_is_not_as_the_manifest_says_is_refused_as_a_whole(
    path: str,
    sources: list[Source],
    tmp_path: pathlib.Path,
    entries: list[tuple[str | tarfile.TarInfo, bytes]],
) -> None:
    manifest = manifest_bytes(source.member for source in sources)
    tar_of(path, [(MANIFEST_NAME, manifest), *entries])
    with pytest.raises(IntegrityError, match="Not a whole bundle"):
        unpack_bundle(path, str(tmp_path / "opened"))
    assert sorted(os.listdir(tmp_path)) == ["a-one", "b-two", "bundle.tar"]


def test_other_files_are_no_bundles(path: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotFound):
        bundle_digest(path)
    pathlib.Path(path).write_bytes(b"<html>" * 1000)
    with pytest.raises(IntegrityError):
        read_members(path)
    tar_of(path, [("readme", b"")])
    with pytest.raises(IntegrityError, match="does not begin with"):
        unpack_bundle(path, str(tmp_path / "opened"))
    assert len(bundle_digest(path)) == len(member("a", b"").sha256)


@pytest.mark.parametrize("name", ["", "/a", "a/../b", "..", "a//b", ".a", "-a", "a b", "a\nb", "é", MANIFEST_NAME])
def test_names_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        validate_path(name)
    document = json.loads(manifest_bytes([member("a", b"")]))
    document["members"][0]["path"] = name
    with pytest.raises(IntegrityError, match="names the path"):
        parse_manifest(json.dumps(document).encode(), "bundle")


def test_two_members_in_one_place_are_refused() -> None:
    with pytest.raises(InvalidInput, match="same place"):
        manifest_bytes([member("a", b"1"), member("a", b"2")])


def test_a_manifest_is_read_as_it_was_written() -> None:
    images = {"digests": {"docker.io/library/app:v1": "sha256:" + "0" * 64}, "platforms": ["linux/amd64"]}
    members = (member("a", b""), member("b+c~1/D_2.deb", b"", kind="images", details=images))
    assert parse_manifest(manifest_bytes(members[::-1]), "bundle") == members


@pytest.mark.parametrize(
    "change",
    [
        {"size": -1},
        {"size": True},
        {"size": "1"},
        {"sha256": "0" * 63},
        {"sha256": "G" * 64},
        {"kind": "program"},
        {"kind": None},
        {"version": ""},
        {"version": 1},
        {"kind": "archive"},
        {"more": "x"},
    ],
)
def test_a_member_that_cannot_be_is_refused(change: dict[str, t.Any]) -> None:
    document = json.loads(manifest_bytes([member("a", b"")]))
    document["members"][0].update(change)
    with pytest.raises(IntegrityError, match="Not a whole bundle"):
        parse_manifest(json.dumps(document).encode(), "bundle")


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b'{"members": {}}', b'{"format": 1, "members": [1]}', b"\xff"])
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(IntegrityError, match="Not a whole bundle"):
        parse_manifest(raw, "bundle")


def test_another_format_is_named() -> None:
    with pytest.raises(IntegrityError, match="has the format 2"):
        parse_manifest(b'{"format": 2, "members": []}', "bundle")
