# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the installer's way: programs that run, links that somebody planted, another controller, a lock."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from faults import archives
from faults.lab_node import FOLDER, LabNode
from faults.small_installation import SmallInstallation

SHIM = "bin/containerd-shim-runc-v2"
LOCK_HOLDER = """
import fcntl, time
with open("/var/lib/dpkg/lock-frontend", "w") as lock:
    fcntl.lockf(lock, fcntl.LOCK_EX)
    time.sleep({seconds})
"""


@pytest.fixture
def sleeping() -> dict[str, bytes]:
    """A real program in the shim's place, which can run for as long as a test needs it."""
    return {SHIM: Path(shutil.which("sleep") or "/bin/sleep").read_bytes()}


@pytest.fixture
def place(bare: LabNode, request: pytest.FixtureRequest) -> Iterator[SmallInstallation]:
    installation = SmallInstallation(bare, request.node.originalname)
    yield installation
    bare.shell(f"systemctl stop faults-program || true; rm -rf {installation.root}")


def start(node: LabNode, program: str) -> str:
    """Run a program, and return its process and the file that it runs from."""
    node.shell(f"systemd-run --quiet --collect --unit faults-program {program} 600")
    return process(node)


def process(node: LabNode) -> str:
    pid = node.shell("systemctl show --property MainPID --value faults-program").strip()
    return node.shell(f"echo {pid} $(stat --dereference --format '%i' /proc/{pid}/exe) && sha256sum < /proc/{pid}/exe")


@pytest.mark.fault(14)
def test_a_program_that_runs_is_renamed_over_and_never_written_to(
    place: SmallInstallation, sleeping: dict[str, bytes]
) -> None:
    unpacked = archives.make("1.0.0", programs=sleeping)
    place.node.write(f"{place.root}/unpacked.tar.gz", unpacked.content)
    place.node.shell(f"mkdir -p {place.prefix} && tar -xzf {place.root}/unpacked.tar.gz -C {place.prefix}")
    running = start(place.node, f"{place.prefix}/{SHIM}")
    place.install(archives.make("2.0.0"), take_over=True)
    assert place.node.shell(f"readlink {place.bin}/nerdctl-one").strip() == f"{place.base}/current/bin/nerdctl-one"
    assert process(place.node) == running


@pytest.mark.fault(29)
def test_a_generation_in_use_is_kept_and_said_to_be(place: SmallInstallation, sleeping: dict[str, bytes]) -> None:
    used = place.install(archives.make("1.0.0", programs=sleeping))["generation"]
    running = start(place.node, f"{place.base}/current/{SHIM}")
    kept = place.install(archives.make("2.0.0"), keep=1)["kept"]
    assert [item["generation"] for item in kept] == [used]
    assert process(place.node) == running
    place.node.shell(f"test -d {place.base}/generations/{used}")


@pytest.mark.fault(15)
@pytest.mark.parametrize("planted", ["prefix/lib/nerdctl-full", "prefix/lib/nerdctl-full/generations"])
def test_a_link_in_place_of_a_folder_is_not_followed(place: SmallInstallation, planted: str) -> None:
    target = f"{place.root}/elsewhere"
    place.node.shell(
        f"mkdir {target} && mkdir -p $(dirname {place.root}/{planted}) && ln -s {target} {place.root}/{planted}"
    )
    reason = place.refusal(archives.make("1.0.0"))
    assert f"{place.root}/{planted}" in reason
    assert "To do:" in reason
    assert place.node.shell(f"ls -A {target}") == ""


@pytest.mark.fault(15)
def test_a_link_in_place_of_a_command_is_neither_followed_nor_replaced(place: SmallInstallation) -> None:
    target = f"{place.root}/precious"
    place.node.shell(f"mkdir -p {place.bin} && echo precious > {target} && ln -s {target} {place.bin}/nerdctl-one")
    skipped = place.install(archives.make("1.0.0"))["not_linked"]
    assert f"{place.bin}/nerdctl-one" in [item["path"] for item in skipped]
    assert place.node.shell(f"cat {target}; readlink {place.bin}/nerdctl-one").split() == ["precious", target]


@pytest.mark.fault(17)
def test_two_controllers_at_once_leave_one_generation(place: SmallInstallation) -> None:
    wanted = [archives.make("1.0.0", "nerdctl-gone"), archives.make("2.0.0", "nerdctl-come")]
    options = [place.options(archive, allow_downgrade=True) for archive in wanted]
    for _round in range(3):
        runs = [place.node.start_module("nerdctl_full", each) for each in options]
        for run in runs:
            said, _nothing = run.communicate()
            assert run.returncode == 0, said
        current = place.node.shell(f"readlink --canonicalize {place.base}/current").strip()
        commands = place.node.shell(f"find -L {place.bin} -type f -exec readlink --canonicalize {{}} +").split()
        assert {command.rpartition("/")[0] for command in commands} == {f"{current}/bin"}
        place.node.shell(f"cd {current} && sha256sum --quiet --check {archives.SUMS}")


@pytest.mark.fault(18)
def test_the_package_managers_lock_is_waited_for_and_its_holder_named(installed: LabNode) -> None:
    role = {"ansible.builtin.include_role": {"name": "nephoran.container_build.buildah"}}
    installed.shell("apt-get remove --yes buildah")
    hold(installed, 60)
    impatient = installed.tasks([role], "-e", "buildah_lock_timeout=2")
    assert impatient.status != 0
    assert "lock was held for all of 2 s by" in impatient.output
    assert "/var/lib/dpkg/lock" in impatient.output
    assert "python3" in impatient.output
    hold(installed, 8)
    patient = installed.tasks([role], "-e", "buildah_lock_timeout=120")
    assert patient.status == 0, patient.output
    installed.shell("buildah --version")


def hold(node: LabNode, seconds: int) -> None:
    node.write(f"{FOLDER}/hold.py", LOCK_HOLDER.format(seconds=seconds).encode())
    node.shell(
        "systemctl stop faults-lock 2> /dev/null || true;"
        f" systemd-run --quiet --collect --unit faults-lock python3 {FOLDER}/hold.py && sleep 1"
    )
