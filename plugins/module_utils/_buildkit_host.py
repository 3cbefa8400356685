# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the BuildKit daemon that serves a namespace."""

from __future__ import annotations

import glob
import os
import re

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, Unavailable

_ADDRESS = re.compile(
    r"(?:unix:///|tcp://|ssh://|kube-pod://|docker-container://|nerdctl-container://|podman-container://)\S+"
)


def socket_candidates(namespace: str, root: str = "/run") -> list[str]:
    """Return where a daemon for *namespace* may listen, its own first.

    Source: ``getHint`` in ``pkg/buildkitutil`` of nerdctl v2.2.1, which looks there in this order.
    """
    return [f"{root}/{folder}/buildkitd.sock" for folder in (f"buildkit-{namespace}", "buildkit-default", "buildkit")]


def found_hosts(root: str = "/run") -> list[str]:
    """Return the addresses of all daemons that have a socket on this node, in the order of their paths."""
    paths = glob.glob(os.path.join(root, "buildkit", "buildkitd.sock"))
    paths += glob.glob(os.path.join(root, "buildkit-*", "buildkitd.sock"))
    return [f"unix://{path}" for path in sorted(paths)]


def buildkit_host(given: str | None, namespace: str, root: str = "/run") -> str:
    """Return the address of the BuildKit daemon to use.

    Args:
        given: the address that the user chose, if any.
        namespace: the namespace that is to get the image.
        root: the folder of run-time state.

    Raises:
        InvalidInput: *given* is no address.
        Unavailable: no daemon has a socket in any of the usual places.
    """
    if given:
        if not _ADDRESS.fullmatch(given) or not given.isprintable():
            raise InvalidInput(
                "Not an address of BuildKit",
                subject=given,
                expected="unix:///path/to/buildkitd.sock or tcp://host:port",
            )
        return given
    candidates = socket_candidates(namespace, root)
    for path in candidates:
        if os.path.exists(path):
            return f"unix://{path}"
    raise Unavailable(
        "No BuildKit daemon was found",
        subject=f"namespace {namespace}",
        expected=f"a socket at {', '.join(candidates)}",
        remedy="apply the role nephoran.container_build.buildkit, start it (systemctl start buildkit; "
        "journalctl -u buildkit says why it ended), or set buildkit_host",
    )
