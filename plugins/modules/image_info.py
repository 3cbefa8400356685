#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_info
short_description: Tell all that is known of images in containerd
version_added: "1.0.0"
description:
  - Returns for each image of each namespace what it is, whether all of it is there, whether it is unpacked and pinned,
    and whether Kubernetes sees it. If it does not, RV(images[].invisible_reasons) says why.
  - For images that are asked for by name, RV(pods) says what a Pod finds under that name, be there an image or not.
  - If a kubelet runs on the node, it is taken into account which containerd it uses, and whether it gives preloaded
    images to Pods without pull credentials.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.info_module
  - nephoran.container_build.attributes.action_group
  - nephoran.container_build.containerd
attributes:
  platform:
    platforms: linux
options:
  name:
    description:
      - The images to look for. V(app:v1) means V(docker.io/library/app:v1).
      - All images if empty.
    type: list
    elements: str
    default: []
  namespaces:
    description:
      - The namespaces to look in. All namespaces if empty.
    type: list
    elements: str
    default: []
    aliases: [namespace]
seealso:
  - module: nephoran.container_build.image_import
"""

EXAMPLES = r"""
- name: Find out whether Kubernetes sees an image
  nephoran.container_build.image_info:
    name: myapp:v1.0
    namespaces: k8s.io
  register: myapp

- name: Stop if it does not
  ansible.builtin.assert:
    that: myapp.pods[0].visible
    fail_msg: "{{ myapp.pods[0].reasons | join('; ') }}"
"""

RETURN = r"""
images:
  description: The images that were found, by namespace and name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The image's name in its full form.
      type: str
    namespace:
      description: Where it is.
      type: str
    digest:
      description: The digest of its index or manifest.
      type: str
    media_type:
      description: The media type of that.
      type: str
    image_id:
      description: The digest of its config for this node's platform. Empty if it has none.
      type: str
    created:
      description: When it was made, as its config says.
      type: str
    size:
      description: Bytes of all that this node's platform needs, as they lie in the store.
      type: int
    platforms:
      description: The platforms of which all is there.
      type: list
      elements: str
    platforms_incomplete:
      description: The platforms that the image names and of which something is missing.
      type: list
      elements: str
    labels:
      description: The labels of containerd's record.
      type: dict
    image_labels:
      description: The labels of the image itself.
      type: dict
    pinned:
      description: Whether the kubelet's image garbage collection leaves it.
      type: bool
    complete:
      description: Whether all that this node's platform needs is there.
      type: bool
    missing:
      description: Digests that are missing.
      type: list
      elements: str
    unpacked:
      description:
        - Whether it stands unpacked in the snapshotter. That decides nothing about what Kubernetes sees.
          The CRI plugin unpacks an image for its first container.
      type: bool
    visible_to_kubernetes:
      description: Whether a Pod with C(imagePullPolicy=Never) finds it.
      type: bool
    invisible_reasons:
      description: Why not.
      type: list
      elements: str
pods:
  description:
    - For each image that was asked for by name, whether a Pod finds it by that name.
      If not, where it is instead, or what has a name that is alike.
    - Kubernetes looks in V(k8s.io) alone, so this does not depend on O(namespaces).
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name in its full form, which a Pod's shorter one means.
      type: str
    visible:
      description: Whether a Pod with C(imagePullPolicy=Never) runs from it.
      type: bool
    reasons:
      description: Why not, and what to do.
      type: list
      elements: str
  sample:
    - name: docker.io/library/myapp:v1.0
      visible: false
      reasons:
        - "this containerd has no image docker.io/library/myapp:v1.0 in any namespace: build, import or pull it"
namespaces:
  description: The namespaces that were looked in.
  returned: success
  type: list
  elements: str
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import dataclasses
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._image_info import describe_images, judge_names
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import DEFAULT_ADDRESS
from ansible_collections.nephoran.container_build.plugins.module_utils._image_visibility import KubernetesView
from ansible_collections.nephoran.container_build.plugins.module_utils._kubelet import find_kubelet
from ansible_collections.nephoran.container_build.plugins.module_utils._processes import ProcessTable
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    "name": {"type": "list", "elements": "str", "default": []},
    "namespaces": {"type": "list", "elements": "str", "default": [], "aliases": ["namespace"]},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        references = [Reference.parse(name) for name in module.params["name"]]
        wanted = [validate_namespace(namespace) for namespace in module.params["namespaces"]]
        runner = ModuleRunner(module)
        store = connect(module, runner)
        for namespace in wanted:
            store.require_namespace(namespace, may_be_made=True)
        namespaces = wanted or store.containerd.namespaces()
        view = KubernetesView(module.params["address"] or DEFAULT_ADDRESS, find_kubelet(ProcessTable(), runner))
        images = describe_images(store, namespaces, references, view)
        pods = judge_names(store, references, view)
        module.exit_json(
            changed=False,
            images=[dataclasses.asdict(image) for image in images],
            namespaces=namespaces,
            pods=[dataclasses.asdict(each) for each in pods],
        )


if __name__ == "__main__":
    main()
