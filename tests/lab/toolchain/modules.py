# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is built from Go modules: which module, at which version, which of its commands, and how.

The version of everything beneath a module is pinned by ``gomodules/<name>/go.mod`` and ``go.sum``. To move a tool to
another version, change it here and run ``go get -tool <module>/<package>@<version>`` in its folder.

Kubernetes's repository requires modules of its own staging folder. They are published too, each under its own name, and
the ``go.mod`` of Kubernetes and crictl take them from there, at the release's version.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

GOMODULES = Path(__file__).resolve().parents[1] / "gomodules"

_MAJOR_VERSION = re.compile(r"/v[0-9]+$")


@dataclass(frozen=True)
class PatchedSource:
    """A module that does not build as it is served, so that a changed copy of its source is built.

    The tool's ``go.mod`` replaces the module by ``./source`` and each stand-in by its folder in ``./stand-ins``.
    """

    checksum: str
    """The module's ``h1:`` checksum. A replaced module has no line in ``go.sum``."""
    left_out: tuple[str, ...]
    """Patterns, relative to the module, of the files that the copy is made without."""
    stand_ins: Mapping[str, str]
    """Empty modules that take the place of unavailable ones: folder to module path."""


@dataclass(frozen=True)
class GoTool:
    """Commands that come from one Go module."""

    name: str
    """Also the name of the folder in ``gomodules``."""
    title: str
    module: str
    version: str
    packages: tuple[str, ...]
    """Packages of the commands, relative to the module; empty for the module's own root."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """Go variables that the linker sets, relative to the module unless they begin with ``main.`` or a module's path."""
    tags: tuple[str, ...] = ()
    cgo_packages: tuple[str, ...] = ()
    """Debian packages with the C libraries to link with. A tool that names any is built with cgo, statically."""
    patched: PatchedSource | None = None

    @property
    def directory(self) -> Path:
        """The folder that holds the tool's ``go.mod`` and ``go.sum``."""
        return GOMODULES / self.name

    @property
    def uses_cgo(self) -> bool:
        return bool(self.cgo_packages)

    @property
    def import_paths(self) -> tuple[str, ...]:
        return tuple(f"{self.module}/{package}".rstrip("/") for package in self.packages)

    @property
    def programs(self) -> tuple[str, ...]:
        """The names that Go gives to the commands, in the order of ``packages``."""
        return tuple(_MAJOR_VERSION.sub("", path).rpartition("/")[2] for path in self.import_paths)

    @property
    def linker_flags(self) -> str:
        """The value of ``go build -ldflags``."""
        flags = ["-s", "-w"]
        for variable, value in self.variables.items():
            prefix = "" if _is_absolute(variable) else f"{self.module}/"
            flags += ["-X", f"{prefix}{variable}={value}"]
        if self.uses_cgo:
            flags += ["-linkmode", "external", "-extldflags", "-static"]
        return " ".join(flags)


def _is_absolute(variable: str) -> bool:
    # The path of a module that can be downloaded begins with the name of a host.
    host, slash, _path = variable.partition("/")
    return variable.startswith("main.") or (bool(slash) and "." in host)


NERDCTL = GoTool(
    name="nerdctl",
    title="nerdctl",
    module="github.com/containerd/nerdctl/v2",
    version="v2.2.1",
    packages=("cmd/nerdctl",),
    variables={
        "pkg/version.Version": "v2.2.1",
        "pkg/version.Revision": "0d1089396f017bb872ad40606b0d31ebdeaa828a",
    },
    # The nested module tigron is required through a local replacement, so no module proxy has it. Only the helpers of
    # nerdctl's own tests import it, and they lie in files that every build of the package includes.
    patched=PatchedSource(
        checksum="h1:eXBu4HddMEXtLmZsJncfvOiJ6a8DemOzWhOxypNIEG0=",
        left_out=("cmd/nerdctl/helpers/testing*.go",),
        stand_ins={"tigron": "github.com/containerd/nerdctl/mod/tigron"},
    ),
)

CONTAINERD = GoTool(
    name="containerd",
    title="containerd",
    module="github.com/containerd/containerd/v2",
    version="v2.2.1",
    packages=("cmd/containerd", "cmd/containerd-shim-runc-v2", "cmd/ctr"),
    variables={
        "version.Version": "v2.2.1",
        "version.Revision": "dea7da592f5d1d2b7755e3a161be07f43fad8f75",
    },
    tags=("urfave_cli_no_docs", "no_btrfs", "no_devmapper", "no_zfs"),
)

RUNC = GoTool(
    name="runc",
    title="runc",
    module="github.com/opencontainers/runc",
    version="v1.4.0",
    packages=("",),
    variables={"main.gitCommit": "v1.4.0-0-g8bd78a99"},
    tags=("seccomp", "urfave_cli_no_docs", "netgo", "osusergo"),
    cgo_packages=("libseccomp-dev",),
)

CNI_PLUGINS = GoTool(
    name="cni-plugins",
    title="CNI plugins",
    module="github.com/containernetworking/plugins",
    version="v1.9.0",
    packages=(
        "plugins/ipam/dhcp",
        "plugins/ipam/host-local",
        "plugins/ipam/static",
        "plugins/main/bridge",
        "plugins/main/dummy",
        "plugins/main/host-device",
        "plugins/main/ipvlan",
        "plugins/main/loopback",
        "plugins/main/macvlan",
        "plugins/main/ptp",
        "plugins/main/tap",
        "plugins/main/vlan",
        "plugins/meta/bandwidth",
        "plugins/meta/firewall",
        "plugins/meta/portmap",
        "plugins/meta/sbr",
        "plugins/meta/tuning",
        "plugins/meta/vrf",
    ),
    variables={"pkg/utils/buildversion.BuildVersion": "v1.9.0"},
)

BUILDKIT = GoTool(
    name="buildkit",
    title="BuildKit",
    module="github.com/moby/buildkit",
    version="v0.26.3",
    packages=("cmd/buildctl", "cmd/buildkitd"),
    variables={"version.Version": "v0.26.3"},
    tags=("osusergo", "netgo", "seccomp"),
)

ROOTLESSKIT = GoTool(
    name="rootlesskit",
    title="RootlessKit",
    module="github.com/rootless-containers/rootlesskit/v2",
    version="v2.3.6",
    packages=("cmd/rootlessctl", "cmd/rootlesskit"),
)

REGISTRY = GoTool(
    name="registry",
    title="Distribution registry",
    module="github.com/distribution/distribution/v3",
    version="v3.0.0",
    packages=("cmd/registry",),
    variables={"version.version": "v3.0.0"},
)

KUBERNETES = GoTool(
    name="kubernetes",
    title="Kubernetes",
    module="k8s.io/kubernetes",
    version="v1.34.2",
    packages=("cmd/kube-apiserver", "cmd/kube-controller-manager", "cmd/kube-scheduler", "cmd/kubelet"),
    variables={
        "k8s.io/component-base/version.gitVersion": "v1.34.2",
        "k8s.io/component-base/version.gitMajor": "1",
        "k8s.io/component-base/version.gitMinor": "34",
    },
)

ETCD = GoTool(
    name="etcd",
    title="etcd",
    module="go.etcd.io/etcd/server/v3",
    # The one that this Kubernetes's kubeadm installs.
    version="v3.6.5",
    packages=("",),
)

CRICTL = GoTool(
    name="crictl",
    title="crictl",
    # By its own go.mod; the module is served as sigs.k8s.io/cri-tools.
    module="github.com/kubernetes-sigs/cri-tools",
    version="v1.30.0",
    packages=("cmd/crictl",),
    variables={"pkg/version.Version": "v1.30.0"},
)

NERDCTL_FULL_VERSION = NERDCTL.version.removeprefix("v")
NERDCTL_FULL = (NERDCTL, CONTAINERD, RUNC, CNI_PLUGINS, BUILDKIT, ROOTLESSKIT)
"""What the nerdctl-full archive is made of, in the order of its README."""

TOOLS = {tool.name: tool for tool in (*NERDCTL_FULL, REGISTRY, KUBERNETES, ETCD, CRICTL)}
