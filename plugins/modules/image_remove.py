#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_remove
short_description: Remove images from containerd or from buildah's store
version_added: "1.0.0"
description:
  - Removes images' names. Once an image has no name left, containerd frees what it has on the disk.
  - An image that is pinned, or from which containers were made, is not removed unless that is said.
    Then nothing else is removed either.
  - The CRI plugin has a name of its own for each image in C(k8s.io), which would keep all of it on the disk.
    It goes with the last name that somebody gave the image.
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
    support: full
  platform:
    platforms: linux
options:
  name:
    description:
      - The images, by their names or digests. V(app:v1) means V(docker.io/library/app:v1).
      - A digest, V(sha256:…), is that of the image's index or manifest, which
        M(nephoran.container_build.image_info) returns, and stands for all names of that image.
        Not with O(buildah=true).
    type: list
    elements: str
    required: true
  namespaces:
    description:
      - The namespaces to remove them from. V(default) if not given.
    type: list
    elements: str
    aliases: [namespace]
  buildah:
    description:
      - Whether to remove the images from buildah's store instead.
      - An image that buildah knows as C(localhost/app) is found as V(app) too.
    type: bool
    default: false
  force:
    description:
      - Whether to remove an image though containers were made from it.
      - In containerd they keep running, but a Pod that starts again does not find its image. Containers of buildah are
        removed with the image.
    type: bool
    default: false
  remove_pinned:
    description:
      - Whether to remove an image though it is pinned.
    type: bool
    default: false
seealso:
  - module: nephoran.container_build.image_info
  - module: community.docker.docker_image_remove
"""

EXAMPLES = r"""
- name: Remove an image
  nephoran.container_build.image_remove:
    name: build-test:latest

- name: Remove a release from Kubernetes and from where it was built
  nephoran.container_build.image_remove:
    name: myapp:v1.0
    namespaces: [default, k8s.io]
    remove_pinned: true

- name: Remove what buildah built
  nephoran.container_build.image_remove:
    name: myapp:v1.0
    buildah: true
"""

RETURN = r"""
removed_images:
  description: The names that were removed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name in its full form.
      type: str
    namespace:
      description: Where it was. Empty for buildah's store.
      type: str
    digest:
      description: The digest that it stood for.
      type: str
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

import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah_remove import remove_from_buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._image_remove import (
    ImageRemover,
    Removed,
    RemoveRequest,
    Wanted,
    parse_wanted,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import merge_plans
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

DEFAULT_NAMESPACE = "default"

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    "name": {"type": "list", "elements": "str", "required": True},
    "namespaces": {"type": "list", "elements": "str", "aliases": ["namespace"]},
    "buildah": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
    "remove_pinned": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(ARGUMENTS), mutually_exclusive=[("namespaces", "buildah")], supports_check_mode=True
    )
    with errors_reported(module):
        by_namespace = from_buildah(module) if module.params["buildah"] else from_containerd(module)
        whole = merge_plans(removed.plan for _namespace, removed in by_namespace)
        module.exit_json(
            changed=whole.changed,
            removed_images=[
                {"name": name, "namespace": namespace, "digest": digest}
                for namespace, removed in by_namespace
                for name, digest in removed.images.items()
            ],
            actions=whole.action_lines(),
            diff=whole.diff("images"),
        )


def from_containerd(module: AnsibleModule) -> list[tuple[str, Removed]]:
    """Remove the images from each namespace, once none of them refuses; only say which in check mode."""
    params = module.params
    images = tuple(dict.fromkeys(map(parse_wanted, params["name"])))
    namespaces = map(validate_namespace, params["namespaces"] or [DEFAULT_NAMESPACE])
    requests = [
        RemoveRequest(namespace, images, force=params["force"], pinned=params["remove_pinned"])
        for namespace in dict.fromkeys(namespaces)
    ]
    remover = ImageRemover(connect(module, ModuleRunner(module)))
    planned = [(request.namespace, remover.run(request, check=True)) for request in requests]
    if module.check_mode:
        return planned
    return [(request.namespace, remover.run(request)) for request in requests]


def from_buildah(module: AnsibleModule) -> list[tuple[str, Removed]]:
    """Remove the images from buildah's store, or only say which in check mode."""
    params = module.params
    buildah = Buildah(ModuleRunner(module), positive_timeout(params["timeout"]))
    references = [named(parse_wanted(name)) for name in params["name"]]
    return [("", remove_from_buildah(buildah, references, force=params["force"], check=module.check_mode))]


def named(image: Wanted) -> Reference:
    """Return *image* if it is named by a reference.

    Raises:
        InvalidInput: it is named by a digest.
    """
    if isinstance(image, Reference):
        return image
    raise InvalidInput(
        "Images are removed from buildah's store by their names alone", subject=str(image), expected="name[:tag]"
    )


if __name__ == "__main__":
    main()
