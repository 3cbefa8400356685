#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: builder_info
short_description: Tell all that is known of BuildKit's daemons
version_added: "1.0.0"
description:
  - Returns for each BuildKit daemon its workers, what its cache takes on the disk, the rules by which it keeps that
    small, and the builds that run at the moment.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.info_module
attributes:
  platform:
    platforms: linux
options:
  buildkit_hosts:
    description:
      - The daemons' addresses, C(unix:///path) or C(tcp://host:port). Each of them must answer.
      - If empty, all that have a socket at C(/run/buildkit/buildkitd.sock) or
        C(/run/buildkit-NAMESPACE/buildkitd.sock). Of those that do not answer, RV(builders[].problem) says why.
    type: list
    elements: str
    default: []
    aliases: [buildkit_host]
  records:
    description:
      - Whether to return the records of the cache one by one, too.
    type: bool
    default: false
  timeout:
    description:
      - How long one call of buildctl may take, in seconds. It is stopped then, and the task fails.
      - Without it, there is no limit.
    type: int
requirements:
  - buildctl (of BuildKit 0.26 or later) on the node;
    the role P(nephoran.container_build.nerdctl_full#role) installs it
notes:
  - The task needs root (C(become=true)), or the group that may use BuildKit's socket.
seealso:
  - module: nephoran.container_build.builder_prune
  - module: nephoran.container_build.toolchain_info
"""

EXAMPLES = r"""
- name: Look at BuildKit
  nephoran.container_build.builder_info:
  register: buildkit

- name: Stop if it builds at the moment
  ansible.builtin.assert:
    that: buildkit.builders | map(attribute='running_builds') | flatten | length == 0
    fail_msg: "{{ buildkit.builders | map(attribute='running_builds') | flatten }}"
"""

RETURN = r"""
builders:
  description: The daemons, in the order of their addresses.
  returned: success
  type: list
  elements: dict
  contains:
    buildkit_host:
      description: The daemon's address.
      type: str
      sample: unix:///run/buildkit/buildkitd.sock
    reachable:
      description: Whether it answers.
      type: bool
    problem:
      description: Why it does not. Empty if it does.
      type: str
    version:
      description: The version of BuildKit. Empty if it does not answer.
      type: str
      sample: v0.26.3
    workers:
      description: Its workers.
      type: list
      elements: dict
      contains:
        id:
          description: The worker's id.
          type: str
        executor:
          description: V(containerd) or V(oci).
          type: str
        namespace:
          description: The namespace of containerd that it builds in. Empty for an OCI worker.
          type: str
        snapshotter:
          description: Where it unpacks.
          type: str
        platforms:
          description: What it can build for.
          type: list
          elements: str
        version:
          description: The version of BuildKit.
          type: str
        gc_policies:
          description: The rules by which it keeps its cache small, in the order in which they apply.
          type: list
          elements: dict
          contains:
            filters:
              description: The records that the rule is for. All if empty.
              type: list
              elements: str
            everything:
              description: Whether it is for what BuildKit keeps for itself, too.
              type: bool
            keep_duration:
              description: Seconds for which it leaves what builds used.
              type: int
            reserved_space:
              description: Bytes below which it removes nothing.
              type: int
            max_used_space:
              description: Bytes above which it removes. 0 if there is no such limit.
              type: int
            min_free_space:
              description: Bytes of the file system that it wants free. 0 if there is no such limit.
              type: int
    cache:
      description: What its cache takes. None if it does not answer.
      type: dict
      contains:
        records:
          description: How many records it has.
          type: int
        size:
          description: Bytes of all of them.
          type: int
        reclaimable:
          description: Bytes that a prune of everything would free, since no build uses and no image shares them.
          type: int
        shared:
          description: Bytes that images use as well.
          type: int
        by_kind:
          description: Bytes by what the records are for.
          type: dict
          sample: {"exec.cachemount": 8192, "regular": 9135000, "source.local": 28672}
    running_builds:
      description: The builds that have not ended, in the order in which they were started.
      type: list
      elements: dict
      contains:
        ref:
          description: BuildKit's name for it.
          type: str
        started_at:
          description: When it was started.
          type: str
        images:
          description: The names that its result is to have.
          type: list
          elements: str
        target:
          description: The stage that it builds. Empty if it is the last one.
          type: str
        platforms:
          description: What it builds for. Empty if it is the daemon's own platform.
          type: list
          elements: str
        steps:
          description: How many steps it has, as far as is known.
          type: int
        completed_steps:
          description: How many of them are done, as far as is known.
          type: int
    records:
      description: The records of its cache. None without O(records).
      type: list
      elements: dict
      contains:
        id:
          description: The record's id.
          type: str
        kind:
          description: What it is for. BuildKit's filters know it as C(type).
          type: str
          sample: exec.cachemount
        description:
          description: The step that made it.
          type: str
        size:
          description: Bytes on the disk.
          type: int
        mutable:
          description: Whether builds write to it.
          type: bool
        in_use:
          description: Whether a build uses it at the moment.
          type: bool
        shared:
          description: Whether an image uses the same data.
          type: bool
        parents:
          description: The ids of the records that it stands on.
          type: list
          elements: str
        created_at:
          description: When it was made.
          type: str
        last_used_at:
          description: When a build last used it. Empty if none did.
          type: str
        usage_count:
          description: How often builds used it.
          type: int
error:
  description: The parts of the message of a failure.
  returned: failure
  type: dict
"""

import dataclasses

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._builder_info import describe_builder
from ansible_collections.nephoran.container_build.plugins.module_utils._buildkit_host import buildkit_host, found_hosts
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import errors_reported
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

ARGUMENTS = {
    "buildkit_hosts": {"type": "list", "elements": "str", "default": [], "aliases": ["buildkit_host"]},
    "records": {"type": "bool", "default": False},
    "timeout": {"type": "int"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    with errors_reported(module):
        params = module.params
        timeout = positive_timeout(params["timeout"])
        given = [buildkit_host(host, "") for host in params["buildkit_hosts"] if host]
        runner = ModuleRunner(module)
        builders = [
            describe_builder(runner, host, timeout, with_records=params["records"], must_answer=bool(given))
            for host in given or found_hosts()
        ]
        module.exit_json(changed=False, builders=[dataclasses.asdict(builder) for builder in builders])


if __name__ == "__main__":
    main()
