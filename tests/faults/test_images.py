# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Images that are damaged, foreign, hostile or in a storm: the targets of tests/integration show it, run now."""

from __future__ import annotations

import pytest

from faults.lab_node import CHECKOUT, LabNode, run

PARTS = [
    pytest.param("image_import", "healing", marks=pytest.mark.fault(34), id="missing-blob"),
    pytest.param("image_import", "failures", marks=pytest.mark.fault(35, 36), id="archives"),
    pytest.param("image_import", "buildah", marks=pytest.mark.fault(37), id="short-names"),
    pytest.param("image_import", "storm", marks=pytest.mark.fault(39), id="storm"),
    pytest.param("image_import", "reserved_labels", marks=pytest.mark.fault(46), id="labels"),
    pytest.param("image_build", "namespaces", marks=pytest.mark.fault(38), id="pin"),
]


@pytest.mark.parametrize(("target", "part"), PARTS)
def test_the_modules_own_targets(installed: LabNode, target: str, part: str) -> None:
    done = installed.target(target, part)
    assert done.status == 0, done.output[-3000:]


@pytest.mark.fault(40)
def test_a_pod_finds_its_image_at_every_moment(installed: LabNode) -> None:
    scenario = CHECKOUT / "molecule/kubernetes"
    for playbook in ("prepare.yml", "kubelet.yml"):
        done = run(["ansible-playbook", "-i", str(installed.inventory), str(scenario / playbook)])
        assert done.status == 0, done.output[-3000:]
    # It runs already, and takes no notice of a network that is moved into its folder.
    installed.shell("systemctl restart containerd")
    try:
        done = installed.molecule_tests(
            "kubernetes", "test_containers_find_their_image_at_every_moment_of_its_rebuilds"
        )
        assert done.status == 0, done.output[-3000:]
    finally:
        installed.shell("systemctl disable --now kubelet && rm /etc/cni/net.d/10-pods.conflist")
