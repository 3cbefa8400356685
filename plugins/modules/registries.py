#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: registries
short_description: Tell containerd and buildah how to talk to registries
version_added: "1.0.0"
description:
  - Renders one description of registries for all that pull and push on a node. C(hosts.toml) files for containerd,
    nerdctl and the CRI, a file in C(/etc/containers/registries.conf.d) for buildah, the certificates of authorities,
    and credentials in Docker's C(config.json), which nerdctl, BuildKit's clients and buildah read.
  - BuildKit's own part stands in its configuration. The filter P(nephoran.container_build.buildkit_registries#filter)
    renders it from the same description.
  - No service has to be restarted. All these files are read when they are needed.
  - Files and credentials that an earlier run wrote and that are not asked for any longer are removed. Those that
    somebody else wrote stay.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Of files that hold credentials, only that they change is shown.
  idempotent:
    support: full
  platform:
    platforms: linux
options:
  hosts:
    description:
      - The registries. With an empty list here and for O(search), all that earlier runs wrote is removed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - The registry as it stands in references, V(host[:port]). Docker Hub is V(docker.io).
        type: str
        required: true
      mirrors:
        description:
          - Mirrors, tried in this order before the registry itself.
          - A mirror that is described as a registry of its own too has that one's settings, unless it has its own.
        type: list
        elements: dict
        default: []
        suboptions:
          url:
            description:
              - Where the mirror is. C(http://) or C(https://), V(host[:port]), and the repository path below which it
                keeps the registry's repositories if that is not its root.
            type: str
            required: true
          capabilities:
            description:
              - What the mirror is trusted with. Content by digest (V(pull)), tags (V(resolve)), being pushed to
                (V(push)).
              - BuildKit does not use a mirror without V(resolve), since it would ask it for tags. Only containerd
                pushes to mirrors.
            type: list
            elements: str
            choices: [pull, resolve, push]
            default: [pull, resolve]
          ca:
            description:
              - The certificates of the authority that signed the mirror's, in PEM.
            type: str
          ca_file:
            description:
              - A file on the node that holds them. Its content is copied.
            type: path
          skip_verify:
            description:
              - Whether to take the mirror's certificate unseen. Buildah then also falls back to plain HTTP.
            type: bool
      plain_http:
        description:
          - Whether the registry speaks HTTP without TLS.
        type: bool
        default: false
      ca:
        description:
          - The certificates of the authority that signed the registry's, in PEM.
        type: str
      ca_file:
        description:
          - A file on the node that holds them. Its content is copied.
        type: path
      skip_verify:
        description:
          - Whether to take the registry's certificate unseen. Buildah then also falls back to plain HTTP.
        type: bool
        default: false
      username:
        description:
          - Who to be at the registry.
        type: str
      password:
        description:
          - The password or token.
        type: str
      cri_auth:
        description:
          - Whether containerd sends the credentials by itself, so that the kubelet pulls with them without a pull
            secret.
          - They stand in C(hosts.toml) as a header then. Only registries with HTTP basic authentication take that.
        type: bool
        default: false
  search:
    description:
      - The registries in which buildah looks for a name without a registry.
      - With V(docker.io) alone, such a name means the same to buildah as to containerd, nerdctl and BuildKit.
    type: list
    elements: str
    default: [docker.io]
  hosts_folder:
    description:
      - Where containerd looks for C(hosts.toml) files.
    type: path
    default: /etc/containerd/certs.d
  docker_config:
    description:
      - The C(config.json) that the credentials are put into.
    type: path
    default: /root/.docker/config.json
notes:
  - The task needs root (C(become=true)).
"""

EXAMPLES = r"""
- name: Pull Docker Hub's images through a mirror
  nephoran.container_build.registries:
    hosts:
      - name: docker.io
        mirrors:
          - url: http://10.0.0.5:5000

- name: Push to a registry with a certificate of the company's own and credentials
  nephoran.container_build.registries:
    hosts:
      - name: registry.example.org:5000
        ca_file: /etc/ssl/example-ca.pem
        username: builder
        password: "{{ vault_registry_password }}"
"""

RETURN = r"""
actions:
  description: What was done, or would be done in check mode, one sentence each.
  returned: success
  type: list
  elements: str
  sample:
    - write /etc/containerd/certs.d/docker.io/hosts.toml (new)
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import ContainerBuildError
from ansible_collections.nephoran.container_build.plugins.module_utils._registries import (
    RegistriesManager,
    RegistriesSpec,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_hosts import parse_registries
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_options import HOSTS_ARGUMENT


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "hosts": dict(HOSTS_ARGUMENT),
            "search": {"type": "list", "elements": "str", "default": ["docker.io"]},
            "hosts_folder": {"type": "path", "default": "/etc/containerd/certs.d"},
            "docker_config": {"type": "path", "default": "/root/.docker/config.json"},
        },
        supports_check_mode=True,
    )
    try:
        result = describe_registries(module)
    except ContainerBuildError as error:
        module.fail_json(msg=str(error), **error.as_result())
    else:
        module.exit_json(**result)


def describe_registries(module: AnsibleModule) -> dict[str, t.Any]:
    """Plan all files, write them outside check mode, and return the module's result."""
    manager = RegistriesManager(
        RegistriesSpec(
            registries=parse_registries(module.params["hosts"]),
            search=tuple(module.params["search"]),
            hosts_folder=module.params["hosts_folder"],
            docker_config=module.params["docker_config"],
        )
    )
    plan = manager.plan(check_mode=module.check_mode)
    for warning in plan.warnings:
        module.warn(warning)
    if plan.changed and not module.check_mode:
        manager.apply(plan)
    return {"changed": plan.changed, "actions": plan.action_lines(), "diff": list(plan.diffs)}


if __name__ == "__main__":
    main()
