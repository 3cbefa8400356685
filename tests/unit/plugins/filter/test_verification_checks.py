# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way from what tasks registered to checks."""

from __future__ import annotations

import typing as t

import pytest

pytest.importorskip("ansible.errors", reason="filters run on the controller's Python")

from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.filter.verification_checks import verification_checks

NAMES = {backend: f"docker.io/library/nephoran-verify:{backend}" for backend in ("nerdctl", "buildah")}


def found(**changes: t.Any) -> dict[str, t.Any]:
    return {
        "versions": {"runc": "1.4.0"},
        "backends": list(NAMES),
        "namespaces": ["k8s.io"],
        "kept_namespaces": [],
        "says": "test",
        "toolchain": {"containerd": {"owner": "ours", "unit": None}, "generation": {"name": "2.2.1-abc"}},
        "answers": {"runc": {"rc": 0, "stdout": "runc version 1.3.0"}},
        "sockets": {"/run/x.sock": {"stat": {"exists": False}}},
        **changes,
    }


def made() -> dict[str, t.Any]:
    return {
        "builds": [
            {"item": "nerdctl", "image": NAMES["nerdctl"], "image_id": "sha256:1"},
            {"item": "buildah", "image": NAMES["buildah"], "image_id": "sha256:2"},
        ],
        "from_buildah": {"msg": "the store is locked"},
        "runs": [{"item": "nerdctl", "rc": 0, "stdout": "test"}, {"item": "buildah", "msg": "no such image"}],
        "imports": [{"item": ["nerdctl", "k8s.io"]}, {"item": ["buildah", "k8s.io"], "msg": "nothing to import"}],
        "found": {
            "images": [
                {
                    "name": NAMES["nerdctl"],
                    "image_id": "sha256:1",
                    "namespace": "k8s.io",
                    "complete": True,
                    "visible_to_kubernetes": True,
                }
            ]
        },
        "records": [{"item": "default", "stdout_lines": []}, {"item": "k8s.io", "stdout_lines": [NAMES["nerdctl"]]}],
        "removals": [],
    }


def states(checks: list[dict[str, t.Any]]) -> dict[str, bool | None]:
    return {check["name"]: check["ok"] for check in checks}


def test_each_answer_is_judged_by_its_own_check() -> None:
    assert states(verification_checks(found(images=made()))) == {
        "runc": False,
        "generation": True,
        "containerd answers": False,
        "containerd.service": False,
        "buildkit.service": False,
        "socket x.sock": False,
        "BuildKit's worker": False,
        "nerdctl: build": True,
        "nerdctl: run": True,
        "nerdctl: hand over": True,
        "buildah: build": True,
        "buildah: run": False,
        "buildah: hand over": False,
        "left behind": False,
    }


def test_words_reach_the_check_that_they_explain() -> None:
    checks = {check["name"]: check for check in verification_checks(found(images=made()))}
    assert checks["buildah: run"]["output"] == "the store is locked\nno such image"
    assert checks["buildah: hand over"]["output"] == "nothing to import"
    assert NAMES["nerdctl"] in checks["left behind"]["detail"]


def test_check_mode_judges_no_images() -> None:
    assert states(verification_checks(found()))["build, run, hand over"] is None


def test_images_of_pods_are_judged_if_they_were_asked_for() -> None:
    pods = {"pods": [{"name": "docker.io/library/app:v1", "visible": False, "reasons": ["it is nowhere"]}]}
    assert states(verification_checks(found(pods=pods)))["docker.io/library/app:v1"] is False
    unasked = verification_checks(found())
    assert verification_checks(found(pods={"skipped": True, "changed": False})) == unasked


def test_the_unit_of_an_adopted_containerd_is_judged() -> None:
    toolchain = {"containerd": {"owner": "foreign", "unit": "k3s.service", "provider": "k3s"}}
    assert "k3s.service" in states(verification_checks(found(toolchain=toolchain)))


def test_no_answers_at_all_are_failures_not_errors() -> None:
    outcome = states(verification_checks({}))
    assert outcome["containerd answers"] is False
    assert outcome["buildkit.service"] is False


def test_anything_but_a_dictionary_is_refused() -> None:
    with pytest.raises(AnsibleFilterError, match="dictionary"):
        verification_checks([])
