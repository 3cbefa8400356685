# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shows the steps of a build while the module runs."""

from __future__ import annotations

import copy
import secrets
import typing as t

from ansible import constants as C  # noqa: N812
from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.utils.display import Display
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import (
    CACHED,
    CANCELLED,
    FAILED,
    StepEvent,
)
from ansible_collections.nephoran.container_build.plugins.plugin_utils._build_lines import BuildLines, Line
from ansible_collections.nephoran.container_build.plugins.plugin_utils._early_start import EarlyStart
from ansible_collections.nephoran.container_build.plugins.plugin_utils._step_watch import StepWatch

MODULE = "nephoran.container_build.image_build"
VARIABLE = "image_build_progress"

display = Display()

_COLOURS = {FAILED: C.COLOR_ERROR, CACHED: C.COLOR_SKIP, CANCELLED: C.COLOR_SKIP}


class ActionModule(EarlyStart):
    """Runs the module; without ``async`` and check mode, stays in touch with it."""

    _supports_async = True
    _supports_check_mode = True
    _requires_connection = True

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        """Run the module, and show what is worth a line."""
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        in_background = bool(self._task.async_val) and not self._connection.has_native_async
        try:
            if self._task.async_val or self._task.check_mode:
                result.update(self._run_module(dict(self._task.args), variables, in_background))
            else:
                result.update(self._run_in_touch(variables))
        finally:
            if not in_background:
                self._remove_tmp_path(self._connection._shell.tmpdir)  # noqa: SLF001 - as ansible-core's own plugins do
        return result

    def _run_in_touch(self, variables: dict[str, t.Any]) -> dict[str, t.Any]:
        lines = BuildLines(self._label(variables), display.columns)
        shown = self._is_shown(variables)
        progress_id = secrets.token_hex(16)

        def show(events: list[StepEvent]) -> None:
            if shown:
                _display(lines.of(events))

        arguments = {**self._task.args, "progress_id": progress_id}
        with StepWatch(self._second_connection(), progress_id, show):
            result = self._run_module(arguments, variables, in_background=False)
        if shown:
            _display(lines.rest(result.get("steps", ())))
        return result

    def _is_shown(self, variables: dict[str, t.Any]) -> bool:
        if self._task.no_log:
            return False
        option = self._task.args.get("progress")
        if option is not None:
            # The module has its say on what is no truth value.
            return bool(boolean(option, strict=False))
        value = self._templar.template(variables.get(VARIABLE, True))
        try:
            return bool(boolean(value))
        except TypeError as error:
            raise AnsibleActionFail(
                f"The variable {VARIABLE} is neither true nor false: {value!r}. "
                "To do: set it to false to show no steps of builds, or leave it out."
            ) from error

    def _label(self, variables: dict[str, t.Any]) -> str:
        host = str(variables.get("inventory_hostname", "localhost"))
        label = f"[{host} -> {self._task.delegate_to}]" if self._task.delegate_to else f"[{host}]"
        # Of a loop's builds, which one it is.
        return f"{label} {self._task.args.get('name')}:" if "ansible_loop_var" in variables else label

    def _second_connection(self) -> t.Callable[[str], str]:
        """Return what runs commands on the node beside the module, over a connection with a state of its own."""
        second: list[ActionModule] = []

        def ask(command: str) -> str:
            if not second:
                # Not before it is needed: only then is the first one open.
                second.append(self._with_own_connection())
            try:
                answer = second[0]._low_level_execute_command(command)  # noqa: SLF001
            except (AnsibleError, OSError) as error:
                display.vvv(f"The steps of the build could not be asked for: {error}")
                return ""
            return str(answer["stdout"]) if answer["rc"] == 0 else ""

        return ask

    def _with_own_connection(self) -> ActionModule:
        action = copy.copy(self)
        action._connection = copy.copy(self._connection)  # noqa: SLF001
        action._connection.become = copy.copy(self._connection.become)  # noqa: SLF001
        return action

    def _run_module(
        self, arguments: dict[str, t.Any], variables: dict[str, t.Any], in_background: bool
    ) -> dict[str, t.Any]:
        result: dict[str, t.Any] = self._execute_module(
            module_name=MODULE, module_args=arguments, task_vars=variables, wrap_async=in_background
        )
        return result


def _display(lines: t.Iterable[Line]) -> None:
    for line in lines:
        # Standard error: it is not kept back if it is no terminal, and what reads a callback's output is not disturbed.
        display.display(line.text, color=_COLOURS.get(line.state), stderr=True)
