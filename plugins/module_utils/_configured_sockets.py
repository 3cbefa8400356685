# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containerd sockets that the configuration of a kubelet or of Docker names, whether or not either runs now.

Source: kubeadm writes ``/var/lib/kubelet/kubeadm-flags.env`` and ``config.yaml`` (KubeletConfiguration v1beta1 knows
``containerRuntimeEndpoint`` since Kubernetes 1.27); its packages read ``/etc/default/kubelet`` or
``/etc/sysconfig/kubelet``; k3s and rke2 read ``/etc/rancher/*/config.yaml`` and ``config.yaml.d`` beside it; dockerd
reads ``/etc/docker/daemon.json``.
"""

from __future__ import annotations

import contextlib
import dataclasses
import glob
import json
import os
import re
import typing as t

# Those of flags come before those of files, as the kubelet takes them.
_OF_KUBELETS = (
    "/etc/default/kubelet",
    "/etc/sysconfig/kubelet",
    "/var/lib/kubelet/kubeadm-flags.env",
    "/var/lib/kubelet/config.yaml",
    "/etc/rancher/k3s/config.yaml",
    "/etc/rancher/k3s/config.yaml.d/*.yaml",
    "/etc/rancher/rke2/config.yaml",
    "/etc/rancher/rke2/config.yaml.d/*.yaml",
)
_OF_DOCKER = "/etc/docker/daemon.json"
# As a flag with "=" or a space, as a key of YAML or of JSON, quoted or not.
_ENDPOINT = re.compile(
    r"(?:container-runtime-endpoint|containerRuntimeEndpoint)[\"']?[:=\s]\s*[\"']?(?:unix://)?(?P<path>/[^\s\"',}]+)"
)
_COMMENT = re.compile(r"(?:^|\s)#.*$", re.MULTILINE)
# A kubelet may use another runtime than containerd; its socket is none of ours to judge.
_MARK = "containerd"


@dataclasses.dataclass(frozen=True)
class ConfiguredSocket:
    """A socket of containerd that somebody's configuration names.

    Attributes:
        path: the socket.
        source: the file that names it.
    """

    path: str
    source: str


def configured_sockets(root: str = "/") -> list[ConfiguredSocket]:
    """Return the sockets that configurations name, in the order in which they count, each once.

    Args:
        root: the folder that stands for the root of the file system.
    """
    found: dict[str, ConfiguredSocket] = {}
    for source, text in _texts(root, _OF_KUBELETS):
        for match in _ENDPOINT.finditer(_COMMENT.sub("", text)):
            found.setdefault(match["path"], ConfiguredSocket(match["path"], source))
    for source, text in _texts(root, (_OF_DOCKER,)):
        path = _docker_names(text)
        if path:
            found.setdefault(path, ConfiguredSocket(path, source))
    return [socket for socket in found.values() if _MARK in os.path.basename(socket.path)]


def _texts(root: str, patterns: t.Iterable[str]) -> t.Iterator[tuple[str, str]]:
    """Yield each file that there is, by the name it has on the node, with its text."""
    for pattern in patterns:
        for path in sorted(glob.glob(os.path.join(root, pattern.lstrip("/")))):
            # Without the right to read one, what is known without it has to do.
            with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
                yield "/" + os.path.relpath(path, root), file.read()


def _docker_names(text: str) -> str:
    try:
        settings = json.loads(text)
    except ValueError:
        return ""
    path = settings.get("containerd") if isinstance(settings, dict) else None
    return path if isinstance(path, str) else ""
