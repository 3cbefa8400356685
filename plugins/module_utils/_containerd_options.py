# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that the image modules share, and the one place where their errors become ``fail_json``."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import is_identifier
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import (
    DEFAULT_ADDRESS,
    DEFAULT_SNAPSHOTTER,
    ImageStore,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

CONTAINERD_ARGUMENTS: t.Mapping[str, t.Any] = {
    "address": {"type": "path", "fallback": (env_fallback, ["CONTAINERD_ADDRESS"])},
    "snapshotter": {"type": "str", "fallback": (env_fallback, ["CONTAINERD_SNAPSHOTTER"])},
    "timeout": {"type": "int"},
}


@contextlib.contextmanager
def errors_reported(module: AnsibleModule) -> t.Iterator[None]:
    """End the module with ``fail_json`` if the block raises a domain error."""
    try:
        yield
    except ContainerBuildError as error:
        module.fail_json(msg=str(error), **error.as_result())


def connect(module: AnsibleModule, runner: Runner) -> ImageStore:
    """Return the image store that the module's options name.

    Raises:
        Unavailable: there is no socket, or this user may not use it.
        InvalidInput: an option's value cannot be used.
    """
    address = module.params["address"] or DEFAULT_ADDRESS
    timeout = positive_timeout(module.params["timeout"])
    snapshotter = module.params["snapshotter"] or DEFAULT_SNAPSHOTTER
    if not is_identifier(snapshotter):
        raise InvalidInput(
            "Not a name of a snapshotter", subject=f"snapshotter: '{snapshotter[:80]}'", expected="such as overlayfs"
        )
    require_socket(address)
    return ImageStore.connect(runner, address, snapshotter, timeout)


def require_socket(address: str) -> None:
    """Check that containerd's socket is there and that this user may use it.

    Raises:
        Unavailable: it is not, or the user may not.
    """
    try:
        mode = os.stat(address).st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise Unavailable(
            "containerd's socket does not exist",
            subject=address,
            expected="the socket of a running containerd",
            remedy="start containerd (systemctl start containerd; journalctl -u containerd says why it ended), "
            "or set the option address",
        ) from None
    except PermissionError:
        mode = stat.S_IFSOCK
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "Not a path of a socket", subject=f"address: {address[:200]}", expected=DEFAULT_ADDRESS, tail=str(error)
        ) from error
    if not stat.S_ISSOCK(mode):
        raise Unavailable("Not a socket", subject=address, remedy="set the option address to containerd's socket")
    if not os.access(address, os.R_OK | os.W_OK):
        raise Unavailable(
            "This user may not use containerd's socket", subject=address, remedy="run the task as root: become: true"
        )


def wanted_platform(specifier: str | None) -> Platform:
    """Return the platform that *specifier* names, the node's own if it is not given."""
    return Platform.parse(specifier) if specifier else Platform.host()
