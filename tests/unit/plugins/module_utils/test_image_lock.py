# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task at a time works on a name."""

from __future__ import annotations

import os
import pathlib
import stat

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _image_lock
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError, Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._image_lock import (
    image_lock,
    image_lock_if_free,
)


@pytest.fixture
def folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(_image_lock, "WAIT_SECONDS", 0)
    return str(tmp_path / "locks")


def take(name: str, folder: str) -> None:
    with image_lock("k8s.io", name, folder):
        pass


def test_a_second_task_waits_and_is_told_for_whom(folder: str) -> None:
    with image_lock("k8s.io", "app:v1", folder):
        with pytest.raises(Unavailable, match="Another task is busy with app:v1") as caught:
            take("app:v1", folder)
        assert str(os.getpid()) in (caught.value.subject or "")
    take("app:v1", folder)


def test_others_are_not_in_the_way(folder: str) -> None:
    with image_lock("default", "app:v1", folder), image_lock("k8s.io", "app:v2", folder):
        take("app:v1", folder)


def test_an_error_ends_the_lock(folder: str) -> None:
    with pytest.raises(ValueError, match="mine"), image_lock("k8s.io", "app:v1", folder):
        raise ValueError("mine")
    take("app:v1", folder)


def test_only_the_owner_sees_the_locks(folder: str) -> None:
    with image_lock("k8s.io", "../../etc/passwd", folder):
        (path,) = pathlib.Path(folder).iterdir()
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_forbidden_within_is_not_taken_for_a_forbidden_lock(folder: str) -> None:
    with pytest.raises(PermissionError, match="of the block"), image_lock("k8s.io", "app:v1", folder):
        raise PermissionError(13, "of the block")


def test_a_user_who_may_not_lock_is_told_to_become_root(folder: str) -> None:
    def forbidden(path: str, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.makedirs", forbidden)
        with pytest.raises(Unavailable, match=f"Permission denied while taking a lock on an image: {folder}") as caught:
            take("app:v1", folder)
    assert "become: true" in (caught.value.remedy or "")


def test_a_folder_that_cannot_be_made_is_an_error_in_words(tmp_path: pathlib.Path) -> None:
    (tmp_path / "locks").write_text("a file")
    with pytest.raises(ContainerBuildError):
        take("app:v1", str(tmp_path / "locks"))


class TestIfFree:
    """A lock that is taken only if nobody has to be waited for."""

    @pytest.fixture(autouse=True)
    def usual_folder(self, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(image_lock.__wrapped__, "__defaults__", (folder,))  # type: ignore[attr-defined]

    def test_a_free_lock_keeps_others_out(self, folder: str) -> None:
        with image_lock_if_free("k8s.io", "app:v1") as held:
            assert held
            with pytest.raises(Unavailable, match="Another task is busy"):
                take("app:v1", folder)
        take("app:v1", folder)

    def test_a_busy_one_is_not_waited_for(self, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(_image_lock, "WAIT_SECONDS", 60)
        with image_lock("k8s.io", "app:v1", folder), image_lock_if_free("k8s.io", "app:v1") as held:
            assert not held

    def test_one_that_cannot_be_made_is_not_held(self, folder: str) -> None:
        pathlib.Path(folder).write_text("a file")
        with image_lock_if_free("k8s.io", "app:v1") as held:
            assert not held

    def test_what_goes_wrong_within_is_raised(self) -> None:
        with pytest.raises(Unavailable, match="of the block"), image_lock_if_free("k8s.io", "app:v1"):
            raise Unavailable("of the block")
