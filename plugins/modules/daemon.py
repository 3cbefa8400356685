#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: daemon
short_description: Keep a daemon running with its unit and its configuration
version_added: "1.0.0"
description:
  - Lays down the unit file and the TOML configuration of one daemon, and sees to it that the service is enabled and
    runs with both.
  - The service is restarted if, and only if, its process runs with something else than it should. That is another
    meaning of the configuration or of the unit, or another program at O(executable) or among O(programs). A change in
    nothing but comments, blank lines, mode or owner restarts nothing. The reasons are returned.
  - A configuration is checked by O(validate) before anything is changed. If the service does not come up with what is
    new, what was before is put back and started.
  - A run that is killed between writing and restarting leaves a note, so that the next run restarts.
  - A unit of the same name in another folder is never shadowed or changed. Neither is a containerd that is somebody
    else's, see O(containerd).
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
attributes:
  check_mode:
    support: full
    details:
      - While O(executable) is not installed, check mode cannot have it check the configuration, and leaves that out.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: linux
options:
  name:
    description:
      - The service, without C(.service).
    type: str
    required: true
  state:
    description:
      - V(present) lays down unit, configuration and O(files), enables the service and has it run.
      - V(absent) stops and disables the service and removes all these files. Data that the daemon made stays.
    type: str
    choices: [present, absent]
    default: present
  unit:
    description:
      - The unit file's content.
      - Required if O(state=present).
    type: str
  unit_path:
    description:
      - Where the unit file belongs. By default C(/usr/local/lib/systemd/system/) with the service's name.
    type: path
  config:
    description:
      - The configuration, a TOML document.
      - Required if O(state=present).
    type: str
  config_path:
    description:
      - Where the configuration belongs.
    type: path
    required: true
  config_mode:
    description:
      - The permissions of the configuration, in octal.
    type: str
    default: "0644"
  executable:
    description:
      - The program that the unit starts.
      - Required if O(state=present).
    type: path
  programs:
    description:
      - Programs that O(executable) starts and that are the daemon as much as itself, such as C(buildkitd) under
        C(rootlesskit). The service is restarted if one of them is replaced too, and they keep O(state=absent) from
        nothing.
    type: list
    elements: path
    default: []
  validate:
    description:
      - The command that checks a configuration, in words. The word V(%s) stands for the file to check.
      - What it writes to standard error about a configuration that it accepts becomes a warning.
      - There is no check if this is empty.
    type: list
    elements: str
    default: []
  files:
    description:
      - Other files that the daemon needs, and reads when it needs them. A change in them restarts nothing.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description:
          - Where the file belongs.
        type: path
        required: true
      content:
        description:
          - What stands in it.
        type: str
        required: true
      mode:
        description:
          - The file's permissions, in octal.
        type: str
        default: "0644"
  create:
    description:
      - Whether to lay down a daemon that is not there. With V(false), nothing happens unless its unit file exists.
    type: bool
    default: true
  containerd:
    description:
      - Says that the daemon is containerd, and of which installation. The node's containerd is looked up first then, as
        by M(nephoran.container_build.toolchain_info). If it is somebody else's, nothing is done.
    type: dict
    suboptions:
      prefix:
        description:
          - The prefix of the installation, as of M(nephoran.container_build.nerdctl_full).
        type: path
        default: /usr/local
      address:
        description:
          - containerd's socket. By default E(CONTAINERD_ADDRESS), else C(/run/containerd/containerd.sock).
        type: path
  force:
    description:
      - Whether O(state=absent) stops a service in whose control group other processes live, such as the shims of
        running containers.
    type: bool
    default: false
  timeout:
    description:
      - How long the service may take to start or stop, in seconds.
    type: int
    default: 120
notes:
  - The task needs root (C(become=true)) and a node with systemd.
seealso:
  - module: ansible.builtin.systemd_service
"""

EXAMPLES = r"""
- name: BuildKit runs with this configuration
  nephoran.container_build.daemon:
    name: buildkit
    unit: "{{ lookup('ansible.builtin.template', 'buildkit.service.j2') }}"
    config: "{{ config | nephoran.container_build.to_toml }}"
    config_path: /etc/buildkit/buildkitd.toml
    executable: /usr/local/bin/buildkitd

- name: BuildKit is gone
  nephoran.container_build.daemon:
    name: buildkit
    config_path: /etc/buildkit/buildkitd.toml
    state: absent
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/buildkit/buildkitd.toml (configuration changed in 2 lines)
    - restart buildkit.service (configuration changed in 2 lines)
restart_reasons:
  description: Why the service was restarted. Empty if it was not.
  returned: success
  type: list
  elements: str
instances:
  description:
    - The services C(NAME@INSTANCE) and C(NAME-VARIANT) that were laid down beside this one, without C(.service),
      C(NAME) being O(name).
      Their units lie in the folder of its unit and begin with the first line of O(unit).
  returned: with O(state=present)
  type: list
  elements: str
  sample: [buildkit-rootless, buildkit@k8s.io]
containerd:
  description: Whose containerd the node runs, as M(nephoran.container_build.toolchain_info) says it.
  returned: with O(containerd)
  type: dict
  sample: {owner: ours, running: true, socket: /run/containerd/containerd.sock, pid: 812}
service:
  description: The service as systemd sees it afterwards. In check mode, as it is. Not returned if nothing was done
    since the node's containerd is somebody else's.
  returned: success
  type: dict
  contains:
    active_state:
      description: Whether it runs.
      type: str
      sample: active
    main_pid:
      description: Its main process.
      type: int
    restarts:
      description: How often systemd restarted it by itself.
      type: int
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import contextlib
import dataclasses
import os
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.nephoran.container_build.plugins.module_utils._daemon import Daemon
from ansible_collections.nephoran.container_build.plugins.module_utils._daemon_plan import (
    DaemonSpec,
    plan_absent,
    plan_present,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import ManagedFile, parse_mode
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Plan
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner, Runner
from ansible_collections.nephoran.container_build.plugins.module_utils._service_control import (
    ServiceControl,
    ServiceState,
)

UNIT_FOLDER = "/usr/local/lib/systemd/system"
DEFAULT_ADDRESS = "/run/containerd/containerd.sock"


def argument_spec() -> dict[str, t.Any]:
    """Return the module's arguments."""
    return {
        "name": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "unit": {"type": "str"},
        "unit_path": {"type": "path"},
        "config": {"type": "str"},
        "config_path": {"type": "path", "required": True},
        "config_mode": {"type": "str", "default": "0644"},
        "executable": {"type": "path"},
        "programs": {"type": "list", "elements": "path", "default": []},
        "validate": {"type": "list", "elements": "str", "default": []},
        "files": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "path": {"type": "path", "required": True},
                "content": {"type": "str", "required": True},
                "mode": {"type": "str", "default": "0644"},
            },
        },
        "create": {"type": "bool", "default": True},
        "containerd": {
            "type": "dict",
            "options": {
                "prefix": {"type": "path", "default": "/usr/local"},
                "address": {"type": "path", "fallback": (env_fallback, ["CONTAINERD_ADDRESS"])},
            },
        },
        "force": {"type": "bool", "default": False},
        "timeout": {"type": "int", "default": 120},
    }


def _spec(params: t.Mapping[str, t.Any]) -> DaemonSpec:
    unit_name = f"{params['name']}.service"
    return DaemonSpec(
        name=unit_name,
        unit=ManagedFile(params["unit_path"] or f"{UNIT_FOLDER}/{unit_name}", params["unit"] or ""),
        config=ManagedFile(params["config_path"], params["config"] or "", parse_mode(params["config_mode"])),
        executable=params["executable"] or "",
        validate=tuple(params["validate"]),
        programs=tuple(params["programs"]),
        companions=tuple(
            ManagedFile(file["path"], file["content"], parse_mode(file["mode"])) for file in params["files"]
        ),
    )


def _present(module: AnsibleModule, daemon: Daemon, control: ServiceControl, spec: DaemonSpec) -> dict[str, t.Any]:
    state = daemon.state()
    instances = {"instances": daemon.instances()}
    if spec.unit.path not in state.files and not module.params["create"]:
        return {**_result(Plan(), [], (), state.service), **instances}
    for remark in daemon.require_usable(state, check_mode=module.check_mode):
        module.warn(f"{spec.config.path}: {remark}")
    wanted = plan_present(spec, state)
    if wanted.plan.changed and not module.check_mode:
        daemon.apply(state, wanted)
    service = control.state() if wanted.plan.changed else state.service
    return {**_result(wanted.plan, wanted.diffs, wanted.reasons, service), **instances}


def _absent(module: AnsibleModule, daemon: Daemon, control: ServiceControl, spec: DaemonSpec) -> dict[str, t.Any]:
    state = daemon.state()
    plan = plan_absent(spec, state)
    if not plan.changed:
        return _result(plan, [], (), state.service)
    if not module.params["force"]:
        daemon.require_no_other_processes(state)
    if not module.check_mode:
        daemon.remove(state, plan)
    return _result(plan, [plan.diff(spec.name)], (), control.state())


def _result(
    plan: Plan,
    diffs: t.Iterable[t.Mapping[str, t.Any]],
    reasons: t.Iterable[str],
    service: ServiceState | None,
) -> dict[str, t.Any]:
    return {
        "changed": plan.changed,
        "actions": plan.action_lines(),
        "restart_reasons": list(reasons),
        "diff": list(diffs),
        **({"service": dataclasses.asdict(service)} if service is not None else {}),
    }


def find_owner(runner: Runner, prefix: str, address: str) -> dict[str, t.Any]:
    """Return whose containerd the node runs, ready to be returned."""
    # A task compiles anew what it imports, and no other daemon needs these.
    from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_owner import (  # noqa: PLC0415
        OwnerFinder,
    )
    from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout  # noqa: PLC0415
    from ansible_collections.nephoran.container_build.plugins.module_utils._processes import (  # noqa: PLC0415
        ProcessTable,
    )
    from ansible_collections.nephoran.container_build.plugins.module_utils._systemd import Systemd  # noqa: PLC0415

    layout = Layout(os.path.normpath(prefix))
    return OwnerFinder(layout, runner, ProcessTable(), Systemd(runner)).find(address).as_result()


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Bring the daemon to its state and return the result."""
    runner = ModuleRunner(module)
    containerd = module.params["containerd"]
    if containerd is None:
        return _converge(module, runner)
    owner = find_owner(runner, containerd["prefix"], containerd["address"] or DEFAULT_ADDRESS)
    is_foreign = owner["owner"] == "foreign"
    result = _result(Plan(), [], (), None) if is_foreign else _converge(module, runner)
    return {**result, "containerd": owner}


def _converge(module: AnsibleModule, runner: Runner) -> dict[str, t.Any]:
    spec = _spec(module.params)
    control = ServiceControl(runner, spec.name, module.params["timeout"])
    daemon = Daemon(runner, spec, control, temporary_folder=module.tmpdir)
    reach = _present if module.params["state"] == "present" else _absent
    with contextlib.nullcontext() if module.check_mode else daemon.exclusive(module.params["timeout"]):
        return reach(module, daemon, control, spec)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=argument_spec(),
        supports_check_mode=True,
        required_if=[("state", "present", ["unit", "config", "executable"])],
    )
    try:
        module.exit_json(**run(module))
    except ContainerBuildError as error:
        module.fail_json(msg=str(error), **error.as_result())


if __name__ == "__main__":
    main()
