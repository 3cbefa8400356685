# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Has a node's Python keep what it compiles of all that Ansible sends there, not only of what is the collection's.

Half of the processors' time that a task takes on a node is for compiling Ansible's own files, the same ones each time.
The collection's modules do the same for themselves (docs/decisions/0052); here it begins with Python itself.
"""

from __future__ import annotations

from lab import podman
from lab.nodes.node import Node
from lab.paths import project_root

SOURCE = project_root() / "plugins" / "module_utils" / "_quick_start.py"
MODULE = "nephoran_quick_start"
PACKAGES = "/usr/lib/python3/dist-packages"


def lay_on(node: Node) -> None:
    """Have Python on *node* keep it from now on, until the node is removed."""
    podman.podman("cp", str(SOURCE), f"{node.name}:{PACKAGES}/{MODULE}.py")
    # Python runs such lines when it starts (the documentation of `site`).
    podman.podman("exec", node.name, "sh", "-c", f"echo 'import {MODULE}' > {PACKAGES}/{MODULE}.pth")
