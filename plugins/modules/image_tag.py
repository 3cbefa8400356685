#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_tag
short_description: Give an image in containerd further names
version_added: "1.0.0"
description:
  - Gives an image more names in its namespace of containerd.
  - A name that another image has moves in one transaction, so that a Pod that starts meanwhile finds one of the two.
    The labels of its record stay, and the pin among them.
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
      - The image's name. V(app) means V(docker.io/library/app), as everywhere with containerd and Kubernetes.
      - A tag in the name wins over O(tag).
    type: str
    required: true
  tag:
    description:
      - The image's tag.
    type: str
    default: latest
  repository:
    description:
      - The names that the image is to have besides, V(repository:tag). Without a tag, V(latest).
    type: list
    elements: str
    required: true
  existing_images:
    description:
      - What becomes of a name in O(repository) that another image has.
      - V(overwrite) moves it to this image. V(keep) leaves it, and reports it in RV(kept_images).
    type: str
    choices: [keep, overwrite]
    default: overwrite
  namespace:
    description:
      - The namespace that has the image.
    type: str
    default: default
  pinned:
    description:
      - Whether the kubelet's image garbage collection must leave the image under its new names.
      - If not given, a name that was pinned stays pinned.
    type: bool
  labels:
    description:
      - Labels for containerd's records of the names. Other labels of the records stay.
    type: dict
    default: {}
seealso:
  - module: nephoran.container_build.image_push
  - module: nephoran.container_build.image_remove
  - module: community.docker.docker_image_tag
"""

EXAMPLES = r"""
- name: Give an image the name under which it will be pushed
  nephoran.container_build.image_tag:
    name: myapp:v1.0
    repository: registry.example.com/myapp:v1.0

- name: Let a Pod's name stand for the release that was tested
  nephoran.container_build.image_tag:
    name: myapp:v1.0
    namespace: k8s.io
    repository:
      - myapp:stable
      - myapp:v1
    pinned: true
"""

RETURN = r"""
image:
  description: The image's name in its full form.
  returned: success
  type: str
  sample: docker.io/library/myapp:v1.0
digest:
  description: The digest of the image's index or manifest.
  returned: success
  type: str
tagged_images:
  description: The names in their full form that were written, or whose labels were. In check mode, those that would be.
  returned: success
  type: list
  elements: str
  sample: [registry.example.com/myapp:v1.0]
kept_images:
  description: The names that another image has and kept.
  returned: success
  type: list
  elements: str
namespace:
  description: The namespace that has the image.
  returned: success
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
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._image_tag import TagRequest, tag_image
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import validate_labels
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "repository": {"type": "list", "elements": "str", "required": True},
    "existing_images": {"type": "str", "choices": ["keep", "overwrite"], "default": "overwrite"},
    "namespace": {"type": "str", "default": "default"},
    "pinned": {"type": "bool"},
    "labels": {"type": "dict", "default": {}},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        request = read_request(module.params)
        store = connect(module, ModuleRunner(module))
        tagged = tag_image(store, request, module.tmpdir, check=module.check_mode)
        module.exit_json(
            changed=tagged.plan.changed,
            image=str(request.reference),
            digest=tagged.digest,
            tagged_images=list(tagged.tagged),
            kept_images=list(tagged.kept),
            namespace=request.namespace,
            actions=tagged.plan.action_lines(),
            diff=tagged.plan.diff(f"images in {request.namespace}"),
        )


def read_request(params: t.Mapping[str, t.Any]) -> TagRequest:
    """Return what the options ask for.

    Raises:
        InvalidInput: an option's value cannot be used.
    """
    return TagRequest(
        namespace=validate_namespace(params["namespace"]),
        reference=Reference.parse_tagged(params["name"], params["tag"]),
        names=tuple(dict.fromkeys(map(new_name, params["repository"]))),
        keep_existing=params["existing_images"] == "keep",
        pinned=params["pinned"],
        labels=validate_labels(params["labels"]),
    )


def new_name(text: str) -> Reference:
    """Return the reference *text* if an image can be given it.

    Raises:
        InvalidInput: it is none, or holds a digest.
    """
    reference = Reference.parse(text)
    if reference.digest is not None:
        raise InvalidInput(
            "An image cannot be given a name that holds a digest", subject=f"repository: {text}", expected="name[:tag]"
        )
    return reference


if __name__ == "__main__":
    main()
