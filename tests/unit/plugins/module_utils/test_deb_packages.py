# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages out of a folder: the index, what the node lacks, and what is asked of apt."""

from __future__ import annotations

import hashlib
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._apt import Apt, Step, installed_versions
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_collect import collect_packages
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import (
    INDEX_NAME,
    parse_index,
    plain_filename,
    stanza,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_install import (
    InstallRequest,
    PackagesNeeded,
    install_packages,
    lacking_names,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    NotFound,
    Refused,
    ToolFailed,
)
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call, FakeRunner

CONTENT = {"buildah_1.39.3+ds1-1_amd64.deb": b"buildah", "crun_1.21-1_amd64.deb": b"crun"}
CONTROL = "Package: buildah\nVersion: 1.39.3+ds1-1\nArchitecture: amd64\nDescription: builds\n without: a daemon\n"
CRUN = "Package: crun\nVersion: 1:1.21-1\nArchitecture: amd64\n"
# As apt-get 3.0 prints it, and 2.6 for packages of several sources.
SIMULATED = """NOTE: This is only a simulation!
Inst crun (1:1.21-1 localhost [amd64])
Inst buildah [1.38-1] (1.39.3+ds1-1 Debian:13.1/stable, Debian-Security:13 [amd64]) []
Conf crun (1:1.21-1 localhost [amd64])
"""


def index() -> str:
    entries = []
    for control, (name, content) in zip((CONTROL, CRUN), CONTENT.items()):
        entries.append(stanza(control, name, len(content), hashlib.sha256(content).hexdigest()))
    return "\n".join(entries)


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> pathlib.Path:
    made = tmp_path / "repository"
    made.mkdir()
    (made / INDEX_NAME).write_text(index(), encoding="utf-8")
    for name, content in CONTENT.items():
        (made / name).write_bytes(content)
    return made


@pytest.fixture
def scratch(tmp_path: pathlib.Path) -> str:
    made = tmp_path / "scratch"
    made.mkdir()
    return str(made)


@pytest.fixture
def runner() -> FakeRunner:
    made = FakeRunner()
    made.on("dpkg-query", stdout="installed\tbuildah\t1.38-1\n", stderr="no packages found matching crun", rc=1)
    made.on("apt-get", "update")
    made.on("apt-get", "install")
    made.on("apt-get", "install", "--simulate", stdout=SIMULATED)
    return made


NAMES = ("buildah=1.39*", "crun")


def install(runner: FakeRunner, scratch: str, folder: pathlib.Path | None, *, check: bool = False) -> t.Any:
    request = InstallRequest(NAMES, str(folder) if folder else None, allow_downgrade=True, lock_timeout=7)
    return install_packages(runner, request, scratch, check=check)


def test_an_index_is_read_as_it_is_written() -> None:
    packages = parse_index(index(), "/srv")
    assert [(package.name, package.version, package.filename) for package in packages] == [
        ("buildah", "1.39.3+ds1-1", "buildah_1.39.3+ds1-1_amd64.deb"),
        ("crun", "1:1.21-1", "crun_1.21-1_amd64.deb"),
    ]


def test_a_file_s_name_is_without_the_epoch() -> None:
    assert plain_filename("crun", "1:1.21-1", "amd64") == "crun_1.21-1_amd64.deb"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Package: crun\n", ""),
        ("Version: 1:1.21-1\n", ""),
        ("Architecture: amd64\nFilename: ./crun", "Filename: ./crun"),
        ("./crun_1.21-1_amd64.deb", "../crun_1.21-1_amd64.deb"),
        ("./crun_1.21-1_amd64.deb", "/etc/crun.deb"),
        ("./crun_1.21-1_amd64.deb", "buildah_1.39.3+ds1-1_amd64.deb"),
        ("Size: 4", "Size: -4"),
        ("SHA256: ", "SHA1: "),
        ("Package: crun", "Package: crun\nPackage: runc"),
        ("Package: crun", "Package: crun\nno field"),
    ],
)
def test_an_index_that_cannot_be_is_refused(old: str, new: str) -> None:
    assert old in index()
    with pytest.raises(IntegrityError, match="Not the index of a flat repository"):
        parse_index(index().replace(old, new), "/srv")


def test_an_index_without_packages_is_refused() -> None:
    with pytest.raises(IntegrityError, match="names no package"):
        parse_index("\n\n", "/srv")


@pytest.mark.parametrize(
    ("name", "installed", "lacks"),
    [
        ("buildah", {}, True),
        ("buildah", {"buildah": "1"}, False),
        ("buildah=1.39*", {"buildah": "1.39.3"}, False),
        ("buildah=1.39*", {"buildah": "1.40"}, True),
        ("buildah=1.39*", {"crun": "1.39"}, True),
        ("buildah=1.39.3", {"buildah": "1.39.3"}, False),
    ],
)
def test_a_version_that_will_do_stays(name: str, installed: dict[str, str], lacks: bool) -> None:
    assert lacking_names([name], installed) == ([name] if lacks else [])


def test_packages_that_were_removed_are_not_installed() -> None:
    runner = FakeRunner()
    runner.on("dpkg-query", stdout="config-files\tcrun\t1\ninstalled\tbuildah\t2\nnot-installed\tx\t\n")
    assert installed_versions(runner, ["buildah", "crun", "x"]) == {"buildah": "2"}


def test_a_node_that_has_all_is_asked_no_more(scratch: str) -> None:
    runner = FakeRunner()
    runner.on("dpkg-query", stdout="installed\tbuildah\t1.39.3\ninstalled\tcrun\t1\n")
    done = install(runner, scratch, None)
    assert not done.plan.changed
    assert len(runner.calls) == 1


def test_without_a_folder_a_lacking_package_is_said(runner: FakeRunner, scratch: str) -> None:
    with pytest.raises(PackagesNeeded) as caught:
        install(runner, scratch, None)
    assert caught.value.as_result()["error"]["kind"] == "packages_needed"


def test_check_mode_says_what_would_be_done_without_the_files(
    runner: FakeRunner, scratch: str, folder: pathlib.Path
) -> None:
    for name in CONTENT:
        (folder / name).unlink()
    done = install(runner, scratch, folder, check=True)
    assert done.plan.action_lines() == ["install crun (1:1.21-1)", "install buildah (1.38-1 → 1.39.3+ds1-1)"]
    assert done.plan.before == {"buildah": "1.38-1"}
    assert done.added == ("crun",)
    assert len(runner.commands("apt-get", "install")) == len(runner.commands("apt-get", "install", "--simulate"))


def test_the_folder_is_all_that_apt_knows(runner: FakeRunner, scratch: str, folder: pathlib.Path) -> None:
    done = install(runner, scratch, folder)
    assert done.plan.changed
    *_others, last = runner.calls
    assert last.has("apt-get", "install", "--no-remove", "--allow-downgrades", "--", "buildah=1.39*", "crun")
    assert "--simulate" not in last.argv
    options = last.values_of("--option")
    assert "DPkg::Lock::Timeout=7" in options
    assert "Dir::Etc::SourceParts=/dev/null" in options
    sources = next(option.split("=", 1)[1] for option in options if option.startswith("Dir::Etc::SourceList="))
    assert pathlib.Path(sources).read_text(encoding="utf-8") == f"deb [trusted=yes] file:{folder} ./\n"


def test_files_that_are_missing_are_named(runner: FakeRunner, scratch: str, folder: pathlib.Path) -> None:
    (folder / "crun_1.21-1_amd64.deb").unlink()
    with pytest.raises(PackagesNeeded) as caught:
        install(runner, scratch, folder)
    assert caught.value.details == {"needed": ["crun_1.21-1_amd64.deb"]}
    assert not [call for call in runner.commands("apt-get", "install") if "--simulate" not in call.argv]


def test_a_file_of_another_content_is_not_installed(runner: FakeRunner, scratch: str, folder: pathlib.Path) -> None:
    (folder / "crun_1.21-1_amd64.deb").write_bytes(b"evil")
    with pytest.raises(IntegrityError, match="not the package that the index names"):
        install(runner, scratch, folder)
    assert not [call for call in runner.commands("apt-get", "install") if "--simulate" not in call.argv]


def test_a_package_that_the_index_does_not_name_is_not_installed(
    runner: FakeRunner, scratch: str, folder: pathlib.Path
) -> None:
    runner.on("apt-get", "install", "--simulate", stdout="Inst curl (8 localhost [amd64])\n")
    with pytest.raises(IntegrityError, match="does not name: curl 8 amd64"):
        install(runner, scratch, folder)


def test_a_folder_without_an_index_is_none(runner: FakeRunner, scratch: str, tmp_path: pathlib.Path) -> None:
    with pytest.raises(NotFound, match="no flat repository"):
        install(runner, scratch, tmp_path)


def test_what_apt_says_comes_along(runner: FakeRunner, scratch: str, folder: pathlib.Path) -> None:
    runner.on("apt-get", "install", "--simulate", stderr="E: Unable to correct problems", rc=100)
    with pytest.raises(ToolFailed, match="Unable to correct problems"):
        install(runner, scratch, folder)


def test_a_lock_that_is_held_on_to_is_said(runner: FakeRunner, scratch: str, folder: pathlib.Path) -> None:
    held = "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt)"

    def answer(call: Call) -> Answer:
        return Answer(SIMULATED) if "--simulate" in call.argv else Answer(stderr=held, rc=100)

    runner.on("apt-get", "install", do=answer)
    runner.on("apt-get", "install", "--simulate", stdout=SIMULATED)
    with pytest.raises(ToolFailed, match="held its lock for all of 7 s"):
        install(runner, scratch, folder)


class Mirror:
    """A machine with package sources, whose apt fetches what it would install."""

    def __init__(self, scratch: str) -> None:
        self.scratch = pathlib.Path(scratch)
        self.runner = FakeRunner()
        self.gives = dict(CONTENT)
        self.runner.on("apt-get", "install", "--simulate", stdout=SIMULATED)
        self.runner.on("apt-get", "install", "--download-only", do=self._fetch)
        self.runner.on("dpkg-deb", do=lambda call: Answer(CONTROL if "/buildah" in call.argv[-1] else CRUN))

    def _fetch(self, call: Call) -> Answer:
        assert f"Dir::Cache={self.scratch}" in call.values_of("--option")
        for name, content in self.gives.items():
            (self.scratch / "archives" / name).write_bytes(content)
        return Answer()

    def collect(self, dest: pathlib.Path, *, check: bool = False) -> t.Any:
        self.scratch = self.scratch.with_name(f"{self.scratch.name}-next")
        self.scratch.mkdir()
        return collect_packages(self.runner, ["buildah", "crun"], str(dest), str(self.scratch), check=check)


@pytest.fixture
def mirror(scratch: str) -> Mirror:
    return Mirror(scratch)


def test_what_is_collected_is_a_repository(mirror: Mirror, tmp_path: pathlib.Path, folder: pathlib.Path) -> None:
    dest = tmp_path / "packages"
    plan, steps = mirror.collect(dest)
    assert plan.action_lines() == [f"collect {dest} (2 packages)"]
    assert Step("crun", "1:1.21-1", "amd64") in steps
    assert sorted(path.name for path in dest.iterdir()) == sorted(path.name for path in folder.iterdir())
    assert parse_index((dest / INDEX_NAME).read_text(encoding="utf-8"), "") == parse_index(index(), "")
    (option,) = {
        option for option in mirror.runner.calls[0].values_of("--option") if option.startswith("Dir::State::Status=")
    }
    assert pathlib.Path(option.split("=", 1)[1]).read_bytes() == b""


def test_packages_are_collected_once(mirror: Mirror, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "packages"
    assert mirror.collect(dest, check=True)[0].changed
    assert not dest.exists()
    mirror.collect(dest)
    assert not mirror.collect(dest)[0].changed
    assert len(mirror.runner.commands("apt-get", "--download-only")) == 1


def test_a_damaged_package_is_fetched_again(mirror: Mirror, tmp_path: pathlib.Path) -> None:
    dest = tmp_path / "packages"
    mirror.collect(dest)
    (dest / "crun_1.21-1_amd64.deb").write_bytes(b"")
    assert mirror.collect(dest)[0].changed
    assert (dest / "crun_1.21-1_amd64.deb").read_bytes() == b"crun"


def test_a_damaged_index_is_made_again(mirror: Mirror, folder: pathlib.Path) -> None:
    (folder / INDEX_NAME).write_text("cut off", encoding="utf-8")
    assert mirror.collect(folder)[0].changed
    assert not mirror.collect(folder)[0].changed


def test_a_folder_with_something_else_is_left_alone(mirror: Mirror, tmp_path: pathlib.Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one").touch()
    with pytest.raises(Refused):
        mirror.collect(tmp_path / "letters")
    assert mirror.runner.calls == []


def test_a_package_that_did_not_come_is_named(mirror: Mirror, tmp_path: pathlib.Path) -> None:
    del mirror.gives["crun_1.21-1_amd64.deb"]
    with pytest.raises(ToolFailed, match=r"crun 1:1.21-1 amd64"):
        mirror.collect(tmp_path / "packages")
    assert not (tmp_path / "packages").exists()


def test_an_index_that_apt_cannot_read_is_said(scratch: str) -> None:
    runner = FakeRunner()
    runner.on("apt-get", "update", stderr="E: broken", rc=100)
    with pytest.raises(ToolFailed, match="index could not be read"):
        Apt.over_folder(runner, "/srv/a b", scratch)
    assert "file:/srv/a%20b " in (pathlib.Path(scratch) / "sources.list").read_text(encoding="utf-8")
