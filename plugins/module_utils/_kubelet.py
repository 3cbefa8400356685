# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kubelet of this node: which containerd it uses, and which images it gives to Pods that bring no credentials.

Source: ``cmd/kubelet/app/options``, ``pkg/kubelet/apis/config`` and ``pkg/kubelet/images/pullmanager`` of Kubernetes
v1.34.2. That the gate is on by default from 1.35 on is read in Kubernetes's release notes.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import Process, ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner

DEFAULT_ENDPOINT = "unix:///run/containerd/containerd.sock"
CREDENTIALS_GATE = "KubeletEnsureSecretPulledImages"
GATE_IS_ON_SINCE = (1, 35)
ALWAYS_VERIFY = "AlwaysVerify"
VERIFY_UNLESS_LISTED = "NeverVerifyAllowlistedImages"
VERIFY_UNLESS_PRELOADED = "NeverVerifyPreloadedImages"

_PROGRAM = "kubelet"
_VERSION = re.compile(r"v(\d+)\.(\d+)")
_VERSION_TIMEOUT_SECONDS = 10
# A line of block-style YAML, as Kubernetes's own tools write it: indentation, "- " of a list, "key:", a plain value.
_LINE = re.compile(r"^(?P<indent> *)(?P<item>- +)?(?:(?P<key>[A-Za-z]\w*):(?: +|$))?(?P<value>.*)$")


@dataclasses.dataclass(frozen=True)
class Kubelet:
    """What is known of a kubelet that runs.

    Attributes:
        pid: its process.
        endpoint: the socket of the containerd whose images it sees.
        policy: when it checks the credentials of a Pod before it gives it an image that is there; empty if it never
            does.
        allowlist: what it leaves out of that with the policy ``NeverVerifyAllowlistedImages``.
    """

    pid: int
    endpoint: str
    policy: str = ""
    allowlist: tuple[str, ...] = ()

    def demands_credentials(self, repository: str) -> bool:
        """Tell whether a preloaded image is withheld from a Pod without pull credentials.

        Args:
            repository: the image's name in its full form, without tag and digest.
        """
        if self.policy == VERIFY_UNLESS_LISTED:
            return not any(_covers(pattern, repository) for pattern in self.allowlist)
        return self.policy == ALWAYS_VERIFY


def find_kubelet(processes: ProcessTable, runner: Runner) -> Kubelet | None:
    """Return the kubelet that runs on this node, ``None`` if there is none, or none of its own as with k3s.

    Args:
        processes: the node's processes.
        runner: asks the kubelet for its version.
    """
    for process in processes.running():
        if os.path.basename(process.executable) == _PROGRAM:
            return _described(process, processes.arguments(process.pid), runner)
    return None


def _described(process: Process, arguments: t.Sequence[str], runner: Runner) -> Kubelet:
    flags = _flags(arguments)
    settings = _settings(flags.get("config", ""))
    endpoint = (
        flags.get("image-service-endpoint")
        or flags.get("container-runtime-endpoint")
        or _text(settings, "imageServiceEndpoint")
        or _text(settings, "containerRuntimeEndpoint")
        or DEFAULT_ENDPOINT
    )
    return Kubelet(
        pid=process.pid,
        endpoint=endpoint.removeprefix("unix://"),
        policy=_policy(settings) if _gate_is_on(flags, settings, process, runner) else "",
        allowlist=_texts(settings, "preloadedImagesVerificationAllowlist"),
    )


def _flags(arguments: t.Sequence[str]) -> dict[str, str]:
    """Return the flags of a command line, ``--flag=value`` and ``--flag value`` alike."""
    flags: dict[str, str] = {}
    for word, following in zip(arguments, (*arguments[1:], "")):
        name, equals, value = word.removeprefix("--").partition("=")
        if word.startswith("--"):
            flags[name] = value if equals else following
    return flags


def _gate_is_on(flags: t.Mapping[str, str], settings: t.Mapping[str, t.Any], process: Process, runner: Runner) -> bool:
    gates = settings.get("featureGates")
    named = {str(gate): str(on) for gate, on in gates.items()} if isinstance(gates, dict) else {}
    named.update(pair.partition("=")[::2] for pair in flags.get("feature-gates", "").split(","))
    if CREDENTIALS_GATE in named:
        return named[CREDENTIALS_GATE].lower() == "true"
    return _version(process, runner) >= GATE_IS_ON_SINCE


def _version(process: Process, runner: Runner) -> tuple[int, int]:
    """Return major and minor version, 0.0 if the program does not tell."""
    with contextlib.suppress(Unavailable):
        said = runner.run([process.executable, "--version"], timeout=_VERSION_TIMEOUT_SECONDS)
        match = _VERSION.search(said.text) if said.rc == 0 else None
        if match:
            return int(match[1]), int(match[2])
    return 0, 0


def _policy(settings: t.Mapping[str, t.Any]) -> str:
    return _text(settings, "imagePullCredentialsVerificationPolicy") or VERIFY_UNLESS_PRELOADED


def _covers(pattern: str, repository: str) -> bool:
    return repository.startswith(pattern[:-1]) if pattern.endswith("/*") else repository == pattern


def _text(settings: t.Mapping[str, t.Any], key: str) -> str:
    value = settings.get(key)
    return value if isinstance(value, str) else ""


def _texts(settings: t.Mapping[str, t.Any], key: str) -> tuple[str, ...]:
    value = settings.get(key)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _settings(path: str) -> dict[str, t.Any]:
    """Return what the file *path* says at its top level; nothing if it cannot be read."""
    with contextlib.suppress(OSError, UnicodeDecodeError), open(path, encoding="utf-8") as file:
        return parse_settings(file.read())
    return {}


def parse_settings(text: str) -> dict[str, t.Any]:
    """Return the top level of a configuration: texts, lists of texts, and mappings of texts.

    Nodes have no YAML library that a module could rely on. JSON is read whole; of YAML, the block style without
    anchors and multi-line texts, which is what kubeadm and its like write. What lies deeper is left out.
    """
    with contextlib.suppress(ValueError):
        document = json.loads(text)
        return document if isinstance(document, dict) else {}
    settings: dict[str, t.Any] = {}
    key = ""
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None or not line.strip() or line.lstrip().startswith("#") or line.startswith("---"):
            continue
        value = _scalar(match["value"])
        if match["key"] and not match["indent"] and not match["item"]:
            key = match["key"]
            settings[key] = value
        elif not (match["key"] and match["item"]):
            _extend(settings, key, match["key"] or "", value)
    return settings


def _extend(settings: dict[str, t.Any], key: str, name: str, value: str) -> None:
    """Put a list's item, or a mapping's value if it has a *name*, into what stands under *key*."""
    if settings.get(key) == "":
        settings[key] = {} if name else []
    collection = settings.get(key)
    if isinstance(collection, dict) and name:
        collection[name] = value
    elif isinstance(collection, list) and not name:
        collection.append(value)


def _scalar(text: str) -> str:
    text = text.strip()
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return text[1:-1]
    return re.sub(r"(^| +)#.*$", "", text)
