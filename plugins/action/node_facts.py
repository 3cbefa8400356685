# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Gathers the facts that the roles use by one command of the node's shell, where it tells enough."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.nephoran.container_build.plugins.plugin_utils._node_look import COMMAND, parse_look


class ActionModule(ActionBase):
    """``node_facts``: documented in the module of the same name."""

    _requires_connection = True
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Ask the shell, and Ansible's own module where its answer is not enough, or there is none."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        self.validate_argument_spec({})
        answer = self._low_level_execute_command(COMMAND)
        facts = parse_look(answer["stdout"]) if answer["rc"] == 0 else None
        if facts is not None:
            return {**result, "changed": False, "ansible_facts": facts}
        try:
            gathered = self._execute_module(
                module_name="ansible.builtin.setup",
                module_args={"gather_subset": ["min"]},
                task_vars=task_vars,
            )
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)  # noqa: SLF001 - as ansible-core's own plugins do
        return {**result, **gathered}
