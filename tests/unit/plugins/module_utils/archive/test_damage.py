# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Archives that are spoilt, cut off or incomplete never give a wrong image."""

from __future__ import annotations

import gzip
import os
import pathlib

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tree import blobs_of
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.archive.archives import (
    APP,
    FORMS,
    docker_members,
    everything,
    layout,
    stored,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    layer_tar,
    tar_bytes,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st


@pytest.mark.parametrize("form", FORMS)
def test_a_blob_of_another_content_is_never_given_whole(
    tmp_path: pathlib.Path, images: ImageFactory, form: str
) -> None:
    layer = os.urandom(2_500_000)
    root = images.manifest(layers=[layer])
    members = layout(images, root)
    name = f"blobs/sha256/{Digest.of(layer).encoded}"
    members[name] = layer[:-1] + bytes([layer[-1] ^ 1])
    path, open_zstd = stored(tmp_path, form, members)
    with ImageArchive.open(path, open_zstd) as archive:
        (descriptor,) = blobs_of(archive.images[0].root, archive.read_document).layers
        received: list[bytes] = []
        pieces = archive.read_blob(descriptor)
        with pytest.raises(IntegrityError, match="not what its digest says"):
            received.extend(pieces)
        assert sum(map(len, received)) < len(layer)
        assert b"".join(archive.read_blob(descriptor, verify=False)) == members[name]


def test_a_blob_of_another_size_is_refused_before_it_is_read(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    root = images.manifest(layers=[b"layer"])
    members = layout(images, root)
    members[f"blobs/sha256/{Digest.of(b'layer').encoded}"] = b"layer and more"
    path, _zstd = stored(tmp_path, "folder", members)
    with ImageArchive.open(path) as archive:
        (descriptor,) = blobs_of(archive.images[0].root, archive.read_document).layers
        with pytest.raises(IntegrityError, match="5 bytes with this digest, found 14 bytes"):
            archive.read_blob(descriptor)


def test_a_document_of_another_content_is_refused(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    root = images.manifest()
    members = layout(images, root)
    members[f"blobs/sha256/{root.digest.encoded}"] = b"{}"
    path, _zstd = stored(tmp_path, "tar", members)
    with (
        ImageArchive.open(path) as archive,
        pytest.raises(IntegrityError, match="not what its digest says"),
    ):
        archive.read_document(archive.images[0].root)


def test_a_pipe_for_a_blob_is_no_blob(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    root = images.manifest(layers=[b"layer"])
    path, _zstd = stored(tmp_path, "folder", layout(images, root))
    blob = pathlib.Path(path, f"blobs/sha256/{Digest.of(b'layer').encoded}")
    blob.unlink()
    os.mkfifo(blob)
    with ImageArchive.open(path) as archive:
        assert not archive.has(Digest.of(b"layer"))


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("config", r"incomplete.*\.json in it"),
        ("layer", r"incomplete.*/layer\.tar in it"),
    ],
)
def test_a_docker_archive_that_lacks_a_file_says_which(
    tmp_path: pathlib.Path, images: ImageFactory, missing: str, said: str
) -> None:
    layer = layer_tar(b"x")
    members = docker_members([(["a:1"], images.config_bytes(layers=[layer]), [layer])])
    ending = {"config": ".json", "layer": "layer.tar"}[missing]
    del members[next(name for name in members if name.endswith(ending) and name != "manifest.json")]
    path, _zstd = stored(tmp_path, "tar", members)
    with pytest.raises(IntegrityError, match=said), ImageArchive.open(path):
        pass


def test_a_disk_that_fails_under_a_layout_is_told(
    tmp_path: pathlib.Path, images: ImageFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = images.manifest(layers=[b"layer"])
    path, _zstd = stored(tmp_path, "folder", layout(images, root))
    really_open = os.open

    def failing(name: str, flags: int) -> int:
        if name.endswith(Digest.of(b"layer").encoded):
            raise OSError(5, "Input/output error")
        return really_open(name, flags)

    with ImageArchive.open(path) as archive:
        (layer,) = blobs_of(archive.images[0].root, archive.read_document).layers
        monkeypatch.setattr(os, "open", failing)
        with pytest.raises(IntegrityError, match="Input/output error"):
            list(archive.read_blob(layer))


@pytest.fixture(scope="module")
def whole() -> dict[str, bytes]:
    """Small archives of each kind, to be spoilt."""
    images = ImageFactory()
    layer = layer_tar(b"content" * 100)
    root = images.index(images.manifest("linux/amd64", [layer]))
    contents = {
        "oci": tar_bytes(layout(images, root.named(APP))),
        "docker": tar_bytes(docker_members([(["a:1"], images.config_bytes(layers=[layer]), [layer])])),
    }
    return {**contents, **{f"{name}.gz": gzip.compress(content) for name, content in contents.items()}}


def read_all(path: pathlib.Path) -> dict[Digest, bytes] | None:
    """All blobs, or None if the archive was refused in words."""
    try:
        with ImageArchive.open(str(path)) as archive:
            return everything(archive)
    except (IntegrityError, InvalidInput, NotFound):
        return None


@pytest.mark.parametrize("kind", ["oci", "docker", "oci.gz", "docker.gz"])
def test_an_archive_that_is_cut_off_anywhere_is_refused(
    tmp_path: pathlib.Path, whole: dict[str, bytes], kind: str
) -> None:
    content = whole[kind]
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    complete = read_all(path)
    assert complete
    padding = 10240
    for length in range(0, len(content), max(1, len(content) // 150)):
        path.write_bytes(content[:length])
        found = read_all(path)
        # What follows the last file of a tar is padding, and may be missing.
        assert found is None or (found == complete and length > len(content) - padding), length


@pytest.mark.parametrize("kind", ["oci.gz", "docker.gz"])
def test_a_compressed_archive_that_ends_at_once_is_damaged_and_not_something_else(
    tmp_path: pathlib.Path, whole: dict[str, bytes], kind: str
) -> None:
    path = tmp_path / "image.tar.gz"
    path.write_bytes(whole[kind][:60])
    with pytest.raises(IntegrityError, match="ends early or is damaged"), ImageArchive.open(str(path)):
        pass


def test_a_cut_off_archive_names_what_is_missing(tmp_path: pathlib.Path, images: ImageFactory) -> None:
    layer = os.urandom(50_000)
    path, _zstd = stored(tmp_path, "tar", layout(images, images.manifest(layers=[layer])))
    os.truncate(path, 40_000)
    with pytest.raises(IntegrityError, match="ends early") as caught, ImageArchive.open(path):
        pass
    assert f"all of 50000 bytes of 'blobs/sha256/{Digest.of(layer).encoded}'" in str(caught.value)
    assert "compare sizes and checksums" in str(caught.value)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_archive_with_a_spoilt_byte_gives_no_wrong_blob(
    tmp_path: pathlib.Path, whole: dict[str, bytes], data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(sorted(whole)))
    content = bytearray(whole[kind])
    for _spoilt in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position] = data.draw(st.integers(0, 255))
    path = tmp_path / "image.tar"
    path.write_bytes(content)
    for digest, blob in (read_all(path) or {}).items():
        assert digest.matches(blob)
