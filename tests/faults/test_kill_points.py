# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The installer, killed before every system call that changes the disk, or told that the disk is full."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from faults import archives, payload
from faults.archives import Archive
from faults.lab_node import FOLDER, LabNode
from faults.small_installation import SmallInstallation

ONE = archives.make("1.0.0", "nerdctl-gone")
TWO = archives.make("2.0.0", "nerdctl-come")
# Fewer would mean that strace sees something else than what the installer does.
FEWEST_POINTS = 10


@dataclass(frozen=True)
class Work:
    """A run of the installer.

    :param options: what it is asked for.
    :param before: what was installed before, in turn.
    :param archive: what is to be installed; nothing if None.
    :param fewest: how many points there are at least.
    """

    options: dict[str, Any]
    before: tuple[Archive, ...] = ()
    archive: Archive | None = None
    fewest: int = FEWEST_POINTS


WORKS = {
    "first install": Work({}, archive=ONE, fewest=60),
    "upgrade that removes a generation": Work({"keep": 1}, before=(ONE,), archive=TWO, fewest=60),
    "rollback": Work({"state": "rolled_back"}, before=(ONE, TWO)),
    "removal": Work({"state": "absent"}, before=(ONE, TWO)),
}


@pytest.fixture(scope="module", autouse=True)
def strace(bare: LabNode) -> None:
    bare.shell("which strace || apt-get install --yes --no-install-recommends strace")


@pytest.fixture
def disturb(bare: LabNode, library: Callable[[str], str]) -> Callable[..., dict[str, Any]]:
    """Disturb a run at every point and return the report."""

    def do(work: Work, fault: str, only: tuple[str, ...] = ()) -> dict[str, Any]:
        place = SmallInstallation(bare, "killed")

        def options(archive: Archive | None, **more: Any) -> dict[str, Any]:
            return place.options(archive, **more) if archive else {**place.place(), **more}

        plan = {
            "library": library("nerdctl_full"),
            "module": f"{payload.PACKAGE}.nerdctl_full",
            "root": place.root,
            "prepare": [options(archive) for archive in work.before],
            "work": options(work.archive, **work.options),
            "archives": {archive.version: archive.sums for archive in (ONE, TWO)},
            "fault": fault,
            "only": only,
        }
        return bare.python("kill_points", plan)

    return do


@pytest.mark.fault(7, 8)
@pytest.mark.parametrize("name", WORKS)
def test_killed_anywhere_one_generation_serves(
    disturb: Callable[..., dict[str, Any]], name: str, tell: Callable[[str], None]
) -> None:
    report = disturb(WORKS[name], "kill")
    assert not report["troubles"], f"{len(report['troubles'])} of {report['points']}: {report['troubles'][0]}"
    assert report["mixed"] == 0
    assert report["points"] >= WORKS[name].fewest
    tell(f"{name}: {report['points']} kill points, {report['mixed']} mixed")


@pytest.mark.fault(10)
def test_a_disk_that_fills_up_meanwhile_leaves_no_staging(
    disturb: Callable[..., dict[str, Any]], tell: Callable[[str], None]
) -> None:
    upgrade = WORKS["upgrade that removes a generation"]
    report = disturb(upgrade, "ENOSPC", ("write", "openat", "mkdir", "symlink"))
    assert not report["troubles"], f"{len(report['troubles'])} of {report['points']}: {report['troubles'][0]}"
    tell(f"{report['points']} calls failed with ENOSPC, {report['mixed']} mixed")


@pytest.mark.fault(9)
def test_everything_is_on_the_disk_before_it_counts(bare: LabNode, library: Callable[[str], str]) -> None:
    place = SmallInstallation(bare, "durable")
    plan = {
        "library": library("nerdctl_full"),
        "module": f"{payload.PACKAGE}.nerdctl_full",
        "root": place.root,
        "options": place.options(ONE),
    }
    calls: list[tuple[str, str]] = [tuple(call) for call in bare.python("trace", plan)["calls"]]
    adopted = position(calls, "rename", rf"\.staging-.*generations/{ONE.version}")
    switched = position(calls, "rename", rf"{place.base}/current\"")
    files = opened(calls[:adopted], r"\.staging-[^\"]*", "O_CREAT")
    folders = made(calls[:adopted], r"\.staging-[^\"]*/tree[^\"]*")
    assert len(files) > len(archives.COMMANDS)
    assert len(folders) > 3
    synced = {
        match[1] for name, text in calls[:adopted] if name == "fsync" and (match := re.match(r"\d+<([^>]*)>", text))
    }
    assert files | folders <= synced
    assert adopted < position(calls, "fsync", rf"<{place.base}/generations>") < switched
    assert position(calls, "fsync", rf"<{place.bin}>") < switched
    assert switched < position(calls, "fsync", rf"<{place.base}>", after=switched)
    place.node.shell(f"rm -rf {FOLDER}/durable")


def position(calls: list[tuple[str, str]], name: str, pattern: str, after: int = 0) -> int:
    for number, (called, text) in enumerate(calls):
        if number >= after and called.startswith(name) and re.search(pattern, text):
            return number
    raise AssertionError(f"there was no {name} of {pattern}")


def opened(calls: list[tuple[str, str]], path: str, flag: str) -> set[str]:
    matches = (re.search(rf"\"([^\"]*{path})\".*{flag}", text) for name, text in calls if name == "openat")
    return {match[1] for match in matches if match}


def made(calls: list[tuple[str, str]], path: str) -> set[str]:
    matches = (re.match(rf"\"([^\"]*{path})\"", text) for name, text in calls if name == "mkdir")
    return {match[1] for match in matches if match}
