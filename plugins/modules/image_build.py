#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_build
short_description: Build container images when something that decides their result has moved
version_added: "1.0.0"
description:
  - Builds an image from a Dockerfile with nerdctl, buildctl or buildah on a node that has no Docker.
  - A digest of everything that decides the result is kept in a label of the image. The builder is started only
    if that digest moved, or if the image is missing or incomplete. So a change of one byte in the context builds the
    image again, and without a change nothing is started.
  - RV(rebuild_reasons) says what moved.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.action_group
  - nephoran.container_build.containerd
  - nephoran.container_build.registry
  - nephoran.container_build.build_outputs
attributes:
  check_mode:
    support: full
    details:
      - With O(rebuild=always), check mode says changed. A real run says so only if the image came out differently.
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
  path:
    description:
      - The folder of the build context on the node, absolute.
      - Or a folder of a git repository, C(URL#ref:folder), where the URL begins with C(git://) or C(ssh://), ends with
        C(.git) after C(http://) or C(https://), or is C(user@host:path). The ref is a branch, a tag or a commit. The
        repository's default branch and root if not given.
      - The node's git asks the repository every time, also in check mode, which commit the ref stands for. Only the
        commit and the folder decide whether to build. It fetches the commit, with submodules, for a build with any
        backend. Credentials are those that git finds for the user that the task runs as.
    type: path
    required: true
  dockerfile:
    description:
      - The Dockerfile, absolute or relative to O(path).
      - If neither this nor O(dockerfile_content) is given, V(Dockerfile) is used, or else V(Containerfile).
    type: str
  dockerfile_content:
    description:
      - The text of the Dockerfile.
    type: str
  backend:
    description:
      - The builder.
      - V(nerdctl) and V(buildctl) use BuildKit, and the image lands in containerd.
      - V(buildah) needs no daemon, and the image lands in buildah's store.
    type: str
    choices: [nerdctl, buildctl, buildah]
    default: nerdctl
  namespace:
    description:
      - The namespace of containerd that is to have the image.
      - If BuildKit's worker builds in another one, the image is brought from there without copying its layers.
      - If not given, V(default) with O(backend=nerdctl) and O(backend=buildctl). With O(backend=buildah), the image
        stays in buildah's store alone.
    type: str
  pinned:
    description:
      - Whether the kubelet's image garbage collection must leave the image in O(namespace).
      - If not given, an image that was pinned stays pinned.
    type: bool
  buildkit_host:
    description:
      - BuildKit's address, C(unix:///path) or C(tcp://host:port). Not for O(backend=buildah).
      - If not given, the first socket that exists of C(/run/buildkit-NAMESPACE/buildkitd.sock),
        C(/run/buildkit-default/buildkitd.sock) and C(/run/buildkit/buildkitd.sock).
      - What a daemon without a containerd worker builds, such as C(unix:///run/buildkit-rootless/buildkitd.sock) of
        P(nephoran.container_build.buildkit#role), comes as an archive into O(namespace). Outputs of the types V(local)
        and V(tar) cannot be had from it.
    type: str
  builders:
    description:
      - BuildKit daemons on other machines, for a node that has containerd and C(buildctl), but no BuildKit of its own.
        The first in their order that answers builds. One that is silent a second after another one answered is not
        waited for. A warning names each that was passed over.
      - For O(backend=buildctl) alone, and not together with O(buildkit_host). Client and daemon show each other
        certificates, as the role P(nephoran.container_build.buildkit#role) sets it up.
      - The image comes back as an archive and into O(namespace), and the node pushes it. O(cache_from) and O(cache_to)
        with a cache at a registry let the builders share their work.
      - Outputs of the types V(local) and V(tar) cannot be had this way.
    type: list
    elements: dict
    default: []
    suboptions:
      address:
        description:
          - The daemon's address, C(tcp://host:port).
        type: str
        required: true
      tls_ca:
        description:
          - The file on the node with the authority that signed the daemon's certificate.
        type: path
        required: true
      tls_cert:
        description:
          - The file on the node with the node's own certificate.
        type: path
        required: true
      tls_key:
        description:
          - The file on the node with the key to O(builders[].tls_cert).
        type: path
        required: true
      server_name:
        description:
          - The name in the daemon's certificate. The host of O(builders[].address) if not given.
        type: str
  rebuild:
    description:
      - V(on_change) builds if something moved that decides the result, or if the image is missing or incomplete.
      - V(always) starts the builder every time. Its cache decides what is done again.
      - V(never) builds only if the image is missing.
    type: str
    choices: [on_change, always, never]
    default: on_change
  args:
    description:
      - Values of C(ARG) instructions. They stand in the builder's command line and in the image's history.
        For passwords there is O(secrets).
    type: dict
    default: {}
  target:
    description:
      - The stage to build. The last one if not given.
    type: str
  platform:
    description:
      - Platforms to build for, C(os/architecture[/variant]). The builder's own if empty.
    type: list
    elements: str
    default: []
  labels:
    description:
      - Labels of the image.
      - With O(backend=buildah), which looks for variables in them, they can hold neither a variable such as C($HOME)
        nor characters that are not printable.
    type: dict
    default: {}
  network:
    description:
      - The network of C(RUN) instructions. With V(host), nerdctl grants the entitlement C(security.insecure) as well.
      - The builder's default if not given.
    type: str
    choices: [default, none, host]
  etc_hosts:
    description:
      - Host names and their addresses for C(RUN) instructions.
    type: dict
    default: {}
  build_contexts:
    description:
      - Further contexts by name. A folder on the node, or a source that the builder understands, such as
        C(docker-image://alpine:3.22).
    type: dict
    default: {}
  cache_from:
    description:
      - Caches to import, in the builder's notation. For BuildKit, C(type=registry,ref=registry.example.com/app:cache).
    type: list
    elements: str
    default: []
  cache_to:
    description:
      - Caches to export, in the builder's notation.
    type: list
    elements: str
    default: []
  pull:
    description:
      - Whether to ask registries for newer bases when the image is built.
      - A newer base alone is no reason to build; see O(base_digest).
    type: bool
    default: false
  base_digest:
    description:
      - With V(check), the digests of the images that C(FROM) instructions name are among what decides the result. Their
        registries are asked every time, also in check mode, and a base that moved is a reason to build. The builder
        then fetches the newer one, as with O(pull=true).
      - What counts is the manifest for the platform that is built for, not the index that lists it.
      - Images that only C(COPY --from) or C(RUN --mount) name do not count.
    type: str
    choices: [ignore, check]
    default: ignore
  nocache:
    description:
      - Whether to leave the builder's cache unused when the image is built.
    type: bool
    default: false
  secrets:
    description:
      - Secrets that C(RUN --mount=type=secret) may read.
      - Builders get them as files that only root can read. They enter neither command lines nor the image nor the
        digest of the inputs, so that a new secret alone is no reason to build.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description:
          - The id by which the Dockerfile names it.
        type: str
        required: true
      type:
        description:
          - Where its value comes from.
        type: str
        choices: [file, env, value]
        required: true
      src:
        description:
          - The file on the node.
        type: path
      env:
        description:
          - The environment variable on the node, of the user that the task runs as.
          - Not one that the keyword C(environment) of the task sets. Ansible puts that into command lines, where every
            user of the node can read it, and sudo into its log. For a value that the controller knows there is
            O(secrets[].value).
        type: str
      value:
        description:
          - The value itself.
        type: str
  ssh:
    description:
      - SSH agents that C(RUN --mount=type=ssh) may use.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description:
          - The id by which the Dockerfile names it.
        type: str
        default: default
      paths:
        description:
          - The agent's socket, or private keys, on the node. The socket in E(SSH_AUTH_SOCK) if empty.
        type: list
        elements: path
        default: []
  allow:
    description:
      - Entitlements that this build may use, such as V(network.host). BuildKit must allow them too.
    type: list
    elements: str
    default: []
  provenance:
    description:
      - How much is attested of how the image was made. V(max) names build arguments and sources, too. Nothing if not
        given.
      - Not for O(backend=buildah).
      - An attestation holds the time of the build, so that the digest of the index that names it is another one after
        every build. Whether the image changed is told by the manifests and configs of its platforms.
    type: str
    choices: [min, max]
  sbom:
    description:
      - Whether to attest a list of the software in the image. Not for O(backend=buildah).
    type: bool
    default: false
  sbom_generator:
    description:
      - The image that makes the list. BuildKit's choice if not given.
    type: str
  log_path:
    description:
      - A file on the node that is to have all that the builder said.
    type: path
  progress:
    description:
      - Whether the controller shows each step when it begins or ends, as a line on standard error.
      - If not given, the variable C(image_build_progress) of the play, the inventory or the command line decides, and
        steps are shown if that is not set either. With C(no_log), C(async) and in check mode nothing is shown.
    type: bool
  progress_id:
    description:
      - Names the folder on the node in which the action plugin finds the steps of a build that is at work. The action
        plugin sets it. Leave it out.
    type: str
notes:
  - Who interrupts C(ansible-playbook) or loses the connection ends the build on the node too, at once over SSH, and
    after three minutes over a connection whose own process on the node lives on. A build with C(async) goes on.
  - Values of O(secrets) that a step prints are masked in all that the module shows, returns and logs. BuildKit itself
    keeps what steps print in the history of its builds, as they print it.
  - What a build reads from registries and the network does not enter the digest of the inputs, unless O(base_digest)
    says so.
  - The inputs of each name's last build are kept below C(/var/lib/nephoran-container-build), for root only, so that
    RV(rebuild_reasons) can name what moved. Without them only the fact is known.
seealso:
  - module: nephoran.container_build.image_import
  - module: community.docker.docker_image_build
"""

EXAMPLES = r"""
- name: Build an image from a Dockerfile
  nephoran.container_build.image_build:
    name: myapp
    tag: v1.0
    path: /srv/myapp

- name: Build for Kubernetes, so that the kubelet never deletes it
  nephoran.container_build.image_build:
    name: myapp:v1.0
    path: /srv/myapp
    namespace: k8s.io
    pinned: true

- name: Build with buildah, one stage, with a secret
  nephoran.container_build.image_build:
    name: myapp:v1.0
    path: /srv/myapp
    backend: buildah
    target: runtime
    secrets:
      - id: token
        type: value
        value: "{{ vault_token }}"

- name: Build programs in an image and take them out, into a folder
  nephoran.container_build.image_build:
    name: myapp-programs
    path: /srv/myapp
    target: programs
    outputs:
      - type: local
        dest: /opt/myapp

- name: Build, keep an archive for other machines, and give the image a second name
  nephoran.container_build.image_build:
    name: myapp:v1.0
    path: /srv/myapp
    outputs:
      - type: oci
        dest: /srv/images/myapp-v1.0.tar
      - type: image
        name: [myapp:stable]

- name: Build what a branch of a git repository holds
  nephoran.container_build.image_build:
    name: myapp:main
    path: https://git.example.com/team/myapp.git#main:deploy

- name: Build on the first of two other machines that answers, and push from here
  nephoran.container_build.image_build:
    name: registry.example.com/team/myapp:v1.0
    path: /srv/myapp
    backend: buildctl
    builders:
      - address: tcp://builder-1.example.com:1234
        tls_ca: /etc/buildkit/tls/ca.pem
        tls_cert: /etc/buildkit/tls/client.pem
        tls_key: /etc/buildkit/tls/client-key.pem
      - address: tcp://builder-2.example.com:1234
        tls_ca: /etc/buildkit/tls/ca.pem
        tls_cert: /etc/buildkit/tls/client.pem
        tls_key: /etc/buildkit/tls/client-key.pem
    cache_from: ["type=registry,ref=registry.example.com/team/myapp:cache"]
    cache_to: ["type=registry,ref=registry.example.com/team/myapp:cache,mode=max"]
    push: true

- name: Build and push, as somebody
  nephoran.container_build.image_build:
    name: registry.example.com/team/myapp:v1.0
    path: /srv/myapp
    push: true
    username: ci
    password: "{{ vault_registry_password }}"
"""

RETURN = r"""
image:
  description: The image's name in its full form.
  returned: success
  type: str
  sample: docker.io/library/myapp:v1.0
image_id:
  description: The digest of the image's config. Empty in check mode if the image does not exist yet.
  returned: success
  type: str
digest:
  description: The digest of the image's index or manifest. Empty in check mode if the image does not exist yet.
  returned: success
  type: str
inputs_digest:
  description: The digest of everything that decides the result.
  returned: success
  type: str
rebuild_reasons:
  description:
    - Why the image was built, or an output written, or would be. Empty if nothing moved.
    - Outputs that follow an image that is built have no reason of their own.
  returned: success
  type: list
  elements: str
  sample: ["context: src/app.py changed", "arg VERSION: 1 → 2", "output /srv/app.tar missing"]
pushed:
  description:
    - The digest that the registry has under each name that is pushed. In check mode, that it would have.
    - Empty where only the build or the push makes it.
  returned: success
  type: dict
  sample: {"registry.example.com/myapp:v1.0": "sha256:98100313ba3cd28de04dba1bfbd0a37781c63d8ceee14fb11ae8436d5c600e5c"}
namespace:
  description: The namespace that has the image. Empty if it is in buildah's store alone.
  returned: success
  type: str
backend:
  description: The builder.
  returned: success
  type: str
command:
  description: The builder's command line. Empty if it was not started.
  returned: success
  type: list
  elements: str
steps:
  description: The steps of the build. Empty if the builder was not started.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The step as the builder names it.
      type: str
    cached:
      description: Whether the cache answered.
      type: bool
    seconds:
      description: How long it took. 0 if the builder does not say.
      type: float
    error:
      description: Why it failed. Empty if it did not.
      type: str
stdout:
  description: What the builder wrote on standard output.
  returned: success
  type: str
stderr:
  description: The builder's progress as plain lines.
  returned: success
  type: str
log_path:
  description: The file on the node that has the builder's progress. Empty if none was asked for.
  returned: success
  type: str
actions:
  description: What was done, or would be done in check mode, one sentence each.
  returned: success
  type: list
  elements: str
error:
  description:
    - The parts of the message of a failure.
    - Of a build that failed, also C(step) as the builder names it, C(dockerfile) and C(dockerfile_line), as far as the
      builder tells.
    - If BuildKit or containerd ended during the build, C(ended_steps), the containers of steps that it left at work and
      that were ended, with those of others' builds that nobody waited for any more either.
  returned: failure
  type: dict
"""

import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._build_backends import build_image
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    errors_reported,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._output_options import OUTPUT_ARGUMENTS
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import (
    REGISTRY_MUTUALLY_EXCLUSIVE,
    REGISTRY_REQUIRED_TOGETHER,
)

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    "name": {"type": "str", "required": True},
    "tag": {"type": "str", "default": "latest"},
    "path": {"type": "path", "required": True},
    "dockerfile": {"type": "str"},
    "dockerfile_content": {"type": "str"},
    "backend": {"type": "str", "choices": ["nerdctl", "buildctl", "buildah"], "default": "nerdctl"},
    "namespace": {"type": "str"},
    "pinned": {"type": "bool"},
    "buildkit_host": {"type": "str"},
    "builders": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "address": {"type": "str", "required": True},
            "tls_ca": {"type": "path", "required": True},
            "tls_cert": {"type": "path", "required": True},
            "tls_key": {"type": "path", "required": True},
            "server_name": {"type": "str"},
        },
    },
    "rebuild": {"type": "str", "choices": ["on_change", "always", "never"], "default": "on_change"},
    "args": {"type": "dict", "default": {}},
    "target": {"type": "str"},
    "platform": {"type": "list", "elements": "str", "default": []},
    "labels": {"type": "dict", "default": {}},
    "network": {"type": "str", "choices": ["default", "none", "host"]},
    "etc_hosts": {"type": "dict", "default": {}},
    "build_contexts": {"type": "dict", "default": {}},
    "cache_from": {"type": "list", "elements": "str", "default": []},
    "cache_to": {"type": "list", "elements": "str", "default": []},
    "pull": {"type": "bool", "default": False},
    "nocache": {"type": "bool", "default": False},
    "secrets": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "no_log": False,
        "options": {
            "id": {"type": "str", "required": True},
            "type": {"type": "str", "choices": ["file", "env", "value"], "required": True},
            "src": {"type": "path"},
            "env": {"type": "str"},
            "value": {"type": "str", "no_log": True},
        },
        "required_if": [("type", "file", ["src"]), ("type", "env", ["env"]), ("type", "value", ["value"])],
    },
    "ssh": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "id": {"type": "str", "default": "default"},
            "paths": {"type": "list", "elements": "path", "default": []},
        },
    },
    "allow": {"type": "list", "elements": "str", "default": []},
    "progress": {"type": "bool"},
    "progress_id": {"type": "str"},
    "provenance": {"type": "str", "choices": ["min", "max"]},
    "sbom": {"type": "bool", "default": False},
    "sbom_generator": {"type": "str"},
    "log_path": {"type": "path"},
    **OUTPUT_ARGUMENTS,
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(ARGUMENTS),
        mutually_exclusive=[("dockerfile", "dockerfile_content"), *REGISTRY_MUTUALLY_EXCLUSIVE],
        required_together=REGISTRY_REQUIRED_TOGETHER,
        supports_check_mode=True,
    )
    with errors_reported(module):
        module.exit_json(**build_image(module))


if __name__ == "__main__":
    main()
