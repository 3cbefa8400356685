# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Small archives, true and crafted, and a node that is a folder."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import os
import pathlib
import struct
import tarfile
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import NONE, ContainerdOwner
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import GenerationStore, Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full import NerdctlFull
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import Outcome, Request
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed

MACHINES = {"amd64": 62, "arm64": 183}
COMMANDS = ("buildctl", "buildkitd", "containerd", "containerd-shim-runc-v2", "ctr", "nerdctl", "runc")
PLUGINS = ("bridge", "host-local", "loopback")


def program(content: str, architecture: str | None = None) -> bytes:
    """Return a file that begins as a program for *architecture* does, this machine's own by default."""
    machine = MACHINES[architecture or Platform.host().architecture]
    return b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HH", 2, machine) + content.encode()


def member(name: str, content: bytes = b"", mode: int = 0o755, **fields: t.Any) -> tuple[tarfile.TarInfo, bytes]:
    """Return one member of a tar; *fields* are those of ``TarInfo``."""
    info = tarfile.TarInfo(name)
    info.size = len(content)
    info.mode = mode
    for field, value in fields.items():
        setattr(info, field, value)
    return info, content


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    """Return a tar of *members*."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content) if info.isreg() else None)
    return buffer.getvalue()


@dataclasses.dataclass(frozen=True)
class Archive:
    """An archive on disk."""

    path: pathlib.Path
    checksum: str
    version: str

    @property
    def generation(self) -> str:
        return f"{self.version}-{self.checksum[len('sha256:') :][:12]}"


@dataclasses.dataclass
class Crafted:
    """What goes into an archive; each part can be changed before it is written."""

    version: str = "2.2.1"
    architecture: str | None = None
    commands: tuple[str, ...] = COMMANDS
    stated_version: str | None = None
    components: dict[str, str] = dataclasses.field(default_factory=dict)
    sums: dict[str, str] = dataclasses.field(default_factory=dict)
    without_sums: bool = False
    extra: tuple[tuple[tarfile.TarInfo, bytes], ...] = ()

    def members(self) -> list[tuple[tarfile.TarInfo, bytes]]:
        files = {f"bin/{command}": program(f"{command} {self.version}", self.architecture) for command in self.commands}
        files.update(
            {f"libexec/cni/{plugin}": program(f"{plugin} {self.version}", self.architecture) for plugin in PLUGINS}
        )
        stated = {"nerdctl": self.stated_version or self.version, **self.components}
        readme = "# nerdctl\n" + "".join(f"- {name}: v{version}\n" for name, version in stated.items())
        documents = {"libexec/cni/LICENSE": b"Apache License", "share/doc/nerdctl-full/README.md": readme.encode()}
        sums = {path: hashlib.sha256(content).hexdigest() for path, content in {**files, **documents}.items()}
        sums.update({f"bin/buildkit-cni-{plugin}": sums[f"libexec/cni/{plugin}"] for plugin in PLUGINS})
        sums.update(self.sums)
        listed = "".join(f"{digest}  ./{path}\n" for path, digest in sorted(sums.items()))
        folders = [member("bin/", type=tarfile.DIRTYPE), member("libexec/cni/", type=tarfile.DIRTYPE)]
        links = [
            member(f"bin/buildkit-cni-{plugin}", type=tarfile.SYMTYPE, linkname=f"../libexec/cni/{plugin}")
            for plugin in PLUGINS
        ]
        listing = [] if self.without_sums else [member("share/doc/nerdctl-full/SHA256SUMS", listed.encode(), 0o644)]
        return [
            *folders,
            *(member(path, content) for path, content in files.items()),
            *links,
            *(member(path, content, 0o644) for path, content in documents.items()),
            *self.extra,
            *listing,
        ]


class MakeArchive(t.Protocol):
    def __call__(self, **parts: t.Any) -> Archive: ...


@pytest.fixture
def make_archive(tmp_path: pathlib.Path) -> MakeArchive:
    """Return a function that writes an archive; its arguments are the parts of ``Crafted``."""

    def make(**parts: t.Any) -> Archive:
        crafted = Crafted(**parts)
        content = gzip.compress(tar_of(*crafted.members()), mtime=0)
        checksum = hashlib.sha256(content).hexdigest()
        path = tmp_path / f"nerdctl-full-{crafted.version}-{checksum[:12]}.tar.gz"
        path.write_bytes(content)
        return Archive(path, f"sha256:{checksum}", crafted.version)

    return make


@pytest.fixture
def first(make_archive: MakeArchive) -> Archive:
    return make_archive(version="2.2.0")


@pytest.fixture
def second(make_archive: MakeArchive) -> Archive:
    return make_archive(version="2.2.1")


class FakeRunner:
    """Answers from a table of the first words of a command; every other command is not installed."""

    def __init__(self, answers: t.Mapping[tuple[str, ...], tuple[int, str, str]] | None = None) -> None:
        self.answers = dict(answers or {})
        self.argvs: list[list[str]] = []

    def find(self, command: str) -> str:
        return command

    def run(self, argv: t.Sequence[str], **_streams: t.Any) -> Completed:
        self.argvs.append(list(argv))
        for words, (rc, stdout, stderr) in self.answers.items():
            if tuple(argv[: len(words)]) == words:
                return Completed(tuple(argv), rc, stdout.encode(), stderr)
        raise Unavailable("The command is not installed on this node", subject=argv[0])


class Node:
    """A prefix in a folder, without processes and without a containerd unless a test gives it some."""

    def __init__(self, root: pathlib.Path) -> None:
        self.prefix = root / "usr/local"
        self.cni_bin_dir = root / "opt/cni/bin"
        self.proc = root / "proc"
        self.proc.mkdir()
        self.layout = Layout(str(self.prefix))
        self.store = GenerationStore(self.layout)
        self.runner = FakeRunner()
        self.owner = ContainerdOwner(NONE)

    def manager(
        self, *, check: bool = False, fetch: t.Callable[[str, str], None] | None = None, **wishes: t.Any
    ) -> NerdctlFull:
        request = Request(**{"cni_bin_dirs": (str(self.cni_bin_dir),), "timeout": 0.0, **wishes})
        return NerdctlFull(
            self.layout,
            request,
            self.runner,
            fetch=fetch,
            processes=ProcessTable(str(self.proc)),
            find_owner=lambda _address: self.owner,
            check_mode=check,
        )

    def install(self, archive: Archive, *, check: bool = False, **wishes: t.Any) -> Outcome:
        given = {"version": archive.version, "checksum": archive.checksum, "src": str(archive.path), **wishes}
        return self.manager(check=check, **given).ensure_present()

    def remove(self, *, check: bool = False, **wishes: t.Any) -> Outcome:
        return self.manager(check=check, **wishes).ensure_absent()

    def served(self, command: str = "nerdctl") -> bytes:
        """Return the content of the program that *command* starts."""
        return (pathlib.Path(self.layout.commands) / command).read_bytes()

    def start(self, pid: int, executable: str, cgroup: str = "") -> None:
        """Let a process run from the file *executable*, in the control group *cgroup*."""
        folder = self.proc / str(pid)
        folder.mkdir()
        if cgroup:
            (folder / "cgroup").write_text(f"0::{cgroup}\n", encoding="utf-8")
        os.symlink(executable, folder / "exe")
        os.symlink("/", folder / "root")

    def snapshot(self) -> dict[str, str]:
        """Return everything below the prefix and the CNI folder: what each path is, and its content."""
        found = {}
        for top in (self.prefix, self.cni_bin_dir):
            for path in sorted(top.rglob("*")) if top.exists() else ():
                if path.is_symlink():
                    found[str(path)] = f"-> {os.readlink(path)}"
                elif path.is_file() and path.name != ".lock":
                    found[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()
                elif path.is_dir():
                    found[str(path)] = "folder"
        return found


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    root = tmp_path / "node"
    root.mkdir()
    return Node(root)
