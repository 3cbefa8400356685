# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""nerdctl: builds, registries, and containers that run once."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed, Runner


class Nerdctl:
    """``nerdctl`` against one containerd.

    Args:
        runner: starts the processes.
        address: containerd's socket.
        timeout: seconds that one call may take; no limit by default.
    """

    def __init__(self, runner: Runner, address: str, timeout: int | None = None) -> None:
        self._runner = runner
        self._address = address
        self._timeout = timeout

    def run(self, namespace: str, words: t.Sequence[str], **options: t.Any) -> Completed:
        """Run nerdctl with *words* in *namespace*; options are the runner's."""
        argv = ["nerdctl", "--address", self._address, "--namespace", namespace, *words]
        return self._runner.run(argv, **{"timeout": self._timeout, **options})
