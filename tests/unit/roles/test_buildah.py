# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the role buildah decides."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.nephoran.container_build.tests.unit.roles.rendering import Case, Render, Rendered

PARTS = {
    "steps": "{{ __buildah_steps }}",
    "extra": "{{ __buildah_extra_packages | join(' ') if 'distribution' in ansible_facts else '' }}",
    "missing": "{{ __buildah_was_missing | bool }}",
    "packages": "{{ __buildah_packages | join(' ') if 'distribution' in ansible_facts else '' }}",
}
# What apt-get 2.6 prints when it installs the package, when it would, and when it replaces another version.
INSTALLED = "After this operation …\nSelecting previously unselected package buildah.\r\n(Reading database ...\n"
WOULD_INSTALL = "0 upgraded, 1 newly installed\nInst buildah (1.28.2+ds1-3 Debian:12.15 [amd64])\n"
WOULD_UPGRADE = "1 upgraded\nInst buildah [1.28.2+ds1-3] (1.28.2+ds1-4 Debian:12.15 [amd64])\n"
OTHERS_INSTALLED = "Selecting previously unselected package nftables.\nSetting up buildah-doc (1) ...\n"


def node(distribution: str, release: str, manager: str, **others: t.Any) -> dict[str, t.Any]:
    facts = {"distribution": distribution, "distribution_major_version": release, "pkg_mgr": manager}
    return {"ansible_facts": facts, "__buildah_package": {}, **others}


@pytest.fixture(scope="module")
def rendered(render: Render) -> Rendered:
    cases = {
        "debian12": node("Debian", "12", "apt", __buildah_package={"stdout": INSTALLED}),
        "debian13": node("Debian", "13", "apt", __buildah_package={"stdout": WOULD_INSTALL}),
        "ubuntu22": node("Ubuntu", "22", "apt", __buildah_package={"stdout": WOULD_UPGRADE}),
        "ubuntu24": node("Ubuntu", "24", "apt", __buildah_package={"stdout": OTHERS_INSTALLED}),
        "fedora": node("Fedora", "43", "dnf5", __buildah_package={"results": ["Installed: buildah-2:1.41.4-1.x86_64"]}),
        "offline": node(
            "Debian", "13", "apt", buildah_repository="/srv/packages", __buildah_package={"added": ["crun", "buildah"]}
        ),
        "offline_extra": node(
            "Debian", "13", "apt", buildah_repository="/srv/packages", __buildah_package={"added": ["crun"]}
        ),
        "offline_absent": node("Debian", "13", "apt", buildah_repository="/srv/packages", buildah_state="absent"),
        "pinned": node("Debian", "13", "apt", buildah_version="1.39*", buildah_extra_packages=["runc"]),
        "absent": node("Debian", "13", "apt", buildah_state="absent"),
        "unknown": {"ansible_facts": {}, "__buildah_package": {}},
    }
    return render({name: Case("buildah", variables, PARTS) for name, variables in cases.items()})


@pytest.mark.parametrize(
    ("case", "steps", "extra"),
    [
        ("debian12", "install_apt", "crun netavark iptables"),
        ("debian13", "install_apt", "crun netavark nftables"),
        ("ubuntu22", "install_apt", "crun iptables"),
        ("ubuntu24", "install_apt", "crun netavark iptables"),
        ("fedora", "install_other", ""),
        ("absent", "remove", "crun netavark nftables"),
        ("offline", "install_repository", "crun netavark nftables"),
        ("offline_absent", "remove", "crun netavark nftables"),
        ("unknown", "gather", ""),
    ],
)
def test_the_node_decides_what_is_done(rendered: Rendered, case: str, steps: str, extra: str) -> None:
    assert (rendered[case]["steps"], rendered[case]["extra"]) == (steps, extra)


@pytest.mark.parametrize(
    ("case", "missing"),
    [
        ("debian12", True),
        ("debian13", True),
        ("ubuntu22", False),
        ("ubuntu24", False),
        ("fedora", True),
        ("absent", False),
        ("offline", True),
        ("offline_extra", False),
    ],
)
def test_only_a_package_that_was_not_there_was_installed_by_the_role(
    rendered: Rendered, case: str, missing: bool
) -> None:
    assert rendered[case]["missing"] is missing


def test_a_version_is_asked_for_as_apt_writes_it(rendered: Rendered) -> None:
    assert rendered["pinned"]["packages"] == "buildah=1.39* runc"
    assert rendered["offline"]["packages"] == "buildah crun netavark nftables"
