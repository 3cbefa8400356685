# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ways to build the benchmark's image: our module on each backend, its peers, and the bare commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.nodes import FOLDER, OUR_MODULES, BenchNode
from benchmarks.sides import CHANGED, UNCHANGED

CONTEXT = f"{FOLDER}/context"
STATE = "/var/lib/nephoran-container-build"
BUILDKIT = "unix:///run/buildkit/buildkitd.sock"
PODMAN_IMAGE = "containers.podman.podman_image"
DOCKER_IMAGE_BUILD = "community.docker.docker_image_build"

# Images share layers of equal content, so that the next build of any name begins at nothing only if all are gone.
FORGET_BUILDKIT = (
    "ctr -n default images ls -q | xargs -r ctr -n default images rm --sync > /dev/null"
    f" && buildctl --addr {BUILDKIT} prune --all > /dev/null"
)
FORGET_BUILDAH = "buildah rmi --all --force > /dev/null"
FORGET_DOCKER = (
    "docker image ls --quiet | sort -u | xargs -r docker image rm --force > /dev/null"
    " && docker builder prune --all --force > /dev/null"
)


class Says(NamedTuple):
    """What a way prints after a build from nothing, with nothing changed, and with one file changed."""

    cold: str
    nothing: str
    one_file: str


COMMAND = Says("", "", "")
TRUTH = Says(CHANGED, UNCHANGED, CHANGED)
BLIND = Says(CHANGED, UNCHANGED, UNCHANGED)
ALWAYS = Says(CHANGED, CHANGED, CHANGED)


@dataclass(frozen=True)
class Way:
    """A way to build.

    Attributes:
        name: what it is called in the tables.
        node: where it runs.
        command: the shell command that builds.
        forget: the shell command after which it builds from nothing.
        says: what it prints.
        bare: of our module, the bare command that does the same work.
        differs_from_nothing: whether there is anything of its own to measure where there is no image yet.
    """

    name: str
    node: BenchNode
    command: str
    forget: str
    says: Says
    bare: str = ""
    differs_from_nothing: bool = True

    @property
    def is_ours(self) -> bool:
        """Whether it is our module."""
        return bool(self.bare)

    @property
    def is_peer(self) -> bool:
        """Whether it is somebody else's module."""
        return self.says != COMMAND and not self.is_ours


def all_ways(containerd: BenchNode, docker: BenchNode) -> list[Way]:
    """Return our module, its peers and the bare commands; each has built the image once then."""
    peers = [
        _peer(containerd, PODMAN_IMAGE, FORGET_BUILDAH, BLIND),
        _peer(containerd, PODMAN_IMAGE, FORGET_BUILDAH, TRUTH, force=True),
        _peer(docker, DOCKER_IMAGE_BUILD, FORGET_DOCKER, BLIND),
        _peer(docker, DOCKER_IMAGE_BUILD, FORGET_DOCKER, ALWAYS, rebuild="always"),
    ]
    return [*our_ways(containerd), *peers, *_commands(containerd, docker)]


def our_ways(node: BenchNode) -> list[Way]:
    """Return our module with each of its backends; each has built the image once then."""
    return [
        _ours(node, "nerdctl", FORGET_BUILDKIT, bare="nerdctl build"),
        _ours(node, "buildctl", FORGET_BUILDKIT, bare="buildctl build"),
        _ours(node, "buildah", FORGET_BUILDAH, bare="buildah build"),
    ]


def _ours(node: BenchNode, backend: str, forget: str, bare: str) -> Way:
    options = {"name": f"bench-ours-{backend}", "tag": "1", "path": CONTEXT, "backend": backend}
    command = node.module_command(f"{OUR_MODULES}.image_build", options)
    return Way(f"image_build, {backend}", node, command, f"{forget} && rm -rf {STATE}", TRUTH, bare)


def _peer(node: BenchNode, module: str, forget: str, says: Says, **options: Any) -> Way:
    name = "-".join(["localhost/bench", *options])
    command = node.module_command(module, {"name": name, "tag": "1", "path": CONTEXT, **options})
    shown = [module.rpartition(".")[2], *(f"{option}: {str(value).lower()}" for option, value in options.items())]
    # What a peer is told to do about an image that is there tells nothing where there is none.
    return Way(", ".join(shown), node, command, forget, says, differs_from_nothing=not options)


def _commands(containerd: BenchNode, docker: BenchNode) -> list[Way]:
    buildctl = (
        f"buildctl --addr {BUILDKIT} build --frontend dockerfile.v0"
        f" --local context={CONTEXT} --local dockerfile={CONTEXT}"
        " --output type=image,name=docker.io/library/bench-buildctl:1,unpack=true"
    )
    ways = [
        Way("nerdctl build", containerd, f"nerdctl build --tag bench-nerdctl:1 {CONTEXT}", FORGET_BUILDKIT, COMMAND),
        Way("buildctl build", containerd, buildctl, FORGET_BUILDKIT, COMMAND),
        Way(
            *("buildah build", containerd, f"buildah bud --layers --tag bench-buildah:1 {CONTEXT}"),
            *(FORGET_BUILDAH, COMMAND),
        ),
        Way("docker build", docker, f"docker build --tag bench-docker:1 {CONTEXT}", FORGET_DOCKER, COMMAND),
    ]
    for way in ways:
        way.node.run(way.command)
    return ways
