# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds with ``nerdctl build``, which drives BuildKit."""

from __future__ import annotations

from ansible_collections.nephoran.container_build.plugins.module_utils._argv import (
    for_each,
    for_each_pair,
    if_given,
    if_true,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_end import BetweenSteps
from ansible_collections.nephoran.container_build.plugins.module_utils._build_progress import BuildkitSteps
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    BuildReport,
    BuildSpec,
    RootRequest,
    secret_words,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._build_watch import BuildWatch
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import (
    Buildctl,
    read_buildkit_build,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import checked
from ansible_collections.nephoran.container_build.plugins.module_utils._secret_mask import SecretMask


class NerdctlBuilder:
    """Builds with ``nerdctl build``; the image lands in the worker's namespace of containerd.

    Args:
        nerdctl: the client.
        namespace: the namespace of BuildKit's worker. nerdctl moves an image through a tar if it is given another.
        buildctl: BuildKit's own client, which tells its address: nerdctl would look for one by itself, and might find
            another.
        watch: follows builds.
    """

    name = "nerdctl"
    keeps_contexts = True

    def __init__(self, nerdctl: Nerdctl, namespace: str, buildctl: Buildctl, watch: BuildWatch | None = None) -> None:
        self._nerdctl = nerdctl
        self._namespace = namespace
        self._buildctl = buildctl
        self._watch = watch or BuildWatch()

    def refuse(self, spec: BuildSpec) -> None:
        """Raise ``InvalidInput`` that names what *spec* asks for and this builder cannot do: nothing so far."""

    def build(self, spec: BuildSpec, log_path: str | None, timeout: int | None) -> BuildReport:
        """Build *spec* and unpack the image; raise what ended the build."""
        if spec.fresh_contexts:
            self._buildctl.forget_contexts()
        environ = {"BUILDKIT_HOST": self._buildctl.host}
        follower = self._watch.follow(BuildkitSteps(), SecretMask.of(spec.secrets), BetweenSteps())
        completed = self._nerdctl.run(
            self._namespace, nerdctl_build_words(spec), environ=environ, timeout=timeout, follower=follower
        )
        return read_buildkit_build(self.name, completed, spec, log_path)

    def write_root(self, root: RootRequest) -> None:
        """Write the root file system of an image in the worker's namespace; raise what ended that."""
        environ = {"BUILDKIT_HOST": self._buildctl.host}
        completed = self._nerdctl.run(self._namespace, nerdctl_root_words(root), environ=environ, timeout=root.timeout)
        checked(completed, "The output could not be written", subject=root.dest)


def nerdctl_build_words(spec: BuildSpec, output: str | None = None) -> list[str]:
    """Return the words of ``nerdctl build`` for *spec*.

    Args:
        spec: the build.
        output: where the image goes, in buildctl's notation but without its name; the worker's own store if not given.

    Source: ``docs/command-reference.md`` of nerdctl v2.2.1. ``--progress`` is handed on to buildctl, which knows
    ``rawjson`` too.
    """
    return [
        *("build", "--progress=rawjson", "--tag", str(spec.reference), "--file", spec.dockerfile),
        *for_each_pair("--build-arg", spec.args),
        *for_each_pair("--label", spec.labels),
        *if_given("--target", spec.target),
        *if_given("--platform", ",".join(map(str, spec.platforms))),
        *if_given("--network", spec.network),
        *for_each_pair("--add-host", spec.etc_hosts, separator=":"),
        *for_each_pair("--build-context", spec.build_contexts),
        *for_each("--cache-from", spec.cache_from),
        *for_each("--cache-to", spec.cache_to),
        *if_true("--pull", spec.pull),
        *if_true("--no-cache", spec.nocache),
        *secret_words(spec),
        *for_each("--allow", spec.allow),
        *for_each("--attest", (f"type={kind},{attributes}" for kind, attributes in spec.attestations.items())),
        *if_given("--output", output or _own_store(spec)),
        spec.context,
    ]


def _own_store(spec: BuildSpec) -> str | None:
    """Return the output that leaves the image where the worker is, as nerdctl itself would name it.

    nerdctl finds that out by two processes more, and takes the way through an archive where its snapshotter is another
    one than the worker's. Of platforms that the node may not have it decides by itself (``isImageSharable`` of
    ``pkg/cmd/builder/build.go``): BuildKit could leave out the base's layers.
    """
    return None if spec.platforms else "type=image,unpack=true"


def nerdctl_root_words(root: RootRequest) -> list[str]:
    """Return the words of ``nerdctl build`` that write an image's root file system.

    ``--pull=false`` takes the image that containerd has, and asks no registry.
    """
    return [
        *("build", "--progress=plain", "--pull=false", "--file", root.dockerfile),
        *if_given("--platform", ",".join(map(str, root.platforms))),
        *("--output", root.output),
        root.context,
    ]
