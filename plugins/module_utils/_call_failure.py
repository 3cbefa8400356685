# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a failed call of a daemon's interface means to the person who reads it."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import known_failure


class Daemon(t.NamedTuple):
    """Who was called.

    Attributes:
        name: as people call it.
        unit: the unit of systemd that usually runs it.
        address: where it was called.
        option: the option that says where.
    """

    name: str
    unit: str
    address: str
    option: str


def call_failure(error: grpc.GrpcError, what: str, subject: str, daemon: Daemon) -> ContainerBuildError:
    """Return what to raise for *error*.

    Args:
        error: how the call failed.
        what: what was meant to be done, as a sentence about its failing.
        subject: on what.
        daemon: who was called.
    """
    known = known_failure(what, error.message, subject=subject)
    if known is not None:
        return known
    if error.code == grpc.UNAVAILABLE:
        return Unavailable(
            f"{what}. {daemon.name} does not answer on its socket",
            subject=subject,
            expected=f"a running {daemon.name} behind {daemon.address}",
            remedy=f"start it (systemctl start {daemon.unit}; journalctl -u {daemon.unit} says why it ended) "
            f"or set the option {daemon.option}",
            tail=error.message,
        )
    if error.code == grpc.DEADLINE_EXCEEDED:
        return ToolFailed(
            f"{what}. {daemon.name} did not answer in time",
            subject=subject,
            remedy=f"raise the option timeout, or find out what {daemon.name} waits for",
            tail=error.message,
        )
    return ToolFailed(f"{what}: {daemon.name} refused (gRPC status {error.code})", subject=subject, tail=error.message)
