#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: Own a set of small text files
version_added: "1.0.0"
description:
  - Writes a set of files, each by one rename and durably, and makes the folders that they need.
  - Files of the set that an earlier run wrote and that are not asked for any longer are removed. A record on the node,
    in C(/var/lib/nephoran-container-build), names them. Files that somebody else wrote stay. See also O(marker).
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
  platform:
    platforms: linux
options:
  name:
    description:
      - The name of the set. Lower-case letters, digits and hyphens.
    type: str
    required: true
  files:
    description:
      - The files of the set. An empty list removes all that earlier runs wrote.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description:
          - Where the file belongs. A link is not followed, but refused.
        type: path
        required: true
      content:
        description:
          - What stands in it. Without this, the file is not asked for.
        type: str
      mode:
        description:
          - The file's permissions, in octal. It belongs to the user that the task runs as.
        type: str
        default: "0644"
  marker:
    description:
      - What the files of the set begin with, such as a comment that says so. At a path of O(files), a file that begins
        with it counts as written by an earlier run, though no record names it.
      - Without this, only the record counts.
    type: str
  keep:
    description:
      - Paths of files of the set that stay if an earlier run wrote them, though they are not asked for.
    type: list
    elements: path
    default: []
notes:
  - Contents are shown in diffs and logs, so this is no place for secrets.
seealso:
  - module: ansible.builtin.copy
"""

EXAMPLES = r"""
- name: Write settings for buildah
  nephoran.container_build.config_files:
    name: buildah
    files:
      - path: /etc/containers/containers.conf.d/50-runtime.conf
        content: |
          [engine]
          runtime = "crun"

- name: Settings that are known as the set's own by their first line
  nephoran.container_build.config_files:
    name: nerdctl
    marker: "# Written by the play tools; changes made here are lost."
    files:
      - path: /etc/nerdctl/nerdctl.toml
        content: |
          # Written by the play tools; changes made here are lost.
          snapshotter = "native"

- name: Remove them again
  nephoran.container_build.config_files:
    name: buildah
    files: []
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/containers/containers.conf.d/50-runtime.conf (new)
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import re
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError, InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import ManagedFile, parse_mode
from ansible_collections.nephoran.container_build.plugins.module_utils._owned_files import RECORD_FOLDER, FileSet

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "files": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str"},
                    "mode": {"type": "str", "default": "0644"},
                },
            },
            "marker": {"type": "str"},
            "keep": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        result = own_files(module)
    except ContainerBuildError as error:
        module.fail_json(msg=str(error), **error.as_result())
    else:
        module.exit_json(**result)


def own_files(module: AnsibleModule) -> dict[str, t.Any]:
    """Plan all files, write them outside check mode, and return the module's result."""
    name = module.params["name"]
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "Not a name for a set", subject=repr(name), expected="lower-case letters, digits and hyphens"
        )
    entries = module.params["files"]
    files = FileSet(
        name,
        wanted=tuple(_file(entry) for entry in entries if entry["content"] is not None),
        paths=tuple(entry["path"] for entry in entries),
        marker=module.params["marker"],
        keep=tuple(module.params["keep"]),
        record_folder=RECORD_FOLDER,
    )
    plan = files.plan()
    if not module.check_mode:
        files.apply(plan)
    return {"changed": plan.plan.changed, "actions": plan.plan.action_lines(), "diff": list(plan.diffs)}


def _file(entry: t.Mapping[str, t.Any]) -> ManagedFile:
    if not entry["path"].startswith("/"):
        raise InvalidInput("Not an absolute path", subject=repr(entry["path"]))
    return ManagedFile(entry["path"], entry["content"], parse_mode(entry["mode"]))


if __name__ == "__main__":
    main()
