#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deb_install
short_description: Install Debian packages from a folder, without a network
version_added: "1.0.0"
description:
  - Installs packages with apt out of a flat repository, a folder with an index C(Packages) and the files that it names.
    The node's own package sources are neither asked nor changed, and no packet leaves the node.
  - A folder of the controller is read there. The node is sent the index if it lacks a package, and then those files
    that it lacks.
  - Each file must have the sha256 that the index gives it.
  - A package that is installed in a version that will do stays as it is. No package is removed for another.
author:
  - Nephoran contributors (@nephoran)
options:
  name:
    description:
      - The packages, each a name, or a name, C(=) and a version. An asterisk at the version's end stands for any
        ending.
    type: list
    elements: str
    required: true
  src:
    description:
      - The folder, on the controller unless O(remote_src=true).
      - Without it, the packages must be installed already.
    type: path
  remote_src:
    description:
      - Whether O(src) is on the node.
    type: bool
    default: false
  allow_downgrade:
    description:
      - Whether a version may take the place of a newer one.
    type: bool
    default: false
  lock_timeout:
    description:
      - How long to wait for another package manager, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - action_common_attributes
  - action_common_attributes.conn
  - action_common_attributes.flow
  - nephoran.container_build.attributes
attributes:
  action:
    support: full
  async:
    support: none
    details:
      - Files of the controller are sent by the task itself.
  become:
    support: full
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  connection:
    support: full
  delegation:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: debian
    support: full
seealso:
  - module: nephoran.container_build.deb_collect
"""

EXAMPLES = r"""
- name: Install buildah on a node without a network
  nephoran.container_build.deb_install:
    name: [buildah, crun]
    src: /srv/packages/debian-13-amd64
  become: true
"""

RETURN = r"""
added:
  description: The packages that were not there at all.
  returned: success
  type: list
  elements: str
actions:
  description: What was done, or would be done in check mode, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - install buildah (1.39.3+ds1-1+b5)
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import tempfile
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import errors_reported
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import validate_wanted
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_install import (
    InstallRequest,
    install_packages,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

ARGUMENTS: t.Mapping[str, t.Any] = {
    "name": {"type": "list", "elements": "str", "required": True},
    "src": {"type": "path"},
    "remote_src": {"type": "bool", "default": False},
    "allow_downgrade": {"type": "bool", "default": False},
    "lock_timeout": {"type": "int", "default": 300},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        request = InstallRequest(
            tuple(validate_wanted(name) for name in module.params["name"]),
            module.params["src"],
            module.params["allow_downgrade"],
            module.params["lock_timeout"],
        )
        if request.folder is not None and not module.params["remote_src"]:
            raise InvalidInput(
                "A folder of the controller is sent by the task, not read by the module",
                subject=request.folder,
                remedy="set remote_src to true if the folder is on the node",
            )
        # In a folder of its own: what is root's could not be removed with the files that the task sent.
        with tempfile.TemporaryDirectory(dir=module.tmpdir) as scratch:
            done = install_packages(ModuleRunner(module), request, scratch, check=module.check_mode)
        module.exit_json(
            changed=done.plan.changed,
            added=list(done.added),
            actions=done.plan.action_lines(),
            diff=done.plan.diff("packages"),
        )


if __name__ == "__main__":
    main()
