# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook verify sees what is right and what is wrong, and leaves nothing behind."""

from __future__ import annotations

import re

from node_playbooks import run_playbook
from testinfra.host import Host

IMAGE = "docker.io/library/nephoran-verify:buildah"
OBSERVE = """
for namespace in default k8s.io; do ctr -n $namespace images ls -q; ctr -n $namespace containers ls -q; done
buildah images --all --noheading; buildah containers --noheading
find /tmp -maxdepth 1 -name 'nephoran*'
"""


def rows(output: str, glyph: str, check: str) -> int:
    """Count a check's lines in the tables; below them, nothing follows a name."""
    return len(re.findall(f"^ +{glyph}  {check}  ", output, re.MULTILINE))


def observe(nodes: dict[str, Host]) -> dict[str, str]:
    return {name: host.check_output(OBSERVE) for name, host in nodes.items()}


def test_a_sound_node_passes_and_is_left_as_it_was(nodes: dict[str, Host]) -> None:
    before = observe(nodes)
    run = run_playbook("verify")
    assert run.status == 0, run.output
    assert [recap.changed for recap in run.recaps.values()] == [0] * len(nodes)
    for name in nodes:
        assert f"Container build toolchain · {name}" in run.output
    for backend in ("nerdctl", "buildctl", "buildah"):
        for step in ("build", "run", "hand over"):
            assert rows(run.output, "✔", f"{backend}: {step}") == len(nodes)
    assert "✘" not in run.output
    assert observe(nodes) == before


def test_kept_images_stay_until_the_next_run(nodes: dict[str, Host]) -> None:
    before = observe(nodes)
    assert (
        run_playbook("verify", "--extra-vars={'verify_keep_image': true, 'verify_backends': ['buildah']}").status == 0
    )
    for host in nodes.values():
        assert IMAGE in host.check_output("ctr -n k8s.io images ls -q").split()
        assert IMAGE not in host.check_output("ctr -n default images ls -q").split()
    # Nothing can be built now, and what was left goes all the same.
    missing = run_playbook(
        "verify", "--extra-vars={'verify_backends': ['buildah'], 'verify_image_base': 'alpine:nope'}"
    )
    assert missing.status != 0
    assert rows(missing.output, "✘", "buildah: build") == len(nodes)
    assert rows(missing.output, "–", "buildah: run") == len(nodes)  # noqa: RUF001
    assert rows(missing.output, "✔", "containerd answers") == len(nodes)
    assert "No registry gave the image" in missing.output
    assert observe(nodes) == before


def test_a_stopped_builder_is_explained(nodes: dict[str, Host]) -> None:
    for host in nodes.values():
        host.check_output("systemctl stop buildkit")
    try:
        run = run_playbook("verify", "--extra-vars={'verify_backends': ['nerdctl']}")
    finally:
        for host in nodes.values():
            host.check_output("systemctl start buildkit")
    assert run.status != 0
    for glyph, check in (("✘", "buildkit.service"), ("✘", "nerdctl: build"), ("✔", "containerd answers")):
        assert rows(run.output, glyph, check) == len(nodes)
    assert "sudo systemctl restart buildkit" in run.output


def test_missing_privileges_are_explained(nodes: dict[str, Host]) -> None:
    run = run_playbook("verify", "--extra-vars=ansible_become=false", "--check")
    assert run.status != 0
    assert set(run.recaps) == set(nodes)
    assert "answer only to root" in run.output
    assert "become: true" in run.output


def test_check_mode_builds_nothing(nodes: dict[str, Host]) -> None:
    log = "journalctl --unit buildkit --no-pager | wc -l"
    before = {name: host.check_output(log) for name, host in nodes.items()}
    run = run_playbook("verify", "--check")
    assert run.status == 0, run.output
    assert [recap.changed for recap in run.recaps.values()] == [0] * len(nodes)
    assert "not in check mode" in run.output
    assert {name: host.check_output(log) for name, host in nodes.items()} == before
