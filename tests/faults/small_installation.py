# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An installation of small archives, beside whatever the node has."""

from __future__ import annotations

import shlex
from typing import Any

from faults.archives import Archive
from faults.lab_node import FOLDER, LabNode


class SmallInstallation:
    """A folder of the node with a prefix of its own.

    :param node: the node.
    :param name: of the folder.
    """

    def __init__(self, node: LabNode, name: str) -> None:
        self.node = node
        self.root = f"{FOLDER}/{name}"
        self.prefix = f"{self.root}/prefix"
        self.bin = f"{self.prefix}/bin"
        self.base = f"{self.prefix}/lib/nerdctl-full"
        node.shell(f"rm -rf {self.root} && mkdir -p {self.root} {FOLDER}/archives")

    def place(self) -> dict[str, Any]:
        """The options that say where it is."""
        return {
            "prefix": self.prefix,
            "cni_bin_dirs": [f"{self.root}/cni"],
            "address": f"{self.root}/no-containerd.sock",
        }

    def options(self, archive: Archive, **more: Any) -> dict[str, Any]:
        """The options that install an archive, which is brought to the node."""
        path = f"{FOLDER}/archives/{archive.version}-{archive.checksum[-12:]}.tar.gz"
        self.node.write(path, archive.content)
        source = {} if "url" in more else {"src": path, "remote_src": True}
        return {**self.place(), "version": archive.version, "checksum": archive.checksum, **source, **more}

    def install(self, archive: Archive, **more: Any) -> dict[str, Any]:
        """Install an archive and return the module's result."""
        result = self.node.module("nerdctl_full", self.options(archive, **more))
        assert not result.get("failed"), result["msg"]
        return result

    def refusal(self, archive: Archive, **more: Any) -> str:
        """Try to install an archive and return why that failed."""
        result = self.node.module("nerdctl_full", self.options(archive, **more))
        assert result.get("failed"), result
        assert "Traceback" not in str(result), result
        message: str = result["msg"]
        return message

    def look(self) -> str:
        """Everything that there is of it: names, kinds, modes, links, content. The lock is none of it."""
        command = (
            f"cd {shlex.quote(self.root)} && find . ! -name .lock -printf '%p %y %m %l\\n' | sort"
            " && find . -type f ! -name .lock -exec sha256sum {} + | sort"
        )
        return self.node.shell(command)
