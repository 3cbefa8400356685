# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A daemon knows the instances that were laid down beside it."""

from __future__ import annotations

import pathlib

from ansible_collections.nephoran.container_build.plugins.module_utils._daemon import Daemon
from ansible_collections.nephoran.container_build.plugins.module_utils._daemon_plan import DaemonSpec
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import ManagedFile
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.daemon.fake_service import FakeService

UNIT = "# made here\n[Service]\nExecStart=/opt/exampled\n"


def daemon_in(folder: pathlib.Path) -> Daemon:
    unit = ManagedFile(str(folder / "example.service"), UNIT)
    config = ManagedFile(str(folder / "example.toml"), "")
    spec = DaemonSpec(name="example.service", unit=unit, config=config, executable="/opt/exampled")
    return Daemon(FakeRunner(), spec, FakeService(unit.path, config.path), temporary_folder=str(folder))


def test_where_nothing_was_laid_down_there_are_none(tmp_path: pathlib.Path) -> None:
    assert daemon_in(tmp_path / "none").instances() == []


def test_they_are_known_by_their_names_and_by_the_first_line_of_their_units(tmp_path: pathlib.Path) -> None:
    # A folder may be called as a pattern is.
    folder = tmp_path / "[system]"
    folder.mkdir()
    units = {
        "example@b.service": UNIT,
        "example@a.service": UNIT.replace("/opt", "/usr"),
        "example-variant.service": UNIT,
        "example-theirs.service": "[Service]\n",
        "example2.service": UNIT,
        "example@theirs.service": "[Service]\n",
        "example@a.socket": UNIT,
        "example.service": UNIT,
        "other@a.service": UNIT,
    }
    for name, text in units.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "example@folder.service").mkdir()
    (folder / "example@link.service").symlink_to("example@a.service")
    assert daemon_in(folder).instances() == ["example-variant", "example@a", "example@b"]
