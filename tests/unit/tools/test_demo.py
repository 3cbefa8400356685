# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The demo says that it succeeded only if a Pod would find an image."""

from __future__ import annotations

import json
from typing import Any

import demo
import pytest
from rich.console import Console

IMAGE = {
    "name": "docker.io/library/app:v1",
    "image_id": "sha256:" + "a" * 64,
    "platforms": ["linux/amd64"],
    "size": 2_100_000,
    "visible_to_kubernetes": True,
}


def said(*images: dict[str, Any]) -> str:
    """What ``ansible`` prints of a module's result."""
    return "demo | SUCCESS => " + json.dumps({"changed": False, "images": images}, indent=4)


def test_only_images_that_a_pod_finds_by_name_are_shown() -> None:
    record = {**IMAGE, "name": IMAGE["image_id"]}
    invisible = {**IMAGE, "name": "docker.io/library/other:v1", "visible_to_kubernetes": False}
    assert demo.visible_images(said(IMAGE, record, invisible)) == [IMAGE]


def test_no_visible_image_is_a_failure() -> None:
    with pytest.raises(demo.DemoError, match="none"):
        demo.visible_images(said({**IMAGE, "visible_to_kubernetes": False}))


def test_table_names_an_image_as_a_pod_does() -> None:
    console = Console(width=80)
    with console.capture() as captured:
        console.print(demo.table([IMAGE]))
    row = captured.get().splitlines()[3]
    assert row.split() == ["app:v1", "aaaaaaaaaaaa", "linux/amd64", "2.1", "MB"]


def test_a_command_that_fails_ends_the_demo(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(demo.DemoError, match="exit status 3"):
        demo.do("", ["sh", "-c", "exit 3"])
    assert demo.do("", ["sh", "-c", "echo $ANSIBLE_CALLBACK_RESULT_FORMAT"], capture=True) == "json\n"
    assert "json" not in capfd.readouterr().out.splitlines()


def test_a_failure_is_the_exit_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "STEPS", (("", ("false",)),))
    assert demo.main() == 1
