#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_push
short_description: Push an image from containerd or from buildah's store to a registry
version_added: "1.0.0"
description:
  - Asks the registry what it has under the image's name, and pushes the image only if that is another one, or none.
  - An image of containerd is pushed as it is, byte for byte, so that it has the same digest at the registry as on the
    node. Afterwards the registry is asked again whether it has that.
  - Buildah compresses layers on the way. What the registry has counts as the same image if its config is the same.
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
  idempotent:
    support: full
  platform:
    platforms: linux
options:
  name:
    description:
      - The image's name on the node. V(app) means V(docker.io/library/app), as everywhere with containerd and
        Kubernetes.
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
      - The image's name at the registry, V(repository:tag). Without a tag, V(latest).
      - If not given, its name on the node. The name on the node stays as it is.
    type: str
  namespace:
    description:
      - The namespace of containerd that has the image. V(default) if not given.
    type: str
  buildah:
    description:
      - Whether to push the image from buildah's store instead.
      - An image that buildah knows as C(localhost/app) is found as V(app) too.
    type: bool
    default: false
  platform:
    description:
      - The only platform to push, C(os/architecture[/variant]). The registry then has its manifest under the name, and
        no index.
      - If not given, the image is pushed as it is, with all platforms that it names.
        The namespace must hold all of them.
    type: str
notes:
  - Two tasks that push different images to the same name overwrite each other, as with every tool. Each of them fails
    if the registry does not have its image afterwards.
seealso:
  - module: nephoran.container_build.image_tag
  - module: nephoran.container_build.image_pull
  - module: community.docker.docker_image_push
"""

EXAMPLES = r"""
- name: Push an image
  nephoran.container_build.image_push:
    name: registry.example.com/myapp:v1.0

- name: Push an image under another name, as somebody
  nephoran.container_build.image_push:
    name: myapp:v1.0
    repository: registry.example.com/team/myapp:v1.0
    username: builder
    password: "{{ vault_registry_password }}"

- name: Push what buildah built
  nephoran.container_build.image_push:
    name: myapp:v1.0
    repository: registry.example.com/myapp:v1.0
    buildah: true
"""

RETURN = r"""
image:
  description: The image's name on the node in its full form.
  returned: success
  type: str
  sample: docker.io/library/myapp:v1.0
destination:
  description: Its name at the registry in its full form.
  returned: success
  type: str
  sample: registry.example.com/myapp:v1.0
digest:
  description:
    - The digest that the registry has under the name. In check mode, that it would have.
    - Empty in check mode with O(buildah=true) if the image would be pushed. Only the push makes its manifest.
  returned: success
  type: str
namespace:
  description: The namespace that has the image. Empty for buildah's store.
  returned: success
  type: str
command:
  description: The command line that pushed the image. Empty if nothing was pushed.
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
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah_push import BuildahPusher
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._image_push import (
    ImagePusher,
    Pushed,
    PushRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import DEFAULT_ADDRESS
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl import Nerdctl
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_registry import NerdctlRegistry
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import (
    REGISTRY_ARGUMENTS,
    REGISTRY_MUTUALLY_EXCLUSIVE,
    REGISTRY_REQUIRED_TOGETHER,
    registry_access,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

DEFAULT_NAMESPACE = "default"

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    **REGISTRY_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "repository": {"type": "str"},
    "namespace": {"type": "str"},
    "buildah": {"type": "bool", "default": False},
    "platform": {"type": "str"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(ARGUMENTS),
        mutually_exclusive=[*REGISTRY_MUTUALLY_EXCLUSIVE, ("namespace", "buildah"), ("platform", "buildah")],
        required_together=REGISTRY_REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    with errors_reported(module):
        params = module.params
        reference = Reference.parse_tagged(params["name"], params["tag"])
        destination = destination_of(reference, params["repository"])
        push = push_from_buildah if params["buildah"] else push_from_containerd
        namespace, pushed = push(module, reference, destination)
        module.exit_json(
            changed=pushed.plan.changed,
            image=str(reference),
            destination=str(destination),
            digest=pushed.digest,
            namespace=namespace,
            command=list(pushed.command),
            actions=pushed.plan.action_lines(),
            diff=pushed.plan.diff("images at registries"),
        )


def destination_of(reference: Reference, repository: str | None) -> Reference:
    """Return the name that the image is to have at the registry.

    Raises:
        InvalidInput: it is none, or holds a digest.
    """
    destination = reference if repository is None else Reference.parse(repository)
    if destination.digest is not None:
        raise InvalidInput(
            "An image cannot be pushed to a name that holds a digest",
            subject=str(destination),
            expected="name[:tag]; its digest is what the registry makes of it",
            remedy="set repository to a name with a tag",
        )
    return destination


def push_from_containerd(module: AnsibleModule, reference: Reference, destination: Reference) -> tuple[str, Pushed]:
    """Push the image out of its namespace; return the namespace and what came of it."""
    params = module.params
    namespace = validate_namespace(params["namespace"] or DEFAULT_NAMESPACE)
    platform = Platform.parse(params["platform"]) if params["platform"] else None
    access = registry_access(params, destination.domain, module.tmpdir)
    store = connect(module, ModuleRunner(module))
    pusher = ImagePusher(store, NerdctlRegistry(store.nerdctl, access), module.tmpdir)
    return namespace, pusher.run(PushRequest(namespace, reference, destination, platform), check=module.check_mode)


def push_from_buildah(module: AnsibleModule, reference: Reference, destination: Reference) -> tuple[str, Pushed]:
    """Push the image out of buildah's store; return no namespace and what came of it."""
    params = module.params
    timeout = positive_timeout(params["timeout"])
    access = registry_access(params, destination.domain, module.tmpdir)
    runner = ModuleRunner(module)
    # Only registries are asked, so it does not matter whether a containerd is there.
    registry = NerdctlRegistry(Nerdctl(runner, params["address"] or DEFAULT_ADDRESS, timeout), access)
    return "", BuildahPusher(Buildah(runner, timeout), registry, access).run(
        reference, destination, check=module.check_mode
    )


if __name__ == "__main__":
    main()
