#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: container_run
short_description: Run a container once and return what it said
version_added: "1.0.0"
description:
  - Runs a container to its end with nerdctl, removes it, and returns its exit status and its output.
  - It is for what a task needs a tool in an image for. It does not manage services.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.action_group
  - nephoran.container_build.containerd
attributes:
  check_mode:
    support: full
    details:
      - Nothing is run in check mode. The result says whether something would be.
  diff_mode:
    support: none
    details:
      - What a container does cannot be told beforehand.
  idempotent:
    support: partial
    details:
      - With O(creates) or O(removes) the container does not run again once its work is done.
  platform:
    platforms: linux
options:
  image:
    description:
      - The image. V(app:v1) means V(docker.io/library/app:v1).
    type: str
    required: true
  namespace:
    description:
      - The namespace of containerd that has the image.
    type: str
    default: default
  command:
    description:
      - What the container runs, word by word. The image's own command if empty.
    type: list
    elements: str
    default: []
  entrypoint:
    description:
      - Replaces the image's entrypoint.
    type: str
  network:
    description:
      - The network, such as V(none), V(host) or V(bridge). Nerdctl's default if not given.
    type: str
  pull:
    description:
      - Whether to pull the image from its registry. V(missing) pulls it if the namespace has none of that name.
    type: str
    choices: [missing, never, always]
    default: missing
  env:
    description:
      - Environment variables of the container. They reach it by a file that only root can read.
    type: dict
    default: {}
  volumes:
    description:
      - Mounts, C(source:destination[:options]).
    type: list
    elements: str
    default: []
  user:
    description:
      - Whom the container runs as, C(user[:group]).
    type: str
  working_dir:
    description:
      - The folder in the container in which the command runs.
    type: str
  creates:
    description:
      - A path on the node. If it exists, nothing is run.
    type: path
  removes:
    description:
      - A path on the node. If it does not exist, nothing is run.
    type: path
seealso:
  - module: nephoran.container_build.image_build
"""

EXAMPLES = r"""
- name: Run an image that was built on the node
  nephoran.container_build.container_run:
    image: myapp:v1.0
    pull: never
    command: [/usr/bin/myapp, --version]
    network: none
  register: version

- name: Make a file once with a tool from an image
  nephoran.container_build.container_run:
    image: registry.example.com/tools/keygen:1
    volumes: ["/etc/myapp:/out"]
    creates: /etc/myapp/key
"""

RETURN = r"""
rc:
  description: The container's exit status. A status other than 0 fails the task.
  returned: when it was run
  type: int
stdout:
  description: What the container wrote on standard output.
  returned: when it was run
  type: str
stderr:
  description: What the container wrote on standard error.
  returned: when it was run
  type: str
command:
  description: The command line that it was started with.
  returned: when it was run
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
from ansible_collections.nephoran.container_build.plugins.module_utils._container_run import RunRequest, run_once
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput, last_lines
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._option_text import (
    option_text,
    plain_text,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import Action
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    "image": {"type": "str", "required": True},
    "namespace": {"type": "str", "default": "default"},
    "command": {"type": "list", "elements": "str", "default": []},
    "entrypoint": {"type": "str"},
    "network": {"type": "str"},
    "pull": {"type": "str", "choices": ["missing", "never", "always"], "default": "missing"},
    "env": {"type": "dict", "default": {}},
    "volumes": {"type": "list", "elements": "str", "default": []},
    "user": {"type": "str"},
    "working_dir": {"type": "str"},
    "creates": {"type": "path"},
    "removes": {"type": "path"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        request = read_request(module.params)
        skipped = skip_reason(module.params)
        if skipped:
            module.exit_json(changed=False, actions=[], msg=skipped)
        action = Action("run", str(request.image), " ".join(request.command))
        store = connect(module, ModuleRunner(module))
        store.require_namespace(request.namespace, may_be_made=True)
        if module.check_mode:
            module.exit_json(changed=True, actions=[str(action)])
        outcome = run_once(store.nerdctl, request, module.tmpdir)
        result = {
            "changed": True,
            "actions": [str(action)],
            "rc": outcome.rc,
            "stdout": outcome.stdout,
            "stderr": outcome.stderr,
            "command": list(outcome.command),
        }
        if outcome.rc != 0:
            tail = last_lines(outcome.stderr or outcome.stdout)
            module.fail_json(
                msg=f"The container of {request.image} ended with exit status {outcome.rc}.\n{tail}", **result
            )
        module.exit_json(**result)


def read_request(params: t.Mapping[str, t.Any]) -> RunRequest:
    """Return what the options ask for.

    Raises:
        InvalidInput: an option's value cannot be used.
    """
    for option in ("network", "user", "working_dir"):
        value = params[option] or ""
        if value.startswith("-") or not value.isprintable():
            raise InvalidInput("Not a usable value", subject=f"{option}: {value[:80]!r}")
    for volume in params["volumes"]:
        if ":" not in volume or volume.startswith("-") or not volume.isprintable():
            raise InvalidInput(
                "Not a mount", subject=f"volumes: {volume[:120]!r}", expected="source:destination[:options]"
            )
    return RunRequest(
        image=Reference.parse(params["image"]),
        namespace=validate_namespace(params["namespace"]),
        command=tuple(plain_text(word, f"command: {word[:80]!r}") for word in params["command"]),
        entrypoint=None if params["entrypoint"] is None else plain_text(params["entrypoint"], "entrypoint"),
        network=params["network"] or "",
        pull=params["pull"],
        env={str(key): option_text(value, f"env: {key}") for key, value in params["env"].items()},
        volumes=tuple(params["volumes"]),
        user=params["user"] or "",
        working_dir=params["working_dir"] or "",
    )


def skip_reason(params: t.Mapping[str, t.Any]) -> str:
    """Return why nothing has to be run; empty if something has."""
    if params["creates"] and os.path.exists(params["creates"]):
        return f"{params['creates']} exists"
    if params["removes"] and not os.path.exists(params["removes"]):
        return f"{params['removes']} does not exist"
    return ""


if __name__ == "__main__":
    main()
