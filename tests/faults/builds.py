# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Builds that take as long as a test wants, run beside the test."""

from __future__ import annotations

import secrets
import subprocess
import time
from typing import Any

import pytest

from faults.ansible_output import module_result
from faults.lab_node import FOLDER, LabNode

CONTEXT = f"{FOLDER}/context"
# A number of seconds that nothing else on a node sleeps for.
MARK = "4711"
SLOW = "FROM alpine:latest\nARG SECONDS\nRUN echo started && sleep $SECONDS && echo done > /done\n"
PATIENCE_SECONDS = 60
# From a blow to the module's last word.
MOST_SECONDS = 45


def fresh_name(topic: str) -> str:
    """A name that no image has yet, on a node that an earlier run left either."""
    return f"faults/{topic}:{secrets.token_hex(4)}"


def options(name: str, dockerfile: str = SLOW, **more: Any) -> dict[str, Any]:
    """The options that build an image out of an empty folder."""
    return {"name": name, "path": CONTEXT, "dockerfile_content": dockerfile, **more}


def build(node: LabNode, name: str, dockerfile: str = SLOW, **more: Any) -> dict[str, Any]:
    """Build an image and return the module's result."""
    node.shell(f"mkdir -p {CONTEXT}")
    return node.module("image_build", options(name, dockerfile, **more))


def digest(node: LabNode, name: str) -> str:
    """The digest of an image, of which nothing may be missing."""
    (image,) = node.module("image_info", {"name": [name], "namespaces": ["default"]})["images"]
    assert image["complete"], image
    found: str = image["digest"]
    return found


class SlowBuild:
    """A build that is in the middle of a RUN step.

    :param node: where.
    :param name: of the image.
    """

    def __init__(self, node: LabNode, name: str, **more: Any) -> None:
        self._node = node
        node.shell(f"mkdir -p {CONTEXT}")
        self._process = node.start_module("image_build", options(name, args={"SECONDS": MARK}, **more))
        node.shell(f"timeout {PATIENCE_SECONDS} bash -c 'until pgrep -fx \"sleep {MARK}\"; do sleep 0.2; done'")

    def result(self) -> tuple[dict[str, Any], float]:
        """Wait for the module: its result, and for how many seconds it was waited.

        The step is ended where the module waits for it in vain.
        """
        began = time.monotonic()
        try:
            said, _nothing = self._process.communicate(timeout=MOST_SECONDS)
        except subprocess.TimeoutExpired:
            self.end()
            self._process.communicate(timeout=PATIENCE_SECONDS)
            pytest.fail(f"the module still waited for the build after {MOST_SECONDS} s, until the step ended by itself")
        return module_result(said), time.monotonic() - began

    def end(self) -> None:
        """End what is left of the step."""
        self._node.shell(f"pgrep -fx 'sleep {MARK}' | xargs --no-run-if-empty kill -KILL || true")

    def is_over(self) -> bool:
        """Whether no process of the step is left, now or soon."""
        ended = self._node.try_shell(f"timeout 20 bash -c 'while pgrep -fx \"sleep {MARK}\"; do sleep 0.5; done'")
        return ended.status == 0
