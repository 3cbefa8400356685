# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no image archive, or a hostile one, is refused in words."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
import pathlib
import tarfile
import tracemalloc
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _archive_members
from ansible_collections.nephoran.container_build.plugins.module_utils import _oci as oci
from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.archive.archives import (
    ZSTD_MAGIC,
    layout,
    stored,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    serialised,
    tar_bytes,
    write_folder,
)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "not even a tar"),
        (b"<!DOCTYPE html><title>Sign in</title>" * 40, "not even a tar"),
        (gzip.compress(b"hello"), "not even a tar"),
        (tar_bytes({"etc/passwd": b"root"}), "oci-layout or manifest.json"),
        (bytes(10240), "not even a tar"),
        (bz2.compress(b"x"), "bzip2 -d"),
        (lzma.compress(b"x"), "xz -d"),
    ],
    ids=["empty", "page", "gzip", "tar", "zeros", "bzip2", "xz"],
)
def test_what_is_no_image_archive_is_refused(tmp_path: pathlib.Path, content: bytes, said: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    with pytest.raises(InvalidInput, match=said) as caught, ImageArchive.open(str(path)):
        pass
    assert caught.value.subject == str(path)
    assert caught.value.remedy


def test_a_path_that_is_not_there_or_no_archive_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotFound, match="no such image archive"), ImageArchive.open(str(tmp_path / "absent")):
        pass
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InvalidInput, match="not even a tar"), ImageArchive.open(str(tmp_path / "pipe")):
        pass
    with pytest.raises(InvalidInput, match="Not an image archive"), ImageArchive.open(str(tmp_path)):
        pass


def test_an_archive_that_may_not_be_read_says_so(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(b"x")

    def refusing(_path: str) -> t.NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_archive_members, "_open_stream", lambda path, _open_zstd: refusing(path))
    with pytest.raises(InvalidInput, match="may not be read") as caught, ImageArchive.open(str(path)):
        pass
    assert "Permission denied" in caught.value.tail


def test_zstd_that_cannot_be_read_here_says_what_to_do(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_archive_members, "_ZSTD", None)
    path = tmp_path / "image.tar.zst"
    path.write_bytes(ZSTD_MAGIC)
    with pytest.raises(InvalidInput, match=r"before 3\.14 cannot read.*zstd -d"), ImageArchive.open(str(path)):
        pass


def test_a_folder_gives_nothing_but_its_layout(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    """A folder in Docker's format could name any file of the node as its config."""
    (tmp_path / "secret").write_bytes(images.config_bytes())
    manifest = [{"Config": "../secret", "RepoTags": ["a:1"], "Layers": []}]
    write_folder(tmp_path / "folder", {"manifest.json": serialised(manifest)})
    with pytest.raises(InvalidInput, match="Not an image archive"), ImageArchive.open(str(tmp_path / "folder")):
        pass


@pytest.mark.parametrize(
    ("manifest", "said"),
    [
        (b"{}", "no list of images"),
        (b"[1]", "no list of images"),
        (b'[{"Config": 1}]', "'Config', which is not a string"),
        (b"[{}]", "no 'Config'"),
        (b'[{"Config": "c.json", "Layers": ["x"], "RepoTags": ["a"]}]', "lists 1 layers, and its config 0"),
        (b'[{"Config": "c.json", "Layers": [], "RepoTags": ["A B"]}]', "a name that is none"),
        (b'[{"Config": "../c.json", "Layers": []}]', "incomplete"),
    ],
)
def test_a_malformed_manifest_file_is_refused(
    tmp_path: pathlib.Path, images: ImageFactory, manifest: bytes, said: str
) -> None:
    path, _zstd = stored(tmp_path, "tar", {"c.json": images.config_bytes(), "manifest.json": manifest})
    with pytest.raises(IntegrityError, match=said), ImageArchive.open(path):
        pass


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"oci-layout": b'{"imageLayoutVersion": "2.0.0"}'}, "layout version '2.0.0'"),
        ({"oci-layout": b"{}"}, "no 'imageLayoutVersion'"),
        ({"oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}, r"incomplete.*index\.json in it"),
        ({"oci-layout": b'{"imageLayoutVersion": "1.0.0"}', "index.json": b"x"}, "not JSON"),
    ],
)
def test_a_malformed_layout_is_refused(tmp_path: pathlib.Path, members: dict[str, bytes], said: str) -> None:
    for form in ("folder", "tar"):
        path, _zstd = stored(tmp_path, form, members)
        with pytest.raises(IntegrityError, match=said), ImageArchive.open(path):
            pass


def test_a_name_that_is_none_is_refused(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    root = images.manifest()._replace(annotations={oci.NAME_ANNOTATION: "--all\n"})
    path, _zstd = stored(tmp_path, "tar", layout(images, root))
    with pytest.raises(IntegrityError, match="a name that is none") as caught, ImageArchive.open(path):
        pass
    assert "\n" not in str(caught.value)


def test_links_that_lead_in_a_circle_are_no_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "image.tar"
    with tarfile.open(path, "w") as archive:
        for name, target in (("oci-layout", "manifest.json"), ("manifest.json", "oci-layout")):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    with pytest.raises(InvalidInput, match="Not an image archive"), ImageArchive.open(str(path)):
        pass


def hostile(name: str, **attributes: t.Any) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=tarfile.PAX_FORMAT) as archive:
        member = tarfile.TarInfo(name)
        for key, value in attributes.items():
            setattr(member, key, value)
        archive.addfile(member)
    return stream.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        hostile("../x"),
        hostile("a/../../x"),
        hostile("/etc/x"),
        hostile("a\nb"),
        hostile("a\x1b[2Jb"),
        hostile("x", type=tarfile.SYMTYPE, linkname="../../etc/passwd"),
        hostile("x", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        hostile("x", type=tarfile.LNKTYPE, linkname="/etc/passwd"),
        hostile("x", type=tarfile.GNUTYPE_SPARSE),
    ],
    ids=["parent", "hidden parent", "root", "line break", "escape", "link up", "link root", "hard link root", "sparse"],
)
def test_hostile_names_are_refused(tmp_path: pathlib.Path, content: bytes) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    with pytest.raises(IntegrityError) as caught, ImageArchive.open(str(path)):
        pass
    assert str(caught.value).isprintable()


def test_more_files_than_any_image_has_are_refused(
    tmp_path: pathlib.Path, images: ImageFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, _zstd = stored(tmp_path, "tar", layout(images, images.manifest()))
    monkeypatch.setattr(_archive_members, "MEMBERS_MAX", 4)
    with pytest.raises(IntegrityError, match="more than 4 files"), ImageArchive.open(path):
        pass


@pytest.mark.parametrize("size", ["-512", "-1000000", "9" * 30, "x"])
def test_a_size_that_is_none_is_refused(tmp_path: pathlib.Path, size: str) -> None:
    path = tmp_path / "image.tar"
    path.write_bytes(hostile("first")[:512] + hostile("x", pax_headers={"size": size}))
    with pytest.raises(ContainerBuildError), ImageArchive.open(str(path)):
        pass


def test_a_name_of_a_gigabyte_is_not_read(tmp_path: pathlib.Path) -> None:
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 2**30
    path = tmp_path / "image.tar"
    path.write_bytes(tar_bytes({"x": b""})[:512] + header.tobuf())
    os.truncate(path, 2**30 + 1024)
    tracemalloc.start()
    try:
        with pytest.raises(IntegrityError, match="states a size"), ImageArchive.open(str(path)):
            pass
        assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    finally:
        tracemalloc.stop()
