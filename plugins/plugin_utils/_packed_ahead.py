# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has Ansible pack modules while it waits for a node (docs/decisions/0067).

Ansible parses a module and all that it imports, packs it once for each run of a playbook, and keeps it for that run's
other hosts and tasks. That takes 0.1 to 0.4 s of a processor, which has nothing to do while a file goes to a node, and
while a node is at work.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from ansible.plugins.action import ActionBase

# What is packed is the same for each of them, and one that is named need not be found on the node.
_ANY_INTERPRETER = {"ansible_python_interpreter": "/usr/bin/python3"}


@contextlib.contextmanager
def packed_ahead(action: ActionBase, *modules: str, task_vars: t.Mapping[str, t.Any]) -> t.Iterator[None]:
    """Have Ansible pack *modules* beside the block, which is left when they are.

    One that cannot be packed is not: the task that needs it says why.

    Args:
        action: of the task.
        modules: their full names.
        task_vars: the task's variables.
    """
    if action._task.delegate_to:  # noqa: SLF001 - as ansible-core's own plugins do
        # What finds an interpreter would speak to a node through the connection that the block uses.
        yield
        return
    # A process, not a thread: what templates is not made for two at once, and parsing lets no other thread run.
    child = os.fork()
    if child == 0:
        _pack(action, modules, task_vars)
    try:
        yield
    finally:
        os.waitpid(child, 0)


def _pack(action: ActionBase, modules: t.Iterable[str], task_vars: t.Mapping[str, t.Any]) -> t.NoReturn:
    """Pack *modules*, and end this process without all that Ansible's own does at its end, whatever happens."""
    try:
        variables = {**task_vars, **_ANY_INTERPRETER}
        for module in modules:
            action._configure_module(module_name=module, module_args={}, task_vars=variables)  # noqa: SLF001
    finally:
        os._exit(0)
