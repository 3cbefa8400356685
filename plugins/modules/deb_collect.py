#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: deb_collect
short_description: Collect Debian packages with all that they need
version_added: "1.0.0"
description:
  - Fetches packages, and all packages that they need, from the package sources of the machine that the task runs on,
    and makes a flat
    repository of them, a folder with an index C(Packages).
  - What is installed on this machine does not matter. The folder holds everything down to the C library, so that it
    serves any machine of
    the same release and architecture. Recommended packages are left out.
  - apt proves each package by the signature of its source. Nothing is installed, and apt's own lists and caches are not
    written.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - As long as the lists of packages on the machine name the same versions.
  platform:
    platforms: debian
options:
  name:
    description:
      - The packages, each a name, or a name, C(=) and a version.
    type: list
    elements: str
    required: true
  dest:
    description:
      - The folder, absolute. What is in it is replaced, if it is a flat repository. Its parent must exist.
    type: path
    required: true
seealso:
  - module: nephoran.container_build.deb_install
  - module: nephoran.container_build.bundle
"""

EXAMPLES = r"""
- name: Collect buildah
  nephoran.container_build.deb_collect:
    name: [buildah, crun, netavark, nftables]
    dest: /var/cache/packages-for-nodes
  become: true
"""

RETURN = r"""
dest:
  description: The folder.
  returned: success
  type: str
packages:
  description: The versions of the packages, by their names.
  returned: success
  type: dict
  sample: {"buildah": "1.39.3+ds1-1+b5"}
actions:
  description: What was done, or would be done in check mode, one sentence each.
  returned: success
  type: list
  elements: str
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import os
import tempfile
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import errors_reported
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_collect import collect_packages
from ansible_collections.nephoran.container_build.plugins.module_utils._deb_index import validate_wanted
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

ARGUMENTS: t.Mapping[str, t.Any] = {
    "name": {"type": "list", "elements": "str", "required": True},
    "dest": {"type": "path", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        dest = module.params["dest"]
        names = [validate_wanted(name) for name in module.params["name"]]
        if not os.path.isabs(dest):
            raise InvalidInput("Not an absolute path", subject=repr(dest))
        if not names:
            raise InvalidInput("No package is named", expected="at least one in name")
        with tempfile.TemporaryDirectory(dir=module.tmpdir) as scratch:
            plan, steps = collect_packages(ModuleRunner(module), names, dest, scratch, check=module.check_mode)
        module.exit_json(
            changed=plan.changed,
            dest=dest,
            packages={step.name: step.version for step in steps},
            actions=plan.action_lines(),
            diff=plan.diff(dest),
        )


if __name__ == "__main__":
    main()
