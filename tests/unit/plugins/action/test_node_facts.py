# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The facts come from the shell where it tells enough, and from Ansible's own module everywhere else."""

from __future__ import annotations

import subprocess
import typing as t
from unittest import mock

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible.errors import AnsibleError
from ansible_collections.nephoran.container_build.plugins.action import node_facts
from ansible_collections.nephoran.container_build.plugins.plugin_utils._node_look import COMMAND, parse_look

DEBIAN = {
    "system": "Linux",
    "machine": "x86_64",
    "uid": "0",
    "user": "root",
    "first_process": "systemd",
    "packages": "apt",
    "python": "there",
    "os_id": "debian",
    "os_version": '"13"',
    "os_release": "trixie",
}
UBUNTU = {**DEBIAN, "os_id": "ubuntu", "os_version": '"24.04"', "os_release": "noble", "machine": "aarch64"}
SETUP = {"changed": False, "ansible_facts": {"ansible_distribution": "Rocky"}}


def printed(told: dict[str, str]) -> str:
    return "".join(f"{key}={value}\r\n" for key, value in told.items())


class Gathered(t.NamedTuple):
    result: dict[str, t.Any]
    modules: list[tuple[str, dict[str, t.Any]]]


def gather(answer: dict[str, t.Any], **options: t.Any) -> Gathered:
    task = mock.Mock(args=options, action="node_facts", async_val=0, check_mode=False)
    action = node_facts.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())
    modules: list[tuple[str, dict[str, t.Any]]] = []

    def execute(module_name: str, module_args: dict[str, t.Any], **_rest: t.Any) -> dict[str, t.Any]:
        modules.append((module_name, module_args))
        return dict(SETUP)

    with (
        mock.patch.object(action, "_execute_module", execute),
        mock.patch.object(action, "_low_level_execute_command", lambda command: answer if command == COMMAND else None),
        mock.patch.object(action, "_remove_tmp_path"),
    ):
        return Gathered(action.run(task_vars={}), modules)


def test_a_known_node_is_asked_by_its_shell_alone() -> None:
    gathered = gather({"rc": 0, "stdout": "Welcome to the node!\r\n" + printed(DEBIAN)})
    assert gathered.modules == []
    assert gathered.result["changed"] is False
    assert gathered.result["ansible_facts"] == {
        "ansible_architecture": "x86_64",
        "ansible_distribution": "Debian",
        "ansible_distribution_major_version": "13",
        "ansible_distribution_release": "trixie",
        "ansible_os_family": "Debian",
        "ansible_pkg_mgr": "apt",
        "ansible_service_mgr": "systemd",
        "ansible_system": "Linux",
        "ansible_user_id": "root",
        "ansible_user_uid": 0,
    }


def test_the_major_version_of_ubuntu_is_its_year() -> None:
    facts = gather({"rc": 0, "stdout": printed(UBUNTU)}).result["ansible_facts"]
    assert (facts["ansible_distribution"], facts["ansible_distribution_major_version"]) == ("Ubuntu", "24")
    assert facts["ansible_architecture"] == "aarch64"


@pytest.mark.parametrize(
    "told",
    [
        {},
        {**DEBIAN, "system": "FreeBSD"},
        {**DEBIAN, "machine": "riscv64"},
        {**DEBIAN, "os_id": "rocky"},
        {**DEBIAN, "os_version": ""},
        {**DEBIAN, "first_process": "openrc-init"},
        {**DEBIAN, "first_process": "init"},
        {**DEBIAN, "packages": ""},
        {**DEBIAN, "python": ""},
        {**DEBIAN, "uid": ""},
        {**DEBIAN, "user": ""},
    ],
)
def test_any_other_node_is_asked_by_ansible_s_own_module(told: dict[str, str]) -> None:
    gathered = gather({"rc": 0, "stdout": printed(told)})
    assert gathered.modules == [("ansible.builtin.setup", {"gather_subset": ["min"]})]
    assert gathered.result["ansible_facts"] == SETUP["ansible_facts"]


def test_so_is_one_whose_shell_failed() -> None:
    assert len(gather({"rc": 1, "stdout": printed(DEBIAN)}).modules) == 1


def test_systemd_may_be_called_init() -> None:
    """Where it was started as /sbin/init: it has made its folder then."""
    assert parse_look(printed({**DEBIAN, "first_process": "init", "booted": "systemd"})) is not None


def test_there_are_no_options() -> None:
    with pytest.raises(AnsibleError):
        gather({"rc": 0, "stdout": printed(DEBIAN)}, gather_subset=["all"])


def test_the_command_is_one_that_a_plain_shell_understands() -> None:
    done = subprocess.run(["sh", "-c", COMMAND], capture_output=True, text=True, check=True)
    told = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert told["system"] == "Linux"
    assert {"machine", "uid", "user", "first_process", "os_id"} <= set(told)
    assert done.stderr == ""
