# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Components with archives of their own, laid over the archive before it serves."""

from __future__ import annotations

import gzip
import hashlib
import os
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._digest import Digest
from ansible_collections.nephoran.container_build.plugins.module_utils._drift import Drift, find_drift
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    IntegrityError,
    InvalidInput,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import components, read_sums
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import (
    ArchiveNeeded,
    OverlayRequest,
    Source,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._overlays import Overlay, content_digest

from .conftest import COMMANDS, MACHINES, Archive, MakeArchive, Node, member, program, tar_of
from .test_kill_points import every_kill_point

STATED = {"containerd": "2.2.1", "runc": "1.4.0", "CNI plugins": "1.9.0", "BuildKit": "0.26.3"}
FOREIGN_ARCHITECTURE = next(each for each in MACHINES if program("") != program("", each))


def packed(*members: t.Any) -> bytes:
    return gzip.compress(tar_of(*members), mtime=0)


CONTAINERD = packed(
    member("bin/", type=b"5"),
    member("bin/containerd", program("containerd 2.2.5")),
    member("bin/ctr", program("ctr 2.2.5")),
    member("bin/containerd-stress", program("containerd-stress 2.2.5")),
)
CNI = packed(
    member("./", type=b"5"),
    member("./bridge", program("bridge 1.9.1")),
    member("./LICENSE", b"licence", 0o644),
)
RUNC = program("runc 1.4.3")


@pytest.fixture
def archive(make_archive: MakeArchive) -> Archive:
    return make_archive(components=STATED)


@pytest.fixture
def overlay(tmp_path: pathlib.Path) -> t.Callable[..., OverlayRequest]:
    """Return a function that writes an archive and asks for it to be laid over."""

    def make(component: str, version: str, content: bytes, **changes: t.Any) -> OverlayRequest:
        checksum = hashlib.sha256(content).hexdigest()
        path = tmp_path / f"{component}-{checksum[:12]}"
        path.write_bytes(content)
        source = Source(**{"src": str(path), **changes})
        return OverlayRequest(Overlay(component, version, Digest("sha256", checksum)), source)

    return make


Lay = t.Callable[..., OverlayRequest]


def test_its_programs_take_the_place_of_the_archives(node: Node, archive: Archive, overlay: Lay) -> None:
    plain = node.install(archive)
    asked = (overlay("containerd", "2.2.5", CONTAINERD), overlay("runc", "1.4.3", RUNC))
    foreseen = node.install(archive, overlays=asked, check=True)
    outcome = node.install(archive, overlays=asked)
    assert outcome.generation == foreseen.generation != plain.generation
    assert outcome.plan.action_lines()[0] == f"stage {outcome.generation} (with containerd 2.2.5, runc 1.4.3)"
    assert node.served("containerd") == program("containerd 2.2.5")
    assert node.served("containerd-stress") == program("containerd-stress 2.2.5")
    assert node.served("runc") == RUNC
    assert node.served("containerd-shim-runc-v2") == program("containerd-shim-runc-v2 2.2.1")
    assert os.access(f"{node.layout.commands}/runc", os.X_OK)
    assert not node.install(archive, overlays=asked, src=None).plan.changed


def test_the_list_of_checksums_and_the_versions_are_true(node: Node, archive: Archive, overlay: Lay) -> None:
    asked = (overlay("containerd", "2.2.5", CONTAINERD), overlay("cni", "1.9.1", CNI))
    outcome = node.install(archive, overlays=asked)
    assert outcome.generation is not None
    folder = node.layout.generation(outcome.generation)
    assert find_drift(folder) == Drift((), (), ())
    sums = read_sums(folder)
    bridge = hashlib.sha256(program("bridge 1.9.1")).hexdigest()
    assert sums["libexec/cni/bridge"] == sums["bin/buildkit-cni-bridge"] == bridge
    assert components(folder) == {"nerdctl": "2.2.1", **STATED, "containerd": "2.2.5", "CNI plugins": "1.9.1"}
    assert "containerd 2.2.5 has" in "\n".join(outcome.warnings)
    assert "CVE-2026-53488" not in "\n".join(outcome.warnings)
    pathlib.Path(folder, "bin/containerd").write_bytes(b"patched")
    assert find_drift(folder).changed == ("bin/containerd",)


def test_the_name_depends_on_all_that_is_in_it(overlay: Lay) -> None:
    archive = Digest("sha256", "0" * 64)
    one, two = overlay("containerd", "2.2.5", CONTAINERD).overlay, overlay("runc", "1.4.3", RUNC).overlay
    assert content_digest(archive, []) == archive
    assert content_digest(archive, [one, two]) == content_digest(archive, [two, one])
    others = [
        content_digest(archive, [one]),
        content_digest(archive, [two]),
        content_digest(archive, [one, two]),
        content_digest(Digest("sha256", "1" * 64), [one]),
        content_digest(archive, [Overlay("containerd", "2.2.6", one.checksum)]),
    ]
    assert len({archive, *others}) == 6


def test_only_what_moved_needs_a_restart(node: Node, archive: Archive, overlay: Lay) -> None:
    plain = node.install(archive)
    for pid, name in ((10, "containerd"), (11, "buildkitd")):
        node.start(pid, f"{node.layout.generation(str(plain.generation))}/bin/{name}")
    outcome = node.install(archive, overlays=(overlay("containerd", "2.2.5", CONTAINERD),))
    assert outcome.restarts_needed == ("containerd",)


def test_the_way_back_is_the_archive_without_it(node: Node, archive: Archive, overlay: Lay) -> None:
    node.install(archive)
    node.install(archive, overlays=(overlay("containerd", "2.2.5", CONTAINERD),))
    node.manager().ensure_rolled_back()
    assert {command: node.served(command) for command in COMMANDS} == {
        command: program(f"{command} 2.2.1") for command in COMMANDS
    }
    assert not os.path.lexists(f"{node.layout.commands}/containerd-stress")


@pytest.mark.parametrize(
    ("component", "content", "words"),
    [
        ("containerd", packed(member("bin/ctr", program("ctr"))), "no bin/containerd"),
        ("containerd", packed(member("bin/containerd", program("x", FOREIGN_ARCHITECTURE))), "another architecture"),
        ("containerd", packed(member("bin/containerd", program("x")), member("etc/evil", b"")), "belong elsewhere"),
        ("containerd", packed(member("bin/containerd", program("x")), member("bin/a/b", b"")), "belong elsewhere"),
        ("containerd", packed(member("../../evil", program("x"))), "leaves the folder"),
        (
            "containerd",
            packed(member("bin/containerd", program("x")), member("bin/ctr", type=b"2", linkname="containerd")),
            "links",
        ),
        ("containerd", packed(member("bin/containerd", program("x"), 0o4755)), "set-user-id"),
        ("containerd", CONTAINERD[: len(CONTAINERD) // 2], "damaged or truncated"),
        ("containerd", b"<html>", "damaged or truncated"),
        ("cni", CONTAINERD, "belong elsewhere"),
        ("runc", CONTAINERD, "no program"),
        ("runc", program("runc", FOREIGN_ARCHITECTURE), "another architecture"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    node: Node, archive: Archive, overlay: Lay, component: str, content: bytes, words: str
) -> None:
    node.install(archive)
    before = node.snapshot()
    with pytest.raises(IntegrityError, match=words):
        node.install(archive, overlays=(overlay(component, "1.0.0", content),))
    assert node.snapshot() == before
    assert node.store.leftovers([]) == []


@pytest.mark.parametrize("check", [True, False])
def test_a_wrong_checksum_is_refused(node: Node, archive: Archive, overlay: Lay, check: bool) -> None:
    asked = overlay("runc", "1.4.3", RUNC)
    assert asked.source.src is not None
    pathlib.Path(asked.source.src).write_bytes(RUNC + b"!")
    with pytest.raises(IntegrityError, match="checksum is wrong"):
        node.install(archive, overlays=(asked,), check=check)
    assert node.store.names() == []


@pytest.mark.parametrize("check", [True, False])
def test_each_archive_is_asked_for(node: Node, archive: Archive, overlay: Lay, check: bool) -> None:
    asked = (overlay("runc", "1.4.3", RUNC, src=None),)
    with pytest.raises(ArchiveNeeded, match=r"no archive was given for runc 1\.4\.3"):
        node.install(archive, overlays=asked, check=check)


def test_one_component_is_laid_over_once(node: Node, archive: Archive, overlay: Lay) -> None:
    asked = (overlay("runc", "1.4.3", RUNC), overlay("runc", "1.4.2", RUNC))
    with pytest.raises(InvalidInput, match="laid over twice: runc"):
        node.install(archive, overlays=asked)


def test_an_address_of_another_kind_is_refused(node: Node, archive: Archive, overlay: Lay) -> None:
    asked = (overlay("runc", "1.4.3", RUNC, src=None, url="file:///etc/passwd"),)
    with pytest.raises(ContainerBuildError, match="Not an address"):
        node.install(archive, overlays=asked)


def test_killed_anywhere_a_node_serves_the_archive_or_all_of_both(
    tmp_path: pathlib.Path, archive: Archive, overlay: Lay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    asked = (overlay("containerd", "2.2.5", CONTAINERD),)
    plain = {"containerd": program("containerd 2.2.1"), "ctr": program("ctr 2.2.1")}
    overlaid = {"containerd": program("containerd 2.2.5"), "ctr": program("ctr 2.2.5")}

    def prepare(number: int) -> Node:
        root = tmp_path / f"node-{number}"
        root.mkdir()
        node = Node(root)
        node.install(archive)
        return node

    for node in every_kill_point(prepare, lambda node: node.install(archive, overlays=asked)):
        assert {command: node.served(command) for command in plain} in (plain, overlaid)
        node.install(archive, overlays=asked)
        assert {command: node.served(command) for command in plain} == overlaid
        assert find_drift(os.path.realpath(node.layout.current)) == Drift((), (), ())
        assert not node.install(archive, overlays=asked).plan.changed
