# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options by which modules reach containerd."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the options in ``_containerd_options``."""

    DOCUMENTATION = r"""
options:
  address:
    description:
      - Containerd's socket.
      - If not given, the environment variable E(CONTAINERD_ADDRESS) on the node is used if it is set,
        else V(/run/containerd/containerd.sock).
    type: path
  snapshotter:
    description:
      - The snapshotter in which images stand unpacked.
      - If not given, the environment variable E(CONTAINERD_SNAPSHOTTER) on the node is used if it is set,
        else V(overlayfs).
    type: str
  timeout:
    description:
      - How long one call of a tool may take, in seconds. It is stopped then, and the task fails.
      - Without it, there is no limit.
    type: int
requirements:
  - Containerd 1.7 or later on the node, with its client ctr; and nerdctl 2.0 or later to build, pull, push and run.
    The role P(nephoran.container_build.nerdctl_full#role) installs all of them.
notes:
  - The task needs root (C(become=true)), since containerd's socket belongs to root.
"""
