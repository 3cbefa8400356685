# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Go installation of this machine, run so that only the committed files decide what comes out."""

from __future__ import annotations

import json
import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab import prerequisites, shell
from lab.errors import LabError
from lab.toolchain.modules import GoTool

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def machine_architecture() -> str:
    """This machine's architecture by Go's name.

    :raises LabError: if nerdctl-full is not released for it.
    """
    machine = platform.machine()
    if machine not in ARCHITECTURES:
        raise LabError(
            f"There is no nerdctl-full archive for {machine}: it is released for {', '.join(ARCHITECTURES)}."
        )
    return ARCHITECTURES[machine]


@dataclass(frozen=True)
class Go:
    """A Go installation."""

    command: Path
    version: str

    @classmethod
    def find(cls) -> Go:
        """The one on ``PATH``.

        :raises LabError: if there is none or it is too old.
        """
        command = prerequisites.require_go()
        return cls(
            command,
            shell.run([command, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}, cwd=Path("/")).stdout.strip(),
        )

    def build(
        self, tool: GoTool, arch: str, *, workspace: Path, output: Path, log: Path, on_line: Callable[[str], None]
    ) -> None:
        """Build the commands of a tool into a folder.

        :param workspace: the folder with the tool's ``go.mod``.
        :param output: where the commands are put; it must exist.
        :param log: where the compiler's whole output goes.
        :param on_line: called with each line of output, for progress: the packages as they are compiled.
        :raises LabError: with the compiler's last lines.
        """
        argv: list[str | Path] = [self.command, "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"]
        argv += [
            f"-tags={','.join(tool.tags)}",
            f"-ldflags={tool.linker_flags}",
            "-o",
            f"{output}/",
            *tool.import_paths,
        ]
        shell.follow(argv, on_line, cwd=workspace, env=self._environment(tool, arch), log=log)

    def source_of(self, tool: GoTool) -> Path:
        """The folder in Go's module cache with the source of a tool, downloaded and verified if it is not there yet.

        :raises LabError: if the module cannot be had or is not the pinned one.
        """
        patched = tool.patched
        # Go verifies against go.sum, which has no line for a module that is replaced by a folder.
        where, asked = (Path("/"), f"{tool.module}@{tool.version}") if patched else (tool.directory, tool.module)
        # The pinned checksum decides, whether or not a checksum database can be reached.
        environment = {**self._environment(tool, machine_architecture()), "GONOSUMDB": tool.module}
        answer = json.loads(
            shell.run([self.command, "mod", "download", "-json", asked], cwd=where, env=environment).stdout
        )
        if patched and answer["Sum"] != patched.checksum:
            raise LabError(
                f"The Go module {asked} has the checksum {answer['Sum']}; {patched.checksum} was expected.",
                remedy="Find out what the module proxy serves before building anything from it.",
            )
        return Path(answer["Dir"])

    def caches(self) -> list[Path]:
        """The folders that downloaded modules and compiled packages go to."""
        answer = shell.run([self.command, "env", "GOMODCACHE", "GOCACHE"], env={"GOTOOLCHAIN": "local"}, cwd=Path("/"))
        return [Path(line) for line in answer.stdout.splitlines()]

    @staticmethod
    def _environment(tool: GoTool, arch: str) -> dict[str, str]:
        return {
            "CGO_ENABLED": "1" if tool.uses_cgo else "0",
            "GOARCH": arch,
            "GOOS": "linux",
            # The lowest level of each architecture, so that a cache can be carried to an older machine.
            "GOAMD64": "v1",
            "GOARM64": "v8.0",
            # An empty value would let the user's own flags in.
            "GOFLAGS": "-mod=readonly",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
        }
