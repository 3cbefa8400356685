# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Exports: when an archive is written, what it holds, and that nobody ever finds half of one."""

from __future__ import annotations

import dataclasses
import os
import pathlib
import stat
import tarfile
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _durable, _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._archive import ImageArchive
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
    Refused,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_export import (
    Exported,
    ExportRequest,
    ImageExporter,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_containerd import SOCKET, FakeContainerd
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.image_factory import ImageFactory

APP, OTHER = Reference.parse("app:v1"), Reference.parse("other:v1")
AMD64 = Platform.parse("linux/amd64")

Export = t.Callable[..., Exported]


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    monkeypatch.setattr(_image_lock.image_lock.__wrapped__, "__defaults__", (str(tmp_path / "locks"),))


@pytest.fixture
def images() -> ImageFactory:
    return ImageFactory()


@pytest.fixture
def runner() -> FakeRunner:
    return FakeRunner()


@pytest.fixture
def containerd(runner: FakeRunner) -> FakeContainerd:
    return FakeContainerd(runner, "default")


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    folder = tmp_path / "archives"
    folder.mkdir()
    return folder / "app.tar"


@pytest.fixture
def export(runner: FakeRunner, containerd: FakeContainerd, path: pathlib.Path) -> Export:
    def run(*references: Reference, check: bool = False, **changes: t.Any) -> Exported:
        request = ExportRequest("default", references or (APP,), str(path), AMD64)
        exporter = ImageExporter(ImageStore.connect(runner, SOCKET, "overlayfs"))
        return exporter.run(dataclasses.replace(request, **changes), check=check)

    return run


def held(path: pathlib.Path) -> dict[str, str]:
    with ImageArchive.open(str(path)) as archive:
        return {str(name): str(image.root.digest) for image in archive.images for name in image.names}


def files(path: pathlib.Path) -> list[str]:
    with tarfile.open(path) as archive:
        return archive.getnames()


def test_an_archive_that_is_not_there(
    export: Export, containerd: FakeContainerd, images: ImageFactory, path: pathlib.Path, runner: FakeRunner
) -> None:
    image = images.manifest(stated=False)
    containerd.put("default", str(APP), image, images)
    checked = export(check=True)
    assert not path.exists()
    exported = export()
    assert dataclasses.replace(exported, command=()) == checked
    assert exported.plan.action_lines() == [f"write {path} (absent)"]
    assert exported.plan.before == {str(path): {"present": False}}
    digests = {str(APP): str(image.digest)}
    assert exported.plan.after == {str(path): {"present": True, "images": digests, "for_docker": False}}
    assert exported.digests == held(path) == digests
    assert exported.command == runner.commands("ctr", "images", "export")[0].argv
    assert list(path.parent.iterdir()) == [path]


def test_again(
    export: Export, containerd: FakeContainerd, images: ImageFactory, path: pathlib.Path, runner: FakeRunner
) -> None:
    containerd.put("default", str(APP), images.manifest(stated=False), images)
    export()
    before = path.stat()
    again = export()
    assert not again.plan.changed
    assert again.command == ()
    assert again.plan.before == again.plan.after
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_what_moved_is_told(
    export: Export, containerd: FakeContainerd, images: ImageFactory, path: pathlib.Path
) -> None:
    old, new = images.manifest(layers=[b"old"], stated=False), images.manifest(stated=False)
    containerd.put("default", str(APP), old, images)
    containerd.put("default", str(OTHER), old, images)
    export()
    assert export(APP, OTHER).plan.action_lines() == [f"write {path} ({OTHER} added)"]
    assert export(OTHER).plan.action_lines() == [f"write {path} ({APP} dropped)"]
    export()
    containerd.put("default", str(APP), new, images)
    assert export().plan.action_lines() == [f"write {path} ({APP}: {old.digest} → {new.digest})"]
    assert held(path) == {str(APP): str(new.digest)}
    assert export(for_docker=True).plan.action_lines() == [f"write {path} (format)"]
    assert "manifest.json" in files(path)
    assert not export(for_docker=True).plan.changed
    assert export(force=True, for_docker=True).plan.action_lines() == [f"write {path} (forced)"]


def test_another_platform_is_added(
    export: Export, containerd: FakeContainerd, images: ImageFactory, path: pathlib.Path
) -> None:
    own, foreign = images.manifest(layers=[b"amd"]), images.manifest("linux/arm64", layers=[b"arm"])
    containerd.put("default", str(APP), images.index(own, foreign), images)
    export()
    arm = Digest.of(b"arm")
    assert f"blobs/sha256/{arm.encoded}" not in files(path)
    (line,) = export(platform=None).plan.action_lines()
    assert "incomplete: " in line
    assert str(arm) in line
    # What serves all platforms serves one.
    assert not export().plan.changed
    assert not export(platform=None).plan.changed


@pytest.mark.parametrize("damage", ["truncated", "another byte in the index", "no blobs"])
def test_a_damaged_archive_is_written_again(
    export: Export, containerd: FakeContainerd, images: ImageFactory, path: pathlib.Path, damage: str
) -> None:
    containerd.put("default", str(APP), images.manifest(stated=False), images)
    export()
    whole = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(whole[:700])
    elif damage == "no blobs":
        with tarfile.open(path) as archive, tarfile.open(path.with_suffix(".new"), "w") as less:
            for name in ("oci-layout", "index.json"):
                less.addfile(archive.getmember(name), archive.extractfile(name))
        path.with_suffix(".new").replace(path)
    else:
        path.write_bytes(whole.replace(b'"manifests":', b'"manifests"!'))
    assert export(check=True).plan.changed
    assert export().plan.changed
    assert path.read_bytes() == whole


@pytest.mark.parametrize("lost", [b"layer one", b"layer two"])
def test_a_missing_blob_is_named_before_anything_is_written(
    export: Export,
    containerd: FakeContainerd,
    images: ImageFactory,
    path: pathlib.Path,
    runner: FakeRunner,
    lost: bytes,
) -> None:
    digest = str(Digest.of(lost))
    containerd.put("default", str(APP), images.manifest(stated=False), images, without={digest})
    with pytest.raises(IntegrityError, match=f"does not hold all of the image: {APP} in default: missing {digest}"):
        export()
    assert runner.commands("ctr", "images", "export") == []
    assert list(path.parent.iterdir()) == []


def test_unknown_images_and_namespaces(export: Export) -> None:
    with pytest.raises(NotFound, match="no such image in namespace default"):
        export()
    with pytest.raises(NotFound, match="no such namespace"):
        export(namespace="staging")


class TestFile:
    """The file itself."""

    @pytest.fixture(autouse=True)
    def image(self, containerd: FakeContainerd, images: ImageFactory) -> None:
        containerd.put("default", str(APP), images.manifest(stated=False), images)

    def test_it_is_private_until_it_is_done(
        self, export: Export, path: pathlib.Path, runner: FakeRunner, containerd: FakeContainerd
    ) -> None:
        modes: list[int] = []

        def look(call: Call) -> Answer:
            modes.append(stat.S_IMODE(os.stat(call.argv[-2]).st_mode))
            assert not path.exists()
            return containerd.answer(call)

        runner.on("ctr", "images", "export", do=look)
        umask = os.umask(0o027)
        try:
            export()
        finally:
            os.umask(umask)
        assert modes == [0o600]
        assert stat.S_IMODE(path.stat().st_mode) == 0o640

    def test_it_takes_over_the_mode_of_the_old_one(self, export: Export, path: pathlib.Path) -> None:
        export()
        path.chmod(0o604)
        export(force=True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o604

    @pytest.mark.parametrize("stderr", ["ctr: context deadline exceeded", "ctr: write: no space left on device"])
    def test_a_failed_export_leaves_the_old_one(
        self, export: Export, path: pathlib.Path, runner: FakeRunner, stderr: str
    ) -> None:
        export()
        old = path.read_bytes()

        def fail(call: Call) -> Answer:
            pathlib.Path(call.argv[-2]).write_bytes(b"half")
            return Answer(rc=1, stderr=stderr)

        runner.on("ctr", "images", "export", do=fail)
        with pytest.raises((ToolFailed, Unavailable), match="could not be exported"):
            export(force=True)
        assert path.read_bytes() == old
        assert list(path.parent.iterdir()) == [path]

    def test_what_came_out_otherwise_is_not_put_in_its_place(
        self, export: Export, path: pathlib.Path, runner: FakeRunner, containerd: FakeContainerd, images: ImageFactory
    ) -> None:
        def move_meanwhile(call: Call) -> Answer:
            containerd.put("default", str(APP), images.manifest(layers=[b"new"], stated=False), images)
            return containerd.answer(call)

        runner.on("ctr", "images", "export", do=move_meanwhile)
        with pytest.raises(IntegrityError, match="did not come out as it should"):
            export()
        assert list(path.parent.iterdir()) == []

    def test_leftovers_of_a_task_that_was_killed_are_written_over(self, export: Export, path: pathlib.Path) -> None:
        left = path.with_name(".app.tar.nephoran-export")
        left.symlink_to("/etc/passwd")
        export()
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize("content", [b"", b"something else\n", b"x" * 5000])
    def test_a_file_that_is_no_archive_is_not_overwritten(
        self, export: Export, path: pathlib.Path, content: bytes
    ) -> None:
        path.write_bytes(content)
        for check in (True, False):
            with pytest.raises(Refused, match=r"no image archive, and is not overwritten.*set force"):
                export(check=check)
        assert path.read_bytes() == content
        assert export(force=True).plan.action_lines()[0].startswith(f"write {path} (unreadable: ")
        assert held(path)

    @pytest.mark.parametrize("kind", ["folder", "link", "pipe"])
    def test_what_is_no_file_is_left_alone(self, export: Export, path: pathlib.Path, kind: str) -> None:
        if kind == "folder":
            path.mkdir()
        elif kind == "link":
            path.symlink_to("/etc/passwd")
        else:
            os.mkfifo(path)
        with pytest.raises(InvalidInput, match="Something stands there that is no file"):
            export(force=True)

    @pytest.mark.parametrize(
        ("place", "words"),
        [
            ("relative.tar", "Not the path of an archive"),
            ("/nowhere/app.tar", "The folder for the archive does not exist: /nowhere"),
            ("/tmp/a\nb.tar", "Not the path of an archive"),
        ],
    )
    def test_places_that_cannot_be_used(self, export: Export, place: str, words: str) -> None:
        with pytest.raises(InvalidInput, match=words):
            export(path=place)

    def test_a_full_disk_is_found_before(
        self, export: Export, path: pathlib.Path, runner: FakeRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(_durable, "free_bytes", lambda _folder: 10)
        with pytest.raises(Unavailable, match="too little room for the archive"):
            export()
        assert runner.commands("ctr", "images", "export") == []
        assert list(path.parent.iterdir()) == []
