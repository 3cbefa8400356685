#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_export
short_description: Write images of a containerd namespace to an archive
version_added: "1.0.0"
description:
  - Writes images to an archive, if the archive that is there holds others, or lacks a part of them.
  - What the archive holds is read out of it every time, so an archive that was damaged or exchanged is written again.
  - The new archive is written beside the old one, proven, and put in its place by one rename.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.action_group
  - nephoran.container_build.containerd
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(force=true) the archive is written every time.
  platform:
    platforms: linux
options:
  name:
    description:
      - The images, which all go into one archive. V(app:v1) means V(docker.io/library/app:v1).
    type: list
    elements: str
    required: true
  path:
    description:
      - The archive on the node, absolute. Its folder must exist.
    type: path
    required: true
  namespace:
    description:
      - The namespace that has the images.
    type: str
    default: default
  format:
    description:
      - V(oci) writes an OCI image layout in a tar.
      - V(docker) adds the C(manifest.json) to it by which C(docker load) of every version finds the images.
    type: str
    choices: [oci, docker]
    default: oci
  platform:
    description:
      - The platform that the archive must serve, C(os/architecture[/variant]). The node's own if not given.
    type: str
  all_platforms:
    description:
      - Whether to write all platforms and attestations of the images. The namespace must hold all of them.
    type: bool
    default: false
  mode:
    description:
      - The archive's permissions, as in M(ansible.builtin.copy).
      - If not given, those of the archive that is replaced, or of any new file.
    type: raw
  force:
    description:
      - Whether to write the archive though it holds the images already, and over a file that is no image archive.
    type: bool
    default: false
seealso:
  - module: nephoran.container_build.image_import
  - module: community.docker.docker_image_export
"""

EXAMPLES = r"""
- name: Write an image to an archive
  nephoran.container_build.image_export:
    name: myapp:v1.0
    path: /srv/images/myapp.tar

- name: Write a release for a machine with Docker
  nephoran.container_build.image_export:
    name:
      - registry.example.com/team/app:7
      - registry.example.com/team/worker:7
    path: /srv/images/release-7.tar
    format: docker
    mode: "0640"
"""

RETURN = r"""
path:
  description: The archive.
  returned: success
  type: str
digests:
  description: The digest of each image's index or manifest, by the image's name in its full form.
  returned: success
  type: dict
  sample: {"docker.io/library/myapp:v1.0": "sha256:98100313ba3cd28de04dba1bfbd0a37781c63d8ceee14fb11ae8436d5c600e5c"}
size:
  description: The archive's size in bytes. 0 in check mode if it does not exist yet.
  returned: success
  type: int
namespace:
  description: The namespace that has the images.
  returned: success
  type: str
command:
  description: The command line that wrote the archive. Empty if nothing was written.
  returned: success
  type: list
  elements: str
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
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
    wanted_platform,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._image_export import (
    ExportRequest,
    ImageExporter,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._option_text import plain_text
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    "name": {"type": "list", "elements": "str", "required": True},
    "path": {"type": "path", "required": True},
    "namespace": {"type": "str", "default": "default"},
    "format": {"type": "str", "choices": ["oci", "docker"], "default": "oci"},
    "platform": {"type": "str"},
    "all_platforms": {"type": "bool", "default": False},
    "mode": {"type": "raw"},
    "force": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(ARGUMENTS),
        mutually_exclusive=[("platform", "all_platforms")],
        supports_check_mode=True,
    )
    with errors_reported(module):
        module.exit_json(**export_images(module))


def export_images(module: AnsibleModule) -> dict[str, t.Any]:
    """Write the archive, or only say it in check mode, and return the module's result."""
    request = read_request(module.params)
    exporter = ImageExporter(connect(module, ModuleRunner(module)))
    exported = exporter.run(request, check=module.check_mode)
    actions = exported.plan.action_lines()
    diff = exported.plan.diff("archives of images")
    mode = module.params["mode"]
    if mode is not None and module.set_mode_if_different(request.path, mode, False, diff=diff):
        actions.append(str(Action("set mode", request.path, str(mode))))
    return {
        "changed": bool(actions),
        "path": request.path,
        "digests": dict(exported.digests),
        "size": os.stat(request.path).st_size if os.path.exists(request.path) else 0,
        "namespace": request.namespace,
        "command": list(exported.command),
        "actions": actions,
        "diff": diff,
    }


def read_request(params: t.Mapping[str, t.Any]) -> ExportRequest:
    """Return what the options ask for.

    Raises:
        InvalidInput: an option's value cannot be used.
    """
    return ExportRequest(
        namespace=validate_namespace(params["namespace"]),
        references=tuple(dict.fromkeys(map(Reference.parse, params["name"]))),
        path=plain_text(params["path"], "path"),
        platform=None if params["all_platforms"] else wanted_platform(params["platform"]),
        for_docker=params["format"] == "docker",
        force=params["force"],
    )


if __name__ == "__main__":
    main()
