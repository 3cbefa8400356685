# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules bundle and bundle_unpack, from their options to their results."""

from __future__ import annotations

import gzip
import hashlib
import json
import pathlib
import stat
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import INDEX_NAME, stanza
from ansible_collections.nephoran.container_build.plugins.modules import bundle, bundle_unpack
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import (
    ImageFactory,
    tar_bytes,
)

Run = t.Callable[..., t.Any]
PACKAGE = b"buildah"
CONTROL = "Package: buildah\nVersion: 1.39\nArchitecture: amd64\n"
APP = "docker.io/library/app:v1"


def checksum(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Controller:
    """Files that go into bundles, and the two modules."""

    def __init__(self, run: Run, folder: pathlib.Path) -> None:
        self._run = run
        self.folder = folder
        self.path = folder / "bundle.tar"
        self.opened = folder / "opened"

    def file(self, name: str, content: bytes) -> str:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return str(path)

    def archive(self, architecture: str = "amd64", **changes: t.Any) -> dict[str, t.Any]:
        content = f"archive {architecture}".encode()
        src = self.file(f"nerdctl-full-2.2.1-linux-{architecture}.tar.gz", content)
        known = {"src": src, "checksum": checksum(content), "version": "2.2.1", "architecture": architecture}
        return {**known, **changes}

    def overlay(self) -> dict[str, t.Any]:
        return {**self.archive(), "component": "containerd", "version": "2.2.5"}

    def packages(self) -> dict[str, t.Any]:
        entry = stanza(CONTROL, "buildah_1.39_amd64.deb", len(PACKAGE), hashlib.sha256(PACKAGE).hexdigest())
        self.file(f"debs/{INDEX_NAME}", entry.encode())
        self.file("debs/buildah_1.39_amd64.deb", PACKAGE)
        src = str(self.folder / "debs")
        return {"src": src, "distribution": "Debian", "release": "13", "architecture": "amd64"}

    def collection(self, **changes: t.Any) -> str:
        info = {"namespace": "nephoran", "name": "container_build", "version": "1.0.0", **changes}
        document = json.dumps({"collection_info": info}).encode()
        return self.file("collection.tar.gz", gzip.compress(tar_bytes({"MANIFEST.json": document})))

    def images(self, *, named: bool = True) -> tuple[str, str]:
        """An archive, and the digest of its image."""
        factory = ImageFactory()
        target = factory.manifest()
        members = factory.layout_members(target)
        index = json.loads(members["index.json"])
        if named:
            index["manifests"][0]["annotations"] = {"io.containerd.image.name": APP}
        return self.file("images.tar", tar_bytes({**members, "index.json": json.dumps(index).encode()})), str(
            target.digest
        )

    def make(self, *, check: bool = False, **options: t.Any) -> t.Any:
        return self._run(bundle.main, {"path": str(self.path), **options}, check=check, diff=True).result

    def open(self, **options: t.Any) -> t.Any:
        known = {"path": str(self.path), "folder": str(self.opened)}
        return self._run(bundle_unpack.main, {**known, **options}).result


@pytest.fixture
def controller(run_module: Run, tmp_path: pathlib.Path) -> Controller:
    return Controller(run_module, tmp_path)


def test_everything_there_and_back(controller: Controller) -> None:
    images, digest = controller.images()
    options: dict[str, t.Any] = {
        "archives": [controller.archive(), controller.archive("arm64")],
        "overlays": [controller.overlay()],
        "packages": [controller.packages()],
        "images": [images],
        "collection": controller.collection(),
    }
    checked = controller.make(check=True, **options)
    assert (checked["changed"], checked["checksum"]) == (True, "")
    assert not controller.path.exists()
    made = controller.make(**options)
    assert made["actions"] == checked["actions"] == [f"write {controller.path} (new)"]
    assert made["diff"] == checked["diff"]
    assert made["checksum"] == checksum(controller.path.read_bytes())
    assert not controller.make(**options)["changed"]

    opened = controller.open(checksum=made["checksum"])
    assert opened["changed"]
    assert opened["folder"] == str(controller.opened / made["checksum"].split(":")[1])
    assert {member["path"]: member["kind"] for member in opened["members"]} == {
        "archives/amd64/nerdctl-full-2.2.1-linux-amd64.tar.gz": "archive",
        "archives/arm64/nerdctl-full-2.2.1-linux-arm64.tar.gz": "archive",
        "collection/collection.tar.gz": "collection",
        "images/images.tar": "images",
        "overlays/amd64/containerd/nerdctl-full-2.2.1-linux-amd64.tar.gz": "overlay",
        "packages/debian-13-amd64/Packages": "package_index",
        "packages/debian-13-amd64/buildah_1.39_amd64.deb": "package",
    }
    archive = opened["archives"]["arm64"]
    assert (archive["version"], archive["checksum"]) == ("2.2.1", checksum(b"archive arm64"))
    assert pathlib.Path(archive["src"]).read_bytes() == b"archive arm64"
    (overlay,) = opened["overlays"]["amd64"]
    assert set(overlay) == {"component", "version", "checksum", "src"}
    assert set(opened["overlays"]) == {"amd64"}
    kinds = {member["kind"]: member for member in opened["members"]}
    assert kinds["images"]["digests"] == {APP: digest}
    assert kinds["images"]["platforms"] == ["linux/amd64"]
    assert kinds["collection"]["version"] == "1.0.0"
    again = controller.open()
    assert (again["changed"], again["members"]) == (False, opened["members"])


def test_another_checksum_is_refused_before_anything_is_unpacked(controller: Controller) -> None:
    controller.make(archives=[controller.archive()])
    result = controller.open(checksum=f"sha256:{'0' * 64}")
    assert result["msg"].startswith("The bundle has another checksum")
    assert not controller.opened.exists()


def test_what_was_changed_in_the_folder_is_unpacked_again(controller: Controller) -> None:
    controller.make(archives=[controller.archive()])
    src = pathlib.Path(controller.open()["archives"]["amd64"]["src"])
    src.write_bytes(b"evil")
    assert controller.open()["changed"]
    assert src.read_bytes() == b"archive amd64"


def test_the_folder_is_this_users_alone(controller: Controller) -> None:
    controller.make(archives=[controller.archive()])
    controller.open()
    assert stat.S_IMODE(controller.opened.stat().st_mode) == 0o700
    controller.opened.chmod(0o777)
    assert controller.open()["error"]["kind"] == "refused"


def test_a_bundle_that_is_missing_is_named(controller: Controller) -> None:
    assert controller.open()["error"] == {
        "kind": "not_found",
        "message": "There is no bundle",
        "subject": str(controller.path),
        "remedy": "make it with the playbook bundle, or correct the path",
    }


def test_nothing_makes_no_bundle(controller: Controller) -> None:
    assert controller.make()["msg"].startswith("Nothing is to go into the bundle")


@pytest.mark.parametrize("path", ["bundle.tar", "/nonexistent/bundle.tar"])
def test_a_place_that_cannot_be_is_refused(controller: Controller, path: str) -> None:
    assert controller.make(path=path, archives=[controller.archive()])["msg"].startswith("Not a place for a bundle")


def test_two_archives_for_one_architecture_are_refused(controller: Controller) -> None:
    again = controller.archive(src=controller.file("other.tar.gz", b"other"), checksum=checksum(b"other"))
    result = controller.make(archives=[controller.archive(), again])
    assert result["msg"].startswith("Two archives are for the same architecture")


@pytest.mark.parametrize("part", ["archives", "overlays", "packages", "images", "collection"])
def test_what_is_not_what_it_should_be_is_not_taken(controller: Controller, part: str) -> None:
    wrong: dict[str, t.Any] = {
        "archives": ([controller.archive(checksum=f"sha256:{'0' * 64}")], "The file has another checksum"),
        "overlays": ([{**controller.overlay(), "src": "/nonexistent"}], "There is no such file"),
        "packages": ([controller.packages()], "The file has another checksum"),
        "images": ([controller.images(named=False)[0]], "The archive does not say what its images are called"),
        "collection": (controller.collection(name="other"), "Not the collection"),
    }
    controller.file("debs/buildah_1.39_amd64.deb", b"evil")
    given, message = wrong[part]
    options: dict[str, t.Any] = {part: given}
    assert controller.make(**options)["msg"].startswith(message)
    assert not controller.path.exists()


def test_a_file_that_cannot_be_read_is_named(controller: Controller) -> None:
    loop = controller.folder / "images.tar"
    loop.symlink_to(loop)
    result = controller.make(images=[str(loop)])
    assert "while reading a file for the bundle" in result["msg"]
    assert result["error"]["subject"] == str(loop)


@pytest.mark.parametrize(
    "content",
    [b"", gzip.compress(tar_bytes({"other": b""})), gzip.compress(b"")],
    # gzip notes the time, and all processes must know a test by the same name.
    ids=["nothing", "another archive", "no archive"],
)
def test_another_file_is_not_the_collection(controller: Controller, content: bytes) -> None:
    result = controller.make(collection=controller.file("collection.tar.gz", content))
    assert result["msg"].startswith("Not the collection")
