# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What toolchain_info says of a node."""

from __future__ import annotations

import gzip
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._advisories import AS_OF
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._exposure import Exposure
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed
from ansible_collections.nephoran.container_build.plugins.module_utils._systemd import Systemd
from ansible_collections.nephoran.container_build.plugins.module_utils._toolchain_info import Places, Toolchain

from .conftest import FakeRunner, MakeArchive, Node

ADDRESS = "/run/test/containerd.sock"
# What the tools of nerdctl-full 2.2.1, and Debian 12's buildah, print.
SAID = {
    "nerdctl": "nerdctl version 2.2.1\n",
    "containerd": "containerd github.com/containerd/containerd/v2 v2.2.1 dea7da592f5d1d2b7755e3a161be07f43fad8f75\n",
    "ctr": "ctr github.com/containerd/containerd/v2 v2.2.1\n",
    "buildctl": "buildctl github.com/moby/buildkit v0.26.3 c70e8e666f8f6ee3c0d83b20c338be5aedeaa97a\n",
    "buildkitd": "buildkitd github.com/moby/buildkit v0.26.3 c70e8e666f8f6ee3c0d83b20c338be5aedeaa97a\n",
    "runc": "runc version 1.4.0\ncommit: v1.4.0-0-g8bd78a99\nspec: 1.3.0\n",
}
SERVER = "Client:\n  Version:  v2.2.1\n  Revision: \n\nServer:\n  Version:  v2.2.0\n  Revision: \n  UUID: 1\n"


class Programs(FakeRunner):
    """A runner whose programs are those of a prefix, and those that it is told of."""

    def __init__(self, elsewhere: t.Mapping[str, str]) -> None:
        super().__init__()
        self.elsewhere = dict(elsewhere)

    def find(self, command: str) -> str:
        if command not in self.elsewhere:
            raise Unavailable("The command is not installed on this node", subject=command)
        return self.elsewhere[command]

    def run(self, argv: t.Sequence[str], **streams: t.Any) -> Completed:
        name = pathlib.Path(argv[0]).name
        if list(argv[1:]) == ["--version"] and name in SAID:
            return Completed(tuple(argv), 0, SAID[name].encode(), "")
        if name == "bridge" and len(argv) == 1:
            return Completed(tuple(argv), 0, b"", "CNI bridge plugin v1.9.0\nCNI protocol versions supported: 0.1.0\n")
        return super().run(argv, **streams)


class Scene:
    def __init__(self, node: Node, booted: pathlib.Path) -> None:
        self.node = node
        self.runner = Programs({})
        self.listeners: dict[str, int] = {}
        self.peer: t.Callable[[str], int | None] = self.listeners.get
        self.booted = booted
        self.documentation = booted.parent / "doc"
        self.units = booted.parent / "units"

    def look(self, *, drift: bool = False) -> dict[str, t.Any]:
        places = Places(self.node.layout, ADDRESS, "/run/test/buildkitd.sock", (str(self.node.cni_bin_dir),))
        toolchain = Toolchain(
            places,
            self.runner,
            1,
            processes=ProcessTable(str(self.node.proc)),
            systemd=Systemd(self.runner, str(self.booted), [str(self.units)]),
            peer=self.peer,
            exposure=Exposure(self.runner, 1, str(self.documentation)),
        )
        return toolchain.look(drift=drift)


@pytest.fixture
def scene(node: Node, tmp_path: pathlib.Path) -> Scene:
    return Scene(node, tmp_path / "not-booted")


def test_on_a_bare_node_everything_is_null(scene: Scene) -> None:
    result = scene.look()
    assert set(result["tools"].values()) == {None}
    assert result["containerd"]["owner"] == "none"
    assert result["units"] == {"containerd": None, "buildkit": None, "buildkit-rootless": None}
    assert result["sockets"]["containerd"] == {"path": ADDRESS, "exists": False, "serving": False, "pid": None}
    assert result["generation"] is None


def test_installed_tools_tell_their_versions(scene: Scene, make_archive: MakeArchive) -> None:
    archive = make_archive()
    scene.node.install(archive)
    result = scene.look()
    versions = {name: tool and tool["version"] for name, tool in result["tools"].items()}
    assert versions == {
        "nerdctl": "2.2.1",
        "containerd": "2.2.1",
        "ctr": "2.2.1",
        "buildctl": "0.26.3",
        "buildkitd": "0.26.3",
        "runc": "1.4.0",
        "buildah": None,
        "rootlesskit": None,
        "cni": "1.9.0",
    }
    assert result["tools"]["nerdctl"]["path"] == f"{scene.node.layout.commands}/nerdctl"
    assert result["generation"] == {
        "name": archive.generation,
        "version": "2.2.1",
        "path": scene.node.layout.generation(archive.generation),
        "components": {"nerdctl": "2.2.1"},
        "installed": [archive.generation],
    }


def test_tools_of_the_system_are_found(scene: Scene) -> None:
    scene.runner.elsewhere["buildah"] = "/usr/bin/buildah"
    scene.runner.answers["/usr/bin/buildah", "--version"] = (
        0,
        "buildah version 1.28.2 (image-spec 1.0.2-dev, runtime-spec 1.0.2-dev)\n",
        "",
    )
    assert scene.look()["tools"]["buildah"] == {"path": "/usr/bin/buildah", "version": "1.28.2"}


def test_a_tool_that_cannot_be_started_has_no_version(scene: Scene) -> None:
    scene.runner.elsewhere["buildah"] = "/usr/bin/buildah"
    assert scene.look()["tools"]["buildah"] == {"path": "/usr/bin/buildah", "version": None}


def test_the_running_daemon_tells_its_own_version(scene: Scene, make_archive: MakeArchive) -> None:
    archive = make_archive()
    scene.node.install(archive)
    scene.node.start(100, f"{scene.node.layout.generation(archive.generation)}/bin/containerd")
    scene.listeners.update({ADDRESS: 100, "/run/test/buildkitd.sock": 101})
    scene.runner.answers[f"{scene.node.layout.commands}/ctr", "--address", ADDRESS, "version"] = (0, SERVER, "")
    result = scene.look()
    assert (result["containerd"]["owner"], result["containerd"]["version"]) == ("ours", "2.2.0")
    assert result["sockets"]["containerd"]["pid"] == 100
    assert result["sockets"]["buildkit"]["pid"] == 101
    assert result["sockets"]["buildkit"]["serving"]


def test_units_are_told(scene: Scene) -> None:
    scene.booted.mkdir()
    shown = "Id={name}\nLoadState=loaded\nActiveState=active\nSubState=running\nMainPID=7\nNRestarts=1\n"
    scene.runner.answers["systemctl", "show"] = (
        0,
        shown.format(name="containerd.service") + "\nId=buildkit.service\nLoadState=not-found\n",
        "",
    )
    result = scene.look()
    assert result["units"]["buildkit"] is None
    assert (result["units"]["containerd"]["main_pid"], result["units"]["containerd"]["restarts"]) == (7, 1)


def test_the_daemons_for_namespaces_are_told(scene: Scene) -> None:
    first = ("containerd", "buildkit", "buildkit-rootless")
    scene.booted.mkdir()
    scene.units.mkdir()
    # The first is a template, which is no service.
    for name in ("buildkit@.service", "buildkit@k8s.io.service", "buildkit@ci.service", "buildkit@ci.socket"):
        (scene.units / name).touch()
    scene.runner.answers["systemctl", "show"] = (
        0,
        "\n".join(
            f"Id={name}.service\nLoadState={'loaded' if '@' in name else 'not-found'}\nMainPID={pid}\n"
            for pid, name in enumerate([*first, "buildkit@ci", "buildkit@k8s.io"])
        ),
        "",
    )
    units = scene.look()["units"]
    told = {name: unit and unit["main_pid"] for name, unit in units.items()}
    assert told == {**dict.fromkeys(first), "buildkit@ci": 3, "buildkit@k8s.io": 4}


def test_without_permission_it_says_so(scene: Scene) -> None:
    def forbidden(_path: str) -> t.Any:
        raise PermissionError(13, "Permission denied")

    scene.peer = forbidden
    with pytest.raises(Unavailable, match="become: true"):
        scene.look()


def test_vulnerabilities_of_what_is_installed_are_told(scene: Scene, make_archive: MakeArchive) -> None:
    scene.node.install(make_archive())
    result = scene.look()
    found = {(each["id"], each["component"], each["version"]) for each in result["advisories"]}
    # No containerd runs and no unit starts one, so that nothing is said of it.
    assert ("CVE-2026-41579", "runc", "1.4.0") in found
    assert ("CVE-2026-33747", "buildkit", "0.26.3") in found
    assert {component for _id, component, _version in found} == {"runc", "buildkit"}
    assert result["advisories_as_of"] == AS_OF


@pytest.mark.parametrize(("listed", "mitigated"), [("restart\n", False), ("", True)])
def test_a_mitigation_is_seen_in_the_daemon_that_runs(
    scene: Scene, make_archive: MakeArchive, listed: str, mitigated: bool
) -> None:
    archive = make_archive()
    scene.node.install(archive)
    scene.node.start(100, f"{scene.node.layout.generation(archive.generation)}/bin/containerd")
    scene.listeners[ADDRESS] = 100
    ctr = f"{scene.node.layout.commands}/ctr"
    scene.runner.answers[ctr, "--address", ADDRESS, "version"] = (0, SERVER, "")
    scene.runner.answers[
        ctr,
        "--address",
        ADDRESS,
        "plugins",
        "ls",
        "--quiet",
        "type==io.containerd.monitor.container.v1,id==restart",
    ] = (0, listed, "")
    found = {each["id"]: each for each in scene.look()["advisories"]}
    assert found["CVE-2026-53488"]["mitigated"] is mitigated
    assert found["CVE-2026-53488"]["version"] == "2.2.0"
    assert found["CVE-2026-53489"]["mitigated"] is None


def test_what_a_distribution_repaired_is_left_out(scene: Scene) -> None:
    scene.runner.elsewhere["buildah"] = "/usr/bin/buildah"
    scene.runner.answers["/usr/bin/buildah", "--version"] = (0, "buildah version 1.28.2 (x)\n", "")
    (scene.documentation / "buildah").mkdir(parents=True)
    with gzip.open(scene.documentation / "buildah/changelog.Debian.gz", "wt") as changelog:
        changelog.write("buildah (1.28.2+ds1-3+deb12u1) bookworm\n  * CVE-2024-1753: refuse such mounts\n")
    found = {each["id"]: each["package"] for each in scene.look()["advisories"]}
    assert "CVE-2024-1753" not in found
    assert found["CVE-2024-9407"] == "buildah"


def test_files_and_processes_are_compared_with_the_list(scene: Scene, make_archive: MakeArchive) -> None:
    old, new = make_archive(version="2.2.0"), make_archive(version="2.2.1")
    scene.node.install(old)
    scene.node.install(new)
    folder = pathlib.Path(scene.node.layout.generation(new.generation))
    shim = f"{scene.node.layout.generation(old.generation)}/bin/containerd-shim-runc-v2"
    scene.node.start(10, shim)
    scene.node.start(11, shim)
    scene.node.start(12, str(folder / "bin/containerd"), "/system.slice/containerd.service")
    assert scene.look(drift=True)["drift"] == {"changed": [], "missing": [], "added": []}
    (folder / "bin/runc").write_bytes(b"patched")
    (folder / "bin/ctr").unlink()
    (folder / "bin/more").touch()
    result = scene.look(drift=True)
    assert result["drift"] == {"changed": ["bin/runc"], "missing": ["bin/ctr"], "added": ["bin/more"]}
    told = [(each["pid"], each["is_installed"], each["generation"], each["unit"]) for each in result["running"]]
    assert told == [
        (10, False, old.generation, None),
        (11, False, old.generation, None),
        (12, True, new.generation, "containerd.service"),
    ]


def test_without_a_generation_there_is_nothing_to_compare(scene: Scene) -> None:
    result = scene.look(drift=True)
    assert (result["drift"], result["running"]) == (None, [])
    assert "drift" not in scene.look()
