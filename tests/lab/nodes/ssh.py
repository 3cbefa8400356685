# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How nodes are reached: SSH with a key pair of the lab's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lab import paths, prerequisites, shell
from lab.nodes.kinds import USER

DEBIAN_PACKAGES = ("openssh-client",)
CONNECT_TIMEOUT_SECONDS = 5

# A node lives for minutes and gets an address that another one had before: there is no host key to remember.
OPTIONS = (
    "-o",
    "StrictHostKeyChecking=no",
    "-o",
    "UserKnownHostsFile=/dev/null",
    "-o",
    "LogLevel=ERROR",
    "-o",
    f"ConnectTimeout={CONNECT_TIMEOUT_SECONDS}",
)


@dataclass(frozen=True)
class KeyPair:
    """The files of a key pair."""

    private: Path

    @property
    def public(self) -> Path:
        """The public half."""
        return self.private.with_suffix(".pub")


def ensure_key_pair() -> KeyPair:
    """Make the lab's key pair if it is not there."""
    prerequisites.ensure_debian_packages(DEBIAN_PACKAGES)
    directory = paths.cache_root() / "ssh"
    with paths.locked("ssh"):
        if not directory.exists():
            with paths.staged(directory) as made:
                made.mkdir(mode=0o700)
                shell.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "nephoran-lab", "-f", made / "key"])
    return KeyPair(directory / "key")


def command(key: KeyPair, address: str, *remote: str) -> list[str]:
    """The command line that runs ``remote``, or else a login shell, on a node."""
    identity = ["-i", str(key.private), "-o", "IdentitiesOnly=yes"]
    return ["ssh", *OPTIONS, *identity, f"{USER}@{address}", *remote]
