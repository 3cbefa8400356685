# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options by which modules reach registries."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the options in ``_registry_access``."""

    DOCUMENTATION = r"""
options:
  auth_file:
    description:
      - A file on the node with credentials, as C(docker login), C(nerdctl login) and C(buildah login) write it.
      - If neither this nor O(username) is given, the file of the user that the task runs as is used,
        C(~/.docker/config.json), which the role P(nephoran.container_build.registries#role) writes for root.
    type: path
  username:
    description:
      - Who to be at the registry. Mirrors that are hosts of their own are not told.
    type: str
  password:
    description:
      - The password or token.
      - It reaches the tools in a file that only root can read and that is gone when the task ends. It stands in no
        command line and in no environment.
    type: str
  insecure:
    description:
      - Whether to take the registry's certificate unseen, and to speak HTTP without TLS if that is all it speaks.
        What C(hosts.toml) on the node says of this registry is not used then.
      - Registries that are in use for long are better described to all tools at once with the role
        P(nephoran.container_build.registries#role).
    type: bool
    default: false
  retries:
    description:
      - How often to ask again if the registry answers that it is overloaded or out of order
        (429, 500, 502, 503 or 504), after 1 second, then 2, 4 and so on up to 30.
    type: int
    default: 3
requirements:
  - nerdctl 2.2 or later on the node
"""
