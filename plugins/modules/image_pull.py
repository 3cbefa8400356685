#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_pull
short_description: Pull an image from a registry into a containerd namespace
version_added: "1.0.0"
description:
  - Pulls an image if the namespace lacks it, or lacks a part of it. With O(policy=always), also if the registry has
    another one under the name by now.
  - The image is put together out of everybody's sight. Its name moves once everything is there, in one transaction with
    its labels, so that a Pod that starts meanwhile finds the old image or the new one.
  - Layers that any namespace of containerd has are not fetched again.
  - Mirrors, certificates and plain HTTP are those of C(hosts.toml) on the node, as with nerdctl.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.action_group
  - nephoran.container_build.containerd
  - nephoran.container_build.registry
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - In check mode the digest of an index that would be pulled is not known. Those of its manifests are shown.
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
  namespace:
    description:
      - The namespace to pull it into. Kubernetes looks in V(k8s.io).
    type: str
    default: default
  policy:
    description:
      - V(missing) asks the registry only if the namespace lacks the image or a part of it.
      - V(always) asks it every time what it has under the name. Nothing is fetched if that is the image that is there.
    type: str
    choices: [missing, always]
    default: missing
    aliases: [pull]
  platform:
    description:
      - The platform that the image must serve, C(os/architecture[/variant]). The node's own if not given.
    type: str
  all_platforms:
    description:
      - Whether to pull all platforms and attestations of the image.
    type: bool
    default: false
  pinned:
    description:
      - Whether the kubelet's image garbage collection must leave the image.
      - If not given, an image that was pinned stays pinned.
    type: bool
  labels:
    description:
      - Labels for containerd's record of the image. Other labels of the record stay.
    type: dict
    default: {}
  unpack:
    description:
      - Whether to unpack the image, so that its first container need not wait for that.
    type: bool
    default: true
  allow_reserved_labels:
    description:
      - Whether to accept an image whose own labels begin with C(containerd.io/) or C(io.cri-containerd).
      - Containerd obeys such labels, and before 2.2.5 one of them runs commands as the node's root (CVE-2026-53488).
    type: bool
    default: false
notes:
  - Registries with a limit on pulls count two for an image that is fetched, since they are asked what they have first.
seealso:
  - module: nephoran.container_build.image_push
  - module: nephoran.container_build.image_import
  - module: community.docker.docker_image_pull
"""

EXAMPLES = r"""
- name: Have an image for Kubernetes that the kubelet never deletes
  nephoran.container_build.image_pull:
    name: registry.example.com/myapp:v1.0
    namespace: k8s.io
    pinned: true

- name: Follow a tag that moves
  nephoran.container_build.image_pull:
    name: registry.example.com/myapp:stable
    policy: always
    auth_file: /etc/nephoran/registry.json
"""

RETURN = r"""
image:
  description: The image's name in its full form.
  returned: success
  type: str
  sample: registry.example.com/myapp:v1.0
digest:
  description:
    - The digest of the image's index or manifest.
    - Empty in check mode if an index would be pulled, whose digest is known only then.
  returned: success
  type: str
namespace:
  description: The namespace that has the image.
  returned: success
  type: str
command:
  description: The command line that fetched the image. Empty if nothing was fetched.
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
from ansible_collections.nephoran.container_build.plugins.module_utils._image_pull import ImagePuller, PullRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import validate_labels
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import (
    REGISTRY_ARGUMENTS,
    REGISTRY_MUTUALLY_EXCLUSIVE,
    REGISTRY_REQUIRED_TOGETHER,
    registry_access,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    **REGISTRY_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "namespace": {"type": "str", "default": "default"},
    "policy": {"type": "str", "choices": ["missing", "always"], "default": "missing", "aliases": ["pull"]},
    "platform": {"type": "str"},
    "all_platforms": {"type": "bool", "default": False},
    "pinned": {"type": "bool"},
    "labels": {"type": "dict", "default": {}},
    "unpack": {"type": "bool", "default": True},
    "allow_reserved_labels": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(ARGUMENTS),
        mutually_exclusive=[*REGISTRY_MUTUALLY_EXCLUSIVE, ("platform", "all_platforms")],
        required_together=REGISTRY_REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    with errors_reported(module):
        request = read_request(module.params)
        access = registry_access(module.params, request.reference.domain, module.tmpdir)
        store = connect(module, ModuleRunner(module))
        puller = ImagePuller(store, NerdctlRegistry(store.nerdctl, access), module.tmpdir)
        pulled = puller.run(request, check=module.check_mode)
        module.exit_json(
            changed=pulled.plan.changed,
            image=str(request.reference),
            digest=pulled.digest,
            namespace=request.namespace,
            command=list(pulled.command),
            actions=pulled.plan.action_lines(),
            diff=pulled.plan.diff(f"images in {request.namespace}"),
        )


def read_request(params: t.Mapping[str, t.Any]) -> PullRequest:
    """Return what the options ask for.

    Raises:
        InvalidInput: an option's value cannot be used.
    """
    return PullRequest(
        reference=Reference.parse_tagged(params["name"], params["tag"]),
        namespace=validate_namespace(params["namespace"]),
        platform=None if params["all_platforms"] else wanted_platform(params["platform"]),
        always=params["policy"] == "always",
        pinned=params["pinned"],
        labels=validate_labels(params["labels"]),
        unpack=params["unpack"],
        allow_reserved_labels=params["allow_reserved_labels"],
    )


if __name__ == "__main__":
    main()
