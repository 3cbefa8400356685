#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: tool_answers
short_description: Ask several tools at once
version_added: "1.0.0"
description:
  - Runs several commands that only look, one after another, and returns what each of them said.
  - A command that fails, is not installed, or does not end in time is an answer like any other. That is what the role
    P(nephoran.container_build.verify#role) judges, and why the task does not fail.
  - The commands run in check mode as well.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.info_module
attributes:
  platform:
    platforms: linux
options:
  questions:
    description:
      - The commands by names of your choice, each a list of words. No shell reads them.
      - The first word is a path, or is looked for in C(PATH), C(/usr/local/bin), C(/usr/local/sbin), C(/usr/sbin), and
        C(/sbin).
    type: dict
    required: true
  timeout:
    description:
      - How long one command may take, in seconds. It is stopped then, and its answer says so.
    type: int
    default: 60
seealso:
  - module: nephoran.container_build.toolchain_info
  - plugin: nephoran.container_build.verification_checks
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Ask the tools
  nephoran.container_build.tool_answers:
    questions:
      nerdctl: [nerdctl, version]
      buildctl: [buildctl, --version]
  register: asked

- name: Stop if BuildKit's client is missing
  ansible.builtin.assert:
    that: asked.answers.buildctl.rc == 0
    fail_msg: "{{ asked.answers.buildctl.msg | default(asked.answers.buildctl.stderr) }}"
"""

RETURN = r"""
answers:
  description: The answers by the names of the questions.
  returned: success
  type: dict
  contains:
    rc:
      description:
        - The exit status. As from a shell, V(127) if there is no such command, V(124) if it did not end in time.
      type: int
    stdout:
      description: What it wrote to standard output, without line breaks at the end.
      type: str
    stderr:
      description: What it wrote to standard error, without line breaks at the end.
      type: str
    msg:
      description: Why there is no answer. Left out if the command ended by itself.
      type: str
  sample:
    buildctl: {rc: 0, stdout: "buildctl github.com/moby/buildkit v0.26.3", stderr: ""}
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import errors_reported
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    InvalidInput,
    ToolFailed,
    Unavailable,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner, Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

# What shells say of a command that does not exist, and timeout(1) of one that it ended.
NO_COMMAND = 127
TIMED_OUT = 124

ARGUMENTS = {"questions": {"type": "dict", "required": True}, "timeout": {"type": "int", "default": 60}}


def words_of(question: str, argv: object) -> list[str]:
    """Return the words of a command.

    Raises:
        InvalidInput: it is not a list of words.
    """
    if isinstance(argv, list) and argv and all(isinstance(word, str) for word in argv) and argv[0]:
        return argv
    raise InvalidInput(
        "Not a command",
        subject=f"questions: {question}: {argv!r}",
        expected="a list of words, the first of them a command",
    )


def answer(runner: Runner, argv: list[str], timeout: int | None) -> dict[str, t.Any]:
    """Return what a command says, whatever becomes of it."""
    try:
        done = runner.run(argv, timeout=timeout)
    except Unavailable as error:
        return {"rc": NO_COMMAND, "stdout": "", "stderr": "", "msg": str(error)}
    except ToolFailed as error:
        return {"rc": TIMED_OUT, "stdout": "", "stderr": "", "msg": str(error)}
    return {"rc": done.rc, "stdout": done.text.rstrip("\r\n"), "stderr": done.stderr.rstrip("\r\n")}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    with errors_reported(module):
        timeout = positive_timeout(module.params["timeout"])
        questions = {name: words_of(name, argv) for name, argv in module.params["questions"].items()}
        runner = ModuleRunner(module)
        module.exit_json(
            changed=False, answers={name: answer(runner, argv, timeout) for name, argv in questions.items()}
        )


if __name__ == "__main__":
    main()
