# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from lab.toolchain import tree
from lab.toolchain.modules import CNI_PLUGINS, NERDCTL_FULL


@pytest.fixture
def root(tmp_path: Path, sources: dict[str, Path]) -> Path:
    """An assembled tree of programs that hold their own names."""
    programs = {}
    for tool in NERDCTL_FULL:
        programs[tool.name] = tmp_path / "programs" / tool.name
        programs[tool.name].mkdir(parents=True)
        for name in tool.programs:
            (programs[tool.name] / name).write_text(name)
    root = tmp_path / "root"
    root.mkdir()
    before = os.umask(0o077)
    try:
        tree.assemble(root, programs, sources)
    finally:
        os.umask(before)
    return root


def names(directory: Path) -> set[str]:
    return {entry.name for entry in directory.iterdir()}


def test_has_the_layout_of_the_release(root: Path) -> None:
    assert names(root) == {"bin", "lib", "libexec", "share"}
    assert names(root / "lib/systemd/system") == {"buildkit.service", "containerd.service"}
    assert names(root / "share/doc/nerdctl-full") == {"README.md", "SHA256SUMS"}
    assert (root / "share/doc/nerdctl/docs/images/logo.svg").read_text() == "<svg/>\n"


def test_commands_and_plugins_lie_apart(root: Path) -> None:
    commands = {name for name in names(root / "bin") if not name.startswith("buildkit-cni-")}
    expected = {name for tool in NERDCTL_FULL if tool is not CNI_PLUGINS for name in tool.programs}
    assert commands == expected | {"containerd-rootless.sh"}
    assert names(root / "libexec/cni") == {*CNI_PLUGINS.programs, "LICENSE", "README.md"}


def test_buildkit_finds_its_plugins_through_links(root: Path) -> None:
    links = {name for name in names(root / "bin") if name.startswith("buildkit-cni-")}
    assert links == {f"buildkit-cni-{name}" for name in CNI_PLUGINS.programs}
    assert os.readlink(root / "bin/buildkit-cni-bridge") == "../libexec/cni/bridge"
    assert (root / "bin/buildkit-cni-bridge").read_text() == "bridge"


def test_modes_do_not_depend_on_umask_or_module_cache(root: Path) -> None:
    def mode(name: str) -> str:
        return oct((root / name).stat().st_mode & 0o7777)

    assert [mode(name) for name in ("bin/nerdctl", "bin/containerd-rootless.sh", "libexec/cni/vlan")] == ["0o755"] * 3
    plain = ("lib/systemd/system/buildkit.service", "libexec/cni/LICENSE", str(tree.CHECKSUMS))
    assert [mode(name) for name in plain] == ["0o644"] * 3


def test_buildkit_unit_is_containerds_with_the_name_replaced(root: Path) -> None:
    assert (root / "lib/systemd/system/buildkit.service").read_text() == (
        "[Unit]\n\n\nAfter=dbus.service\n\n[Service]\nExecStart=/usr/local/bin/buildkitd\nOOMScoreAdjust=-999\n"
    )


def test_readme_tells_every_component_and_what_is_missing(root: Path) -> None:
    readme = (root / "share/doc/nerdctl-full/README.md").read_text()
    assert all(f"- {tool.title}: {tool.version}\n" in readme for tool in NERDCTL_FULL)
    assert "without its other components: stargz-snapshotter" in readme


def test_checksums_satisfy_sha256sum(root: Path) -> None:
    checked = subprocess.run(
        ["sha256sum", "--check", "--strict", tree.CHECKSUMS], cwd=root, capture_output=True, text=True, check=True
    )
    listed = {line.partition(":")[0] for line in checked.stdout.splitlines()}
    files = {f"./{path.relative_to(root)}" for path in root.rglob("*") if not path.is_dir()}
    assert listed == files - {f"./{tree.CHECKSUMS}"}


def test_checksums_are_ordered_and_list_links_by_their_target(root: Path) -> None:
    by_name = {line[66:]: line[:64] for line in (root / tree.CHECKSUMS).read_text().splitlines()}
    assert list(by_name) == sorted(by_name)
    assert by_name["./bin/buildkit-cni-bridge"] == by_name["./libexec/cni/bridge"]
