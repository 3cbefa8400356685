# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A go command that compiles nothing and a release that is not there, so that everything around them runs for real."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from lab import prerequisites
from lab.toolchain import build, provide, release
from lab.toolchain.modules import CNI_PLUGINS, CONTAINERD, NERDCTL

_FAKE_GO = """\
#!/bin/sh
set -e
home={home}
command=$1
shift
case $command in
version) echo "go version $(cat "$home/version") linux/amd64" ;;
env)
    for name; do
        if [ "$name" = GOVERSION ]; then cat "$home/version"; else echo "$home/cache"; fi
    done ;;
mod)
    module=${{3%@*}}
    cat "$home/modules/$module/answer.json" ;;
build)
    while [ "$1" != -o ]; do shift; done
    output=$2
    shift 2
    build=$(mktemp -d "$home/builds/XXXXXX")
    printf '%s\\n' "$@" > "$build/packages"
    find . -type f > "$build/files"
    env > "$build/environment"
    pwd > "$build/directory"
    breaks=$(cat "$home/breaks")
    prefix=$(cat "$home/prefix")
    for package; do
        name=${{package##*/}}
        if [ "$name" = "$breaks" ]; then
            echo "undefined: $name" >&2
            exit 1
        fi
        printf '%s%s for %s' "$prefix" "$name" "$GOARCH" > "$output/$name"
    done ;;
*) echo "the fake go does not know $command" >&2; exit 2 ;;
esac
"""


@dataclass
class Build:
    """What one run of ``go build`` was given."""

    packages: list[str]
    directory: Path
    files: set[str]
    """The files there were in the directory, relative to it."""
    environment: dict[str, str]


@dataclass
class FakeGo:
    """What the fake go says, and what it was asked to build."""

    home: Path

    @property
    def builds(self) -> list[Build]:
        return [
            Build(
                packages=(build / "packages").read_text().splitlines(),
                directory=Path((build / "directory").read_text().rstrip("\n")),
                files={name.removeprefix("./") for name in (build / "files").read_text().splitlines()},
                environment=dict(line.split("=", 1) for line in (build / "environment").read_text().splitlines()),
            )
            for build in (self.home / "builds").iterdir()
        ]

    def says_version(self, version: str) -> None:
        (self.home / "version").write_text(f"{version}\n")

    def breaks_at(self, program: str) -> None:
        """Fail when this program is to be built; an empty name fails at none."""
        (self.home / "breaks").write_text(program)

    def begins_programs_with(self, prefix: str) -> None:
        (self.home / "prefix").write_text(prefix)

    def has_module(self, module: str, source: Path, checksum: str = "") -> None:
        answer = self.home / "modules" / module / "answer.json"
        answer.parent.mkdir(parents=True, exist_ok=True)
        answer.write_text(json.dumps({"Dir": str(source), "Sum": checksum}))


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """By tool name, the modules whose files go into the archive, each reduced to those files and one that stays out."""
    contents = {
        NERDCTL.name: {
            "README.md": "about nerdctl\n",
            "docs/config.md": "how to configure\n",
            "docs/images/logo.svg": "<svg/>\n",
            "extras/rootless/containerd-rootless.sh": "#!/bin/sh\n",
            "cmd/nerdctl/main.go": "package main\n",
            "cmd/nerdctl/helpers/testing.go": "package helpers\n",
            "cmd/nerdctl/helpers/testing_linux.go": "package helpers\n",
        },
        CONTAINERD.name: {
            "containerd.service": "[Unit]\nDescription=runtime\nDocumentation=somewhere\nAfter=dbus.service\n\n"
            "[Service]\nExecStart=/usr/local/bin/containerd\nOOMScoreAdjust=-999\n",
            "README.md": "about containerd\n",
        },
        CNI_PLUGINS.name: {"LICENSE": "licence\n", "README.md": "about plugins\n", "go.mod": "module plugins\n"},
    }
    directories = {}
    for tool, files in contents.items():
        directories[tool] = tmp_path / "sources" / tool
        for name, content in files.items():
            file = directories[tool] / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
            # As the module cache has it.
            file.chmod(0o444)
    return directories


@pytest.fixture
def fake_go(tmp_path: Path, sources: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> FakeGo:
    """A go 1.26.8 first on PATH; Debian packages count as installed."""
    fake = FakeGo(tmp_path / "go")
    (fake.home / "builds").mkdir(parents=True)
    fake.says_version("go1.26.8")
    fake.breaks_at("")
    fake.begins_programs_with("")
    for tool in (NERDCTL, CONTAINERD, CNI_PLUGINS):
        fake.has_module(tool.module, sources[tool.name], tool.patched.checksum if tool.patched else "")
    command = fake.home / "go"
    command.write_text(_FAKE_GO.format(home=fake.home))
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{fake.home}:{os.environ['PATH']}")
    monkeypatch.setattr(prerequisites, "ensure_debian_packages", lambda _names: None)
    return fake


class Releases:
    """What the download gives: nothing, until a test puts something there."""

    def __init__(self) -> None:
        self.asked = 0
        self.content: bytes | None = None

    def download(self, arch: str, target: Path, _on_progress: object) -> None:
        self.asked += 1
        if self.content is None:
            raise release.NotDownloaded(f"{arch}: no route to host")
        target.write_bytes(self.content)


@pytest.fixture
def releases(monkeypatch: pytest.MonkeyPatch) -> Releases:
    """Keeps every test of this off the network, on a machine that counts as amd64."""
    fake = Releases()
    monkeypatch.setattr(release, "download", fake.download)
    monkeypatch.setattr(provide, "machine_architecture", lambda: "amd64")
    monkeypatch.setattr(build, "machine_architecture", lambda: "amd64")
    return fake
