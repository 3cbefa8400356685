# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of node there are, and what a node holds before any role has been there."""

from __future__ import annotations

from dataclasses import dataclass

from lab.debian import trust
from lab.debian.mirror import Mirror
from lab.debian.rootfs import File, Rootfs
from lab.errors import LabError

USER = "operator"
AUTHORIZED_KEYS = f"/etc/ssh/authorized_keys/{USER}"

PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iptables",
    "kmod",
    "openssh-server",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd-sysv",
    "udev",
)

# These set up the kernel and its devices, which belong to the machine that the node runs on.
MASKED_UNITS = (
    "dev-hugepages.mount",
    "getty.target",
    "proc-sys-fs-binfmt_misc.automount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "systemd-modules-load.service",
    "systemd-sysctl.service",
    "systemd-udev-trigger.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udevd.service",
)

FILES = {
    "/etc/default/locale": File("LANG=C.UTF-8\n"),
    "/etc/ssh/sshd_config.d/lab.conf": File(
        "AuthorizedKeysFile /etc/ssh/authorized_keys/%u\nPasswordAuthentication no\nUseDNS no\nMaxStartups 100\n"
    ),
    f"/etc/sudoers.d/{USER}": File(f"{USER} ALL=(ALL) NOPASSWD: ALL\n", mode=0o440),
    # The kernel's messages are the machine's and every other node's as well.
    "/etc/systemd/journald.conf.d/lab.conf": File("[Journal]\nReadKMsg=no\n"),
}


@dataclass(frozen=True)
class Kind:
    """A kind of node.

    :param name: what it is called on the command line.
    :param suite: the release of Debian that it is.
    """

    name: str
    suite: str

    def rootfs(self, mirror: Mirror) -> Rootfs:
        """The recipe of such a node's root file system."""
        authorities = {
            f"/usr/local/share/ca-certificates/machine-{number}.crt": File(certificate)
            for number, certificate in enumerate(trust.added_authorities(), start=1)
        }
        return Rootfs(
            suite=self.suite,
            mirror=mirror,
            packages=PACKAGES,
            files={**FILES, **authorities},
            commands=(
                # Debian has a group of this name already.
                f"useradd --create-home --shell /bin/bash --gid {USER} {USER}",
                f"systemctl mask {' '.join(MASKED_UNITS)}",
                "update-ca-certificates",
            ),
            keeps_package_lists=True,
        )


KINDS = {kind.name: kind for kind in (Kind("debian12", "bookworm"), Kind("debian13", "trixie"))}


def find(name: str) -> Kind:
    """The kind of this name.

    :raises LabError: if there is none.
    """
    if name not in KINDS:
        raise LabError(f"There is no node of the kind {name!r}: the kinds are {', '.join(KINDS)}.")
    return KINDS[name]
