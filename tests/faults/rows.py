# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The faults, by their numbers, and what a container cannot show of them."""

from __future__ import annotations

FAULTS: dict[int, str] = {
    1: "truncated download",
    2: "the server answers 429 or 503",
    3: "a login page with status 200",
    4: "archive of the wrong architecture",
    5: "wrong or missing checksum",
    6: "downgrade that nobody asked for",
    7: "killed while unpacking",
    8: "killed between switches",
    9: "power loss after success",
    10: "disk full while staging",
    11: "disk full in /var/lib/containerd",
    12: "read-only /usr",
    13: "noexec prefix",
    14: "program in use",
    15: "link planted at the destination",
    16: "archive with hostile members",
    17: "two controllers at once",
    18: "dpkg's lock is held",
    19: "a distribution's containerd serves",
    20: "Docker is present",
    21: "k3s or rke2 serves",
    22: "run again with nothing to do",
    23: "only a comment of a configuration changed",
    24: "invalid config.toml",
    25: "configurations of several versions",
    26: "the new containerd does not start",
    27: "it starts, without the CRI plugin",
    28: "restart with live containers",
    29: "prune of a generation in use",
    30: "BuildKit is up before containerd",
    31: "containerd restarts during a build",
    32: "buildkitd is killed during a build",
    33: "the client is killed during a build",
    34: "a blob is missing from the store",
    35: "truncated image archive",
    36: "image of another platform",
    37: "short and localhost/ names",
    38: "a rebuild drops the pin",
    39: "garbage collection during an import",
    40: "a Pod starts while its tag moves",
    41: "the registry fails at FROM",
    42: "air gap",
    43: "a secret comes to light",
    44: "templates in what tools say",
    45: "names that are options or commands",
    46: "hostile labels in an image",
    47: "the cache's ceiling",
    48: "uninstall with live containers",
    49: "concurrent builds of one name",
    50: "clock skew",
}

# What stays to be shown where a container's kernel is its host's.
NEEDS_A_VM: dict[int, str] = {
    9: "the loss of power itself; here: files and folders are on the disk before a rename makes them count",
}
