# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is made of the answers that a verification collects. The tools' words are those of real ones."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.plugin_utils import _judgements as judge

NERDCTL = """Client:
 Version:\tv2.2.1
 OS/Arch:\tlinux/amd64
 buildctl:
  Version:\tv0.26.3

Server:
 containerd:
  Version:\tv2.2.1
 runc:
  Version:\t1.4.0
"""
CTR = "Client:\n  Version:  v2.2.1\n  Revision: abc\n\nServer:\n  Version:  v2.2.0\n  Revision: abc\n"
SAID = {
    "nerdctl": (NERDCTL, "2.2.1"),
    "buildctl": ("buildctl github.com/moby/buildkit v0.26.3 ", "0.26.3"),
    "buildkitd": ("buildkitd github.com/moby/buildkit v0.26.3 ", "0.26.3"),
    "buildah": ("Version:         1.39.3\nGo Version:      go1.24.4\nlibcni Version:  \n", "1.39.3"),
    "containerd": (CTR, "2.2.0"),
    "runc": ("runc version 1.4.0\nspec: 1.3.0\n", "1.4.0"),
    "cni": ("CNI bridge plugin v1.9.0\nCNI protocol versions supported: 0.1.0", "1.9.0"),
}
MISSING = {"rc": 2, "stdout": "", "stderr": "", "msg": "[Errno 2] No such file or directory: b'nerdctl'"}
DENIED = {"rc": 1, "stdout": "", "stderr": "connect: permission denied"}


def said(words: str, rc: int = 0, **more: t.Any) -> dict[str, t.Any]:
    return {"rc": rc, "stdout": words, "stderr": "", **more}


@pytest.mark.parametrize("tool", SAID)
def test_version_is_found_in_what_a_tool_says(tool: str) -> None:
    words, version = SAID[tool]
    (check,) = judge.tool_checks({tool: said(words)}, {tool: version}, foreign=False)
    assert (check.name, check.ok, check.detail) == (tool, True, version)


@pytest.mark.parametrize(
    ("wanted", "ok"),
    [("1.39.3", True), ("1.39", False), (">=1.23.1", True), (">= 1.39.3", True), (">=1.40", False), ("", True)],
)
def test_version_is_compared(wanted: str, ok: bool) -> None:
    (check,) = judge.tool_checks({"buildah": said(SAID["buildah"][0])}, {"buildah": wanted}, foreign=False)
    assert check.ok is ok
    assert wanted in check.cause


def test_tool_that_is_not_there_fails_with_its_words() -> None:
    (check,) = judge.tool_checks({"nerdctl": MISSING}, {}, foreign=False)
    assert check.ok is False
    assert "No such file" in check.output


def test_foreign_containerd_may_have_any_version() -> None:
    answers = {"containerd": said(CTR), "runc": said("runc version 1.1.5+ds1"), "cni": said(SAID["cni"][0])}
    wanted = {"containerd": "2.2.1", "runc": "1.4.0", "cni": "1.0.0"}
    assert [check.ok for check in judge.tool_checks(answers, wanted, foreign=True)] == [True, True, False]
    assert [check.ok for check in judge.tool_checks(answers, wanted, foreign=False)] == [False, False, False]


def test_generation_is_named_if_there_is_one() -> None:
    assert judge.generation_check({"generation": {"name": "2.2.1-abc"}}).detail == "2.2.1-abc"
    assert judge.generation_check({"generation": None}).ok is None
    assert judge.generation_check({}).ok is None


@pytest.mark.parametrize(
    ("ctr", "nerdctl", "ok"),
    [(said(CTR), said(NERDCTL), True), (DENIED, said(NERDCTL), False), (said(CTR), DENIED, False), ({}, {}, False)],
)
def test_containerd_must_answer_both_clients(ctr: judge.Registered, nerdctl: judge.Registered, ok: bool) -> None:
    check = judge.containerd_check(ctr, nerdctl, {"owner": "ours"})
    assert check.ok is ok
    assert ("permission denied" in check.output) is (DENIED in (ctr, nerdctl))


def test_adopted_containerd_and_rootless_warning_are_named() -> None:
    warned = said(NERDCTL, stderr='level=warning msg="failed to inspect the rootless containerd socket address"')
    check = judge.containerd_check(said(CTR), warned, {"owner": "foreign", "provider": "k3s"})
    assert check.ok is True
    assert "adopted (k3s)" in check.detail
    assert "can be ignored" in check.detail


UNIT = "ActiveState=active\nSubState=running\nUnitFileState=enabled\nFragmentPath=/a=b.service\nNRestarts=0"


def test_unit_runs_and_is_enabled() -> None:
    check = judge.unit_check("buildkit.service", said(UNIT))
    assert check.ok is True
    assert check.detail == "active (running), enabled, /a=b.service"


@pytest.mark.parametrize(
    ("old", "new", "detail"),
    [
        ("ActiveState=active\nSubState=running", "ActiveState=failed\nSubState=failed", "failed (failed)"),
        ("UnitFileState=enabled", "UnitFileState=disabled", "disabled"),
        ("UnitFileState=enabled\nFragmentPath=/a=b.service", "UnitFileState=\nFragmentPath=", "not installed"),
    ],
)
def test_unit_that_does_not_run_or_start_at_boot_fails(old: str, new: str, detail: str) -> None:
    check = judge.unit_check("buildkit.service", said(UNIT.replace(old, new)))
    assert check.ok is False
    assert detail in check.detail


def test_restarts_by_systemd_are_told() -> None:
    assert "restarted 4 times" in judge.unit_check("x.service", said(UNIT.replace("NRestarts=0", "NRestarts=4"))).detail


def test_silent_systemd_fails() -> None:
    check = judge.unit_check("x.service", said("", rc=1, stderr="System has not been booted with systemd"))
    assert check.ok is False
    assert "not been booted" in check.output


SOCKET = {"exists": True, "issock": True, "mode": "0660", "pw_name": "root", "gr_name": "builders", "uid": 0, "gid": 9}


@pytest.mark.parametrize(
    ("stat", "ok", "detail"),
    [
        (SOCKET, True, "/run/x.sock root:builders 0660"),
        ({**SOCKET, "mode": "0666"}, False, "0666"),
        ({**SOCKET, "mode": "0664"}, False, "0664"),
        ({"exists": False}, False, "/run/x.sock is not there"),
        ({"exists": True, "issock": False, "mode": "0600"}, False, "is not a socket"),
        ({}, False, "is not there"),
    ],
)
def test_socket_is_one_and_closed_to_others(stat: judge.Registered, ok: bool, detail: str) -> None:
    check = judge.socket_check("/run/x.sock", {"stat": stat})
    assert check.ok is ok
    assert detail in check.detail


@pytest.mark.parametrize(
    ("answer", "ok", "detail"),
    [
        (said("containerd default overlayfs\n"), True, "containerd, namespace default, snapshotter overlayfs"),
        (said("oci  overlayfs\ncontainerd k8s.io native\n"), True, "containerd, namespace k8s.io, snapshotter native"),
        (said("oci  overlayfs\n"), False, "only oci"),
        (DENIED, False, "no answer"),
        ({}, False, "no answer"),
    ],
)
def test_worker_builds_in_containerd(answer: judge.Registered, ok: bool, detail: str) -> None:
    check = judge.worker_check(answer)
    assert check.ok is ok
    assert check.detail == detail


NAME = "docker.io/library/nephoran-verify:nerdctl"
BUILD = {"image_id": "sha256:" + "a" * 64, "image": NAME}
SEEN = {
    "name": NAME,
    "image_id": BUILD["image_id"],
    "namespace": "k8s.io",
    "complete": True,
    "visible_to_kubernetes": True,
}


def images(**changes: t.Any) -> judge.Images:
    found = {"build": BUILD, "import_": {}, "run": said("test\n"), "imports": [], "found": [SEEN], **changes}
    return judge.Images(**found)


def states(**changes: t.Any) -> list[bool | None]:
    return [check.ok for check in judge.image_checks("nerdctl", images(**changes), ["k8s.io"], "test")]


def test_image_is_built_runs_and_is_seen() -> None:
    assert states() == [True, True, True]


def test_nothing_else_is_judged_where_nothing_was_built() -> None:
    checks = judge.image_checks("nerdctl", images(build={"msg": "no such host"}, run={}, found=[]), ["k8s.io"], "test")
    assert [check.ok for check in checks] == [False, None, None]
    assert checks[0].output == "no such host"


@pytest.mark.parametrize("run", [said("toast"), {"rc": 1, "msg": "exit status 1"}, {}])
def test_container_must_say_what_it_should(run: judge.Registered) -> None:
    assert states(run=run) == [True, False, True]


@pytest.mark.parametrize(
    ("found", "detail"),
    [
        ([], "not in namespace k8s.io"),
        ([{**SEEN, "namespace": "default"}], "not in namespace k8s.io"),
        ([{**SEEN, "visible_to_kubernetes": False, "invisible_reasons": ["wrong platform"]}], "wrong platform"),
        ([{**SEEN, "complete": False, "missing": ["sha256:bb"]}], "sha256:bb"),
    ],
)
def test_image_must_be_where_kubernetes_looks(found: list[judge.Registered], detail: str) -> None:
    checks = judge.image_checks("nerdctl", images(found=found, imports=[{"msg": "why"}]), ["k8s.io"], "test")
    assert [check.ok for check in checks] == [True, True, False]
    assert detail in checks[2].detail
    assert checks[2].output == "why"


def test_other_namespaces_need_not_be_seen_by_kubernetes() -> None:
    elsewhere = {**SEEN, "namespace": "ci", "visible_to_kubernetes": False}
    checks = judge.image_checks("nerdctl", images(found=[elsewhere]), ["ci"], "test")
    assert checks[2].ok is True
    assert checks[2].detail == "in ci"


@pytest.mark.parametrize(
    ("records", "removals", "ok"),
    [
        ([], [], True),
        (["docker.io/library/other:1"], [{"changed": False}, {"skipped": True}, {}], True),
        ([NAME], [], False),
        ([BUILD["image_id"]], [], False),
        ([], [{"error": {"kind": "in_use"}, "msg": "image is in use"}], False),
        ([], [{"failed": True, "msg": "read-only file system"}], False),
    ],
)
def test_what_is_left_behind_is_found(records: list[str], removals: list[judge.Registered], ok: bool) -> None:
    check = judge.leftover_check(records, [SEEN], removals, [])
    assert check.ok is ok
    for record in set(records) & {NAME, BUILD["image_id"]}:
        assert record in check.detail


def test_kept_images_are_told() -> None:
    check = judge.leftover_check([], [SEEN], [], ["k8s.io"])
    assert check.ok is True
    assert "k8s.io" in check.detail


def test_each_image_of_a_pod_has_a_check() -> None:
    reason = "it is in default, and Kubernetes looks in k8s.io alone: bring it there"
    found, lost = judge.pod_checks(
        {
            "pods": [
                {"name": "docker.io/library/app:v1", "visible": True, "reasons": []},
                {"name": "docker.io/library/lost:v1", "visible": False, "reasons": [reason, "and more"]},
            ]
        }
    )
    assert (found.name, found.ok, found.detail) == ("docker.io/library/app:v1", True, "visible to Kubernetes")
    assert (lost.ok, lost.detail) == (False, "a Pod does not find it")
    assert "ErrImageNeverPull. It is in default, and" in lost.cause
    assert lost.cause.endswith("bring it there. And more.")


def test_nobody_could_look_for_the_images_of_pods() -> None:
    error = {"message": "containerd's socket does not exist", "remedy": "start it"}
    (check,) = judge.pod_checks({"failed": True, "msg": "containerd's socket does not exist", "error": error})
    assert (check.ok, check.cause, check.remedy) == (False, "containerd's socket does not exist", "start it")
    assert "does not exist" in check.output
