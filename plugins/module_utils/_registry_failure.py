# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it means that a tool failed at a registry, and whether it is worth another try.

The patterns are what nerdctl 2.2.1 and buildah 1.28 and 1.39 say; their words come from Go's libraries and from the
codes of the OCI distribution specification.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import RegistryAccess
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, failure

LONGEST_PAUSE_SECONDS = 30

_BUSY = re.compile(
    r"\b429 Too Many Requests|\b500 Internal Server Error|\b502 Bad Gateway|\b503 Service Unavailable"
    r"|\b504 Gateway Time-?out|\btoomanyrequests:",
    re.IGNORECASE,
)
_ABSENT = re.compile(r'failed to resolve .*: not found"?$', re.MULTILINE)


class Cause(t.NamedTuple):
    """What a tool's words mean, and what to do about it."""

    pattern: str
    meaning: str
    remedy: str


_CAUSES = (
    Cause(
        r"401 Unauthorized|403 Forbidden|no basic auth credentials|authorization failed|failed to authorize"
        r"|authentication required|unauthorized:|access denied|\bdenied:|unable to retrieve auth token",
        "The registry does not accept the credentials, or wants some",
        "set auth_file, or username and password, or let the role nephoran.container_build.registries keep them on the "
        "node; many registries answer the same for an image that they do not have",
    ),
    Cause(
        r"server gave HTTP response to HTTPS client|first record does not look like a TLS handshake",
        "The registry speaks HTTP without TLS",
        "tell the node with the role nephoran.container_build.registries (plain_http), or set insecure: true",
    ),
    Cause(
        r"x509:|tls: ",
        "The registry's certificate cannot be verified",
        "give its authority to the role nephoran.container_build.registries (ca_file), or set insecure: true",
    ),
    Cause(
        r"no such host|connection refused|network is unreachable|no route to host|i/o timeout"
        r"|Client\.Timeout exceeded|connection reset by peer",
        "The registry cannot be reached",
        "correct the name, or see whether the registry runs and what stands between it and the node",
    ),
    Cause(
        _BUSY.pattern,
        "The registry is overloaded or out of order",
        "run the task again later, or raise the option retries",
    ),
)


def is_absent(completed: Completed) -> bool:
    """Tell whether nerdctl failed because the registry has nothing under the name."""
    return completed.rc != 0 and bool(_ABSENT.search(completed.stderr))


def patiently(attempt: t.Callable[[], Completed], access: RegistryAccess) -> Completed:
    """Return what came of *attempt*, which is repeated while the registry is overloaded or out of order.

    The pause is 1 second before the first repetition, then twice as long each time, up to 30.

    Args:
        attempt: runs the tool once.
        access: tells how often it may be repeated.
    """
    for repetition in range(access.retries):
        completed = attempt()
        if completed.rc == 0 or not _BUSY.search(completed.stderr):
            return completed
        access.pause(min(2**repetition, LONGEST_PAUSE_SECONDS))
    return attempt()


def registry_failure(completed: Completed, message: str, *, subject: str) -> ContainerBuildError:
    """Return the error that *completed* stands for.

    Args:
        completed: a tool that failed.
        message: what it was meant to do, as a sentence about its failing.
        subject: the image at the registry.
    """
    known = failure(completed, message, subject=subject)
    if not isinstance(known, ToolFailed):
        return known
    for cause in _CAUSES:
        if re.search(cause.pattern, completed.stderr):
            return Unavailable(
                f"{message}. {cause.meaning}", subject=subject, remedy=cause.remedy, tail=completed.stderr
            )
    return known
