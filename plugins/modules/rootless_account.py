#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: rootless_account
short_description: Have an account that runs a daemon without root
version_added: "1.0.0"
description:
  - Makes a system account, if it is missing, and gives it the subordinate ids that a user namespace of its own needs,
    see subuid(5). Ids that it has already are left as they are.
  - Before that, looks whether such a daemon can run on the node at all, and says in words what is missing.
  - Refuses an account with which a daemon could become root all the same. That is one of O(forbidden_groups), or one
    whose subordinate ids are the own ids of somebody.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
attributes:
  check_mode:
    support: full
    details:
      - Check mode leaves out whether the node has the programs, since what installs them was only a prediction too.
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: linux
options:
  name:
    description:
      - The account.
    type: str
    required: true
  home:
    description:
      - The home of an account that is made. The folder is not made.
    type: path
    required: true
  programs:
    description:
      - Commands that the node must have besides C(newuidmap) and C(newgidmap).
    type: list
    elements: str
    default: []
  search_path:
    description:
      - Folders in which commands are looked for besides the usual ones.
    type: list
    elements: path
    default: []
  forbidden_groups:
    description:
      - Groups whose members are root in all but name. An account that is in one of them is refused.
    type: list
    elements: str
    default: [root, sudo, wheel, docker]
  tun:
    description:
      - Whether the daemon gets a network of its own, and so needs C(/dev/net/tun).
    type: bool
    default: false
notes:
  - The task needs root (C(become=true)).
  - Nothing removes the account. What the daemon left on disk belongs to it and to its subordinate ids, and would belong
    to whoever gets these ids next.
seealso:
  - module: nephoran.container_build.daemon
"""

EXAMPLES = r"""
- name: An account for BuildKit without root
  nephoran.container_build.rootless_account:
    name: buildkit-rootless
    home: /var/lib/buildkit-rootless
    programs: [slirp4netns]
    tun: true
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - make account buildkit-rootless
    - give buildkit-rootless the subordinate user ids 165536-231071
group:
  description: The account's primary group.
  returned: success
  type: str
  sample: buildkit-rootless
subuids:
  description: Its subordinate user ids, first and last.
  returned: success
  type: list
  elements: str
  sample: [165536-231071]
subgids:
  description: Its subordinate group ids, first and last.
  returned: success
  type: list
  elements: str
  sample: [165536-231071]
apparmor_restricted:
  description:
    - Whether AppArmor takes the privileges inside user namespaces from programs that have no profile, as Ubuntu 24.04
      does. Whatever makes the daemon's user namespace needs a profile with C(userns) then.
  returned: success
  type: bool
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._rootless_account import (
    AccountSpec,
    RootlessAccount,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner


def run(module: AnsibleModule) -> dict[str, t.Any]:
    """Bring the account to its state and return the result."""
    params = module.params
    spec = AccountSpec(
        name=params["name"],
        home=params["home"],
        programs=tuple(params["programs"]),
        folders=tuple(params["search_path"]),
        forbidden_groups=tuple(params["forbidden_groups"]),
        needs_tun=params["tun"],
    )
    account = RootlessAccount(ModuleRunner(module), spec)
    account.require_usable(check_mode=module.check_mode)
    wanted = account.plan(account.state())
    if wanted.plan.changed and not module.check_mode:
        account.apply(wanted)
    return {
        "changed": wanted.plan.changed,
        "actions": wanted.plan.action_lines(),
        "group": account.group(),
        "subuids": [str(each) for each in wanted.uids],
        "subgids": [str(each) for each in wanted.gids],
        "apparmor_restricted": account.is_restricted(),
        "diff": [wanted.plan.diff(f"account {spec.name}")] if wanted.plan.changed else [],
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "home": {"type": "path", "required": True},
            "programs": {"type": "list", "elements": "str", "default": []},
            "search_path": {"type": "list", "elements": "path", "default": []},
            "forbidden_groups": {
                "type": "list",
                "elements": "str",
                "default": ["root", "sudo", "wheel", "docker"],
            },
            "tun": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        module.exit_json(**run(module))
    except ContainerBuildError as error:
        module.fail_json(msg=str(error), **error.as_result())


if __name__ == "__main__":
    main()
