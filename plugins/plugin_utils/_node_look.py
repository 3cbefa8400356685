# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a node's shell tells of the node, and the facts that Ansible's ``setup`` would make of the same.

Only of nodes of which that is known beforehand: Debian and Ubuntu with systemd, on machines that the archive is made
for. Sources are the collectors ``platform``, ``distribution``, ``pkg_mgr``, ``service_mgr`` and ``user`` of
ansible-core 2.17 to 2.21.
"""

from __future__ import annotations

import typing as t

_MACHINES = ("x86_64", "aarch64")
_DISTRIBUTIONS: t.Mapping[str, str] = {"debian": "Debian", "ubuntu": "Ubuntu"}
# Names that say nothing of who manages the services: then the folder that systemd makes at boot says it (sd_booted(3)).
_INIT = "init"
_SYSTEMD = "systemd"

# One command of the shell, without a program that every Debian does not have.
COMMAND = r"""
echo "system=$(uname -s)"; echo "machine=$(uname -m)"; echo "uid=$(id -u)"; echo "user=$(id -un)";
echo "first_process=$(cat /proc/1/comm)";
test -d /run/systemd/system && command -v systemctl > /dev/null && echo booted=systemd;
test -x /usr/bin/apt-get && echo packages=apt; command -v python3 > /dev/null && echo python=there;
sed -n -e 's/^ID=/os_id=/p' -e 's/^VERSION_ID=/os_version=/p' -e 's/^VERSION_CODENAME=/os_release=/p' /etc/os-release
""".replace("\n", " ").strip()


def parse_look(text: str) -> dict[str, t.Any] | None:
    """Return the facts, under the names of ``setup``, that follow from what ``COMMAND`` printed.

    Returns:
        ``None`` if it is a node of which they are not known beforehand, or one without Python.
    """
    told = {key: value.strip("\"'") for key, _equals, value in (line.partition("=") for line in text.splitlines())}
    distribution = _DISTRIBUTIONS.get(told.get("os_id", ""))
    major = told.get("os_version", "").partition(".")[0]
    is_known = (
        told.get("system") == "Linux"
        and told.get("machine") in _MACHINES
        and _service_manager(told) == _SYSTEMD
        and told.get("packages") == "apt"
        and told.get("python") == "there"
        and told.get("uid", "").isdigit()
        and major.isdigit()
    )
    if not is_known or distribution is None or not told.get("user"):
        return None
    return {
        "ansible_architecture": told["machine"],
        "ansible_distribution": distribution,
        "ansible_distribution_major_version": major,
        "ansible_distribution_release": told.get("os_release", ""),
        "ansible_os_family": "Debian",
        "ansible_pkg_mgr": told["packages"],
        "ansible_service_mgr": _SYSTEMD,
        "ansible_system": told["system"],
        "ansible_user_id": told["user"],
        "ansible_user_uid": int(told["uid"]),
    }


def _service_manager(told: t.Mapping[str, str]) -> str:
    first = told.get("first_process", "")
    return told.get("booted", "") if first == _INIT else first
