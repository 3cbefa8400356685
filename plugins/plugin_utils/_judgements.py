# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the answers that the role ``verify`` collects on a node mean: one check for each thing it looked at. No I/O."""

from __future__ import annotations

import dataclasses
import os
import re
import typing as t

from ansible.module_utils.compat.version import LooseVersion
from ansible_collections.nephoran.container_build.plugins.plugin_utils._check_table import Check

TOOLS = "Tools"
DAEMONS = "Daemons"
PODS = "Images of Pods"
END_TO_END = "End to end"

BUILDAH = "buildah"
FOREIGN = "foreign"
KUBERNETES_NAMESPACE = "k8s.io"
_SHORT_DIGEST = len("sha256:") + 12

# Where its version stands in what each tool says.
_VERSIONS: t.Mapping[str, str] = {
    "nerdctl": r"^Client:\s+Version:\s+v?(\S+)",
    "buildctl": r"^buildctl \S+ v?(\S+)",
    "buildkitd": r"^buildkitd \S+ v?(\S+)",
    BUILDAH: r"^Version:\s+v?(\S+)",
    "containerd": r"^Server:\s+Version:\s+v?(\S+)",
    "runc": r"^runc version v?(\S+)",
    "cni": r"^CNI \S+ plugin v?(\S+)",
}
# What a node has from its distribution where containerd is not the toolchain's.
_PARTS_OF_CONTAINERD = ("containerd", "runc")
_AT_LEAST = ">="
# The whole message of ansible.builtin.command where a command failed.
_COMMAND_FAILED = "non-zero return code"

Registered = t.Mapping[str, t.Any]
"""What a task registered, as far as the answers need it: every key may be missing."""


@dataclasses.dataclass(frozen=True)
class Images:
    """What became of the images of one builder.

    Attributes:
        build: what the build registered.
        import_: what bringing the image into the namespace where it is run registered; empty if there was no need to.
        run: what the run registered.
        imports: what handing it over registered, for each namespace.
        found: what ``image_info`` found of it, in all namespaces.
    """

    build: Registered
    import_: Registered
    run: Registered
    imports: t.Sequence[Registered]
    found: t.Sequence[Registered]


def tool_checks(answers: t.Mapping[str, Registered], wanted: t.Mapping[str, str], *, foreign: bool) -> list[Check]:
    """Judge the version of each tool that was asked.

    Args:
        answers: what asking each tool registered, by its name.
        wanted: a version, or ``>=`` and the oldest that will do, by the tool's name. Others may have any.
        foreign: whether containerd, and with it runc, is not the toolchain's and may have any version.
    """
    return [
        _tool_check(tool, answers[tool], "" if foreign and tool in _PARTS_OF_CONTAINERD else str(wanted.get(tool, "")))
        for tool in _VERSIONS
        if tool in answers
    ]


def generation_check(toolchain: Registered) -> Check:
    """Say which generation of the archive serves; a toolchain that came another way has none."""
    name = str((toolchain.get("generation") or {}).get("name") or "")
    otherwise = "not installed by this collection" if "generation" in toolchain else "not known"
    return Check("generation", ok=True if name else None, detail=name or otherwise, section=TOOLS)


def containerd_check(ctr: Registered, nerdctl: Registered, containerd: Registered) -> Check:
    """Judge whether containerd answered ``ctr version`` and ``nerdctl version``.

    Args:
        ctr: what asking ctr registered.
        nerdctl: what asking nerdctl registered.
        containerd: whose containerd it is, as ``toolchain_info`` tells.
    """
    silent = [answer for answer in (ctr, nerdctl) if answer.get("rc", 1) != 0]
    detail = "in system mode"
    if containerd.get("owner") == FOREIGN:
        detail += f", adopted ({containerd.get('provider') or 'unknown origin'})"
    if not silent and "rootless" in _words(nerdctl):
        detail += "; nerdctl's warning about rootless containerd can be ignored"
    return Check(
        "containerd answers",
        ok=not silent,
        detail="no answer" if silent else detail,
        section=DAEMONS,
        cause="containerd does not answer.",
        remedy="Look with «sudo systemctl status containerd» and «sudo journalctl -u containerd».",
        output="\n".join(_words(answer) for answer in silent),
    )


def unit_check(unit: str, answer: Registered) -> Check:
    """Judge what ``systemctl show`` says of a unit: it has to run, and to start at boot."""
    properties = dict(line.partition("=")[::2] for line in str(answer.get("stdout", "")).splitlines())
    active, enabled = properties.get("ActiveState", ""), properties.get("UnitFileState", "")
    restarts = properties.get("NRestarts", "0")
    parts = [
        f"{active} ({properties.get('SubState', '')})",
        enabled or "not installed",
        properties.get("FragmentPath", ""),
    ]
    if restarts not in ("0", ""):
        parts.append(f"restarted {restarts} times by systemd")
    return Check(
        unit,
        ok=active == "active" and enabled == "enabled",
        detail=", ".join(part for part in parts if part) if active else "systemd does not answer",
        section=DAEMONS,
        cause="The service does not run, or will not after the next boot.",
        remedy=f"Look with «sudo systemctl status {unit}» and «sudo journalctl -u {unit}»; start it with"
        f" «sudo systemctl enable --now {unit}».",
        output=_words(answer) if not active else "",
    )


def socket_check(path: str, answer: Registered) -> Check:
    """Judge what ``stat`` says of a socket, which has to be one, and must not be open to everyone."""
    stat = answer.get("stat") or {}
    is_socket, mode = bool(stat.get("issock")), str(stat.get("mode", ""))
    if is_socket:
        detail = f"{path} {stat.get('pw_name', stat.get('uid'))}:{stat.get('gr_name', stat.get('gid'))} {mode}"
    else:
        detail = f"{path} is not a socket" if stat.get("exists") else f"{path} is not there"
    return Check(
        f"socket {os.path.basename(path)}",
        ok=is_socket and mode.endswith("0"),
        detail=detail,
        section=DAEMONS,
        cause="Whoever can use this socket can become root on the node, and everyone can." if is_socket else "",
        remedy=f"Take the access away: «sudo chmod o-rwx {path}», and find out what gave it." if is_socket else "",
        output=_words(answer),
    )


def worker_check(answer: Registered) -> Check:
    """Judge BuildKit's workers, a line each: what runs its containers, containerd's namespace, the snapshotter."""
    workers = [line.split() for line in str(answer.get("stdout", "")).splitlines() if line.strip()]
    ours = [worker for worker in workers if worker[0] == "containerd"]
    if ours:
        detail = "; ".join(f"containerd, {_worker_place(worker)}" for worker in ours)
    else:
        detail = f"only {', '.join(worker[0] for worker in workers)}" if workers else "no answer"
    return Check(
        "BuildKit's worker",
        ok=bool(ours) and answer.get("rc") == 0,
        detail=detail,
        section=DAEMONS,
        cause="BuildKit builds into a store of its own, where containerd and Kubernetes do not find the images.",
        remedy="Apply the role nephoran.container_build.buildkit, which gives it a worker in containerd.",
        output=_words(answer) if not ours else "",
    )


def pod_checks(answer: Registered) -> list[Check]:
    """Judge whether Pods find the images that they name, as ``image_info`` tells of each name."""
    if "pods" not in answer:
        cause, remedy = _explanation(answer)
        return [
            Check(
                "images of Pods",
                ok=False,
                detail="not known",
                section=PODS,
                cause=cause or "Nobody could look.",
                remedy=remedy,
                output=_words(answer),
            )
        ]
    return [
        Check(
            str(pod["name"]),
            ok=bool(pod["visible"]),
            detail="visible to Kubernetes" if pod["visible"] else "a Pod does not find it",
            section=PODS,
            cause=_sentences(["a Pod that may not pull waits with ErrImageNeverPull", *pod["reasons"]]),
        )
        for pod in answer["pods"]
    ]


def image_checks(backend: str, images: Images, namespaces: t.Sequence[str], expected_words: str) -> list[Check]:
    """Judge what one builder made: whether it was built, runs, and is where it was handed to.

    Args:
        backend: the builder.
        images: what became of its image.
        namespaces: where it was handed to.
        expected_words: what a container of it has to say.
    """
    build = images.build
    names = [f"{backend}: build", f"{backend}: run", f"{backend}: hand over"]
    if "image_id" not in build:
        cause, remedy = _explanation(build)
        failed = Check(
            names[0],
            ok=False,
            detail="no image",
            section=END_TO_END,
            cause=cause or "The build failed.",
            remedy=remedy,
            output=_words(build),
        )
        return [failed, *(Check(name, ok=None, detail="nothing was built", section=END_TO_END) for name in names[1:])]
    detail = f"{build.get('image', '')} {str(build['image_id'])[:_SHORT_DIGEST]}"
    return [
        Check(names[0], ok=True, detail=detail, section=END_TO_END),
        _run_check(names[1], images, expected_words),
        _hand_over_check(names[2], images, namespaces),
    ]


def leftover_check(
    records: t.Sequence[str], images: t.Sequence[Registered], removals: t.Sequence[Registered], kept_in: t.Sequence[str]
) -> Check:
    """Judge whether the verification left the node as it was.

    Args:
        records: the names of all image records in the namespaces that are to be empty of the images again.
        images: the images that were made, as ``image_info`` describes them.
        removals: what removing from elsewhere than containerd registered.
        kept_in: the namespaces that keep the images on request.
    """
    ours = {str(image[key]) for image in images for key in ("name", "image_id") if image.get(key)}
    left = sorted(ours.intersection(records))
    failed = [removal for removal in removals if removal.get("failed") or removal.get("error")]
    detail = "all of the verification is gone again"
    if kept_in:
        detail = f"the images stay in {', '.join(kept_in)}, as asked"
    if left or failed:
        detail = f"left: {', '.join(left) or 'something'}"
    return Check(
        "left behind",
        ok=not left and not failed,
        detail=detail,
        section=END_TO_END,
        cause="What the verification made could not be removed.",
        remedy="Remove it with the module nephoran.container_build.image_remove.",
        output="\n".join(_words(removal) for removal in failed),
    )


def nothing_built_check() -> Check:
    """Say that check mode builds nothing."""
    return Check("build, run, hand over", ok=None, detail="not in check mode", section=END_TO_END)


def _tool_check(tool: str, answer: Registered, wanted: str) -> Check:
    match = re.search(_VERSIONS[tool], _words(answer), re.MULTILINE)
    version = match.group(1) if match else ""
    return Check(
        tool,
        ok=bool(version) and _fits(version, wanted),
        detail=version or "no answer",
        section=TOOLS,
        cause=f"Expected is {wanted}." if version else "It does not say its version.",
        remedy="Run the playbook nephoran.container_build.install, or say in verify_versions what to expect.",
        output="" if version else _words(answer),
    )


def _fits(version: str, wanted: str) -> bool:
    if not wanted:
        return True
    if wanted.startswith(_AT_LEAST):
        return bool(LooseVersion(version) >= LooseVersion(wanted[len(_AT_LEAST) :].strip()))
    return version == wanted


def _worker_place(worker: t.Sequence[str]) -> str:
    namespace, snapshotter = (*worker[1:3], "?", "?")[:2]
    return f"namespace {namespace}, snapshotter {snapshotter}"


def _run_check(name: str, images: Images, expected_words: str) -> Check:
    said = str(images.run.get("stdout", "")).strip()
    ran = images.run.get("rc") == 0
    cause, remedy = _explanation(images.run)
    return Check(
        name,
        ok=ran and said == expected_words,
        detail=f"says {said!r}" if ran else "did not run",
        section=END_TO_END,
        cause=f"It should say {expected_words!r}." if ran else cause or "No container of the image runs.",
        remedy=remedy or "Look with «sudo journalctl -u containerd».",
        output="\n".join(_words(said) for said in (images.import_, images.run)) if not ran else "",
    )


def _hand_over_check(name: str, images: Images, namespaces: t.Sequence[str]) -> Check:
    found = {image["namespace"]: image for image in images.found}
    reasons = {namespace: _why_unusable(namespace, found.get(namespace)) for namespace in namespaces}
    wrong = [f"{why} {namespace}" for namespace, why in reasons.items() if why]
    visible = " and visible to Kubernetes" if KUBERNETES_NAMESPACE in namespaces else ""
    return Check(
        name,
        ok=not wrong,
        detail="; ".join(wrong) or f"in {', '.join(namespaces)}{visible}",
        section=END_TO_END,
        cause="The image was built, but is not to be had where it was handed to.",
        remedy="Look with «sudo ctr -n NAMESPACE images check».",
        output="\n".join(_words(imported) for imported in images.imports) if wrong else "",
    )


def _why_unusable(namespace: str, image: Registered | None) -> str:
    """Return why an image is of no use in a namespace, as words that the namespace's name follows; empty if it is."""
    if image is None:
        return "not in namespace"
    if namespace == KUBERNETES_NAMESPACE and not image.get("visible_to_kubernetes"):
        reasons = ", ".join(image.get("invisible_reasons") or []) or "the reason is not known"
        return f"not visible to Kubernetes ({reasons}) in"
    missing = ", ".join(image.get("missing") or []) or "something"
    return "" if image.get("complete") else f"{missing} is missing in"


def _sentences(reasons: t.Sequence[str]) -> str:
    return " ".join(f"{reason[:1].upper()}{reason[1:]}." for reason in reasons)


def _explanation(answer: Registered) -> tuple[str, str]:
    """Return what a module of this collection says itself of why it failed, and of what to do."""
    error = answer.get("error") or {}
    return str(error.get("message", "")), str(error.get("remedy", ""))


def _words(answer: Registered) -> str:
    """Return all that a tool or a module said, line by line."""
    said = {key: str(answer[key]) for key in ("stdout", "stderr", "msg") if answer.get(key)}
    if said.get("msg") == _COMMAND_FAILED:
        del said["msg"]
    return "\n".join(said.values())
