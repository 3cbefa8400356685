#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: builder_prune
short_description: Remove what builds no longer need from BuildKit's cache
version_added: "1.0.0"
description:
  - Removes records from the cache of a BuildKit daemon. What a build uses at the moment always stays, and so does what
    an image uses, unless O(all) is set.
  - Check mode says which records would go. It follows BuildKit's own rules over BuildKit's own list of records.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
attributes:
  check_mode:
    support: full
    details:
      - With O(keep_storage), BuildKit removes one record after the other. Of two that were used equally often and at
        the same time, which one goes is up to chance.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - With O(keep_duration), a later run may find more that is old enough.
  platform:
    platforms: linux
options:
  buildkit_host:
    description:
      - The daemon's address, C(unix:///path) or C(tcp://host:port).
      - If not given, the first socket that exists of C(/run/buildkit-NAMESPACE/buildkitd.sock),
        C(/run/buildkit-default/buildkitd.sock) and C(/run/buildkit/buildkitd.sock).
    type: str
  namespace:
    description:
      - The namespace whose daemon is looked for if O(buildkit_host) is not given.
    type: str
    default: default
  filters:
    description:
      - Remove only records that one of these filters of BuildKit matches. C(type==exec.cachemount) are caches of
        C(RUN --mount=type=cache), C(type==source.local) are copies of contexts, C(id==…) is one record. Conditions with
        commas between them must all hold.
    type: list
    elements: str
    default: []
  all:
    description:
      - Whether to remove what BuildKit keeps for itself and what images use, too. The images stay.
    type: bool
    default: false
  keep_duration:
    description:
      - Leave what builds used within this time, such as V(90m), V(48h) or V(7d). A number alone means seconds.
    type: str
  keep_storage:
    description:
      - Remove no more once the cache takes less than this, such as V(10GB). K, M and G are powers of 1024.
    type: str
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
  - The role P(nephoran.container_build.buildkit#role) sets limits that BuildKit keeps by itself.
seealso:
  - module: nephoran.container_build.builder_info
  - module: community.docker.docker_prune
"""

EXAMPLES = r"""
- name: Remove what no build used for a week
  nephoran.container_build.builder_prune:
    keep_duration: 7d

- name: Make room, and begin with what was used least
  nephoran.container_build.builder_prune:
    keep_storage: 20GB

- name: Remove the caches of package managers
  nephoran.container_build.builder_prune:
    filters: type==exec.cachemount
"""

RETURN = r"""
buildkit_host:
  description: The daemon's address.
  returned: success
  type: str
  sample: unix:///run/buildkit/buildkitd.sock
pruned:
  description: The records that are gone, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The record's id.
      type: str
    kind:
      description: What it was for. BuildKit's filters know it as C(type).
      type: str
    description:
      description: The step that made it.
      type: str
    size:
      description: Bytes on the disk.
      type: int
    shared:
      description: Whether an image uses the same data, so that nothing was freed.
      type: bool
    last_used_at:
      description: When a build last used it. Empty if none did.
      type: str
bytes_freed:
  description: The bytes that this freed, or would free in check mode.
  returned: success
  type: int
command:
  description: The command line that pruned the cache. Empty in check mode.
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

import re
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible_collections.nephoran.container_build.plugins.module_utils._build_cache import CacheRecord, PruneRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import Buildctl
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl_cache import BuildctlCache
from ansible_collections.nephoran.container_build.plugins.module_utils._builder_prune import prune_builder
from ansible_collections.nephoran.container_build.plugins.module_utils._buildkit_host import buildkit_host
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import errors_reported
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

ARGUMENTS: t.Mapping[str, t.Any] = {
    "buildkit_host": {"type": "str"},
    "namespace": {"type": "str", "default": "default"},
    "filters": {"type": "list", "elements": "str", "default": []},
    "all": {"type": "bool", "default": False},
    "keep_duration": {"type": "str"},
    "keep_storage": {"type": "str"},
    "timeout": {"type": "int"},
}

_DURATION = re.compile(r"([0-9]+)([smhdw]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
# The longest time that BuildKit can count, in nanoseconds, is 292 years.
_LONGEST_SECONDS = 9_000_000_000


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        params = module.params
        request = read_request(params)
        timeout = positive_timeout(params["timeout"])
        host = buildkit_host(params["buildkit_host"], validate_namespace(params["namespace"]))
        cache = BuildctlCache(Buildctl(ModuleRunner(module), host), timeout)
        pruned = prune_builder(cache, host, request, check=module.check_mode)
        module.exit_json(
            changed=pruned.plan.changed,
            buildkit_host=host,
            pruned=[describe(record) for record in pruned.records],
            bytes_freed=pruned.freed,
            command=list(pruned.command),
            actions=pruned.plan.action_lines(),
            diff=pruned.plan.diff("BuildKit's cache"),
        )


def read_request(params: t.Mapping[str, t.Any]) -> PruneRequest:
    """Return what the options ask for.

    Raises:
        InvalidInput: an option's value cannot be used.
    """
    for given in params["filters"]:
        if not given or given.startswith("-") or not given.isprintable():
            raise InvalidInput("Not a filter of BuildKit", subject=f"filters: {given[:120]!r}")
    return PruneRequest(
        filters=tuple(params["filters"]),
        everything=params["all"],
        keep_seconds=read_duration(params["keep_duration"]),
        keep_bytes=read_size(params["keep_storage"]),
    )


def read_duration(text: str | None) -> int:
    """Return the seconds that *text* means; 0 if it is not given.

    Raises:
        InvalidInput: it is no duration.
    """
    if text is None:
        return 0
    match = _DURATION.fullmatch(text)
    seconds = int(match[1]) * _SECONDS[match[2]] if match and len(match[1]) < 12 else 0
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise InvalidInput(
            "Not a duration", subject=f"keep_duration: {text[:80]!r}", expected="a number with s, m, h, d or w: 48h"
        )
    return seconds


def read_size(text: str | None) -> int | None:
    """Return the bytes that *text* means; ``None`` if it is not given.

    Raises:
        InvalidInput: it is no size.
    """
    if text is None:
        return None
    try:
        size = int(human_to_bytes(text))
    except ValueError:
        size = 0
    if not 0 < size < 2**63:
        raise InvalidInput(
            "Not a size", subject=f"keep_storage: {text[:80]!r}", expected="a number above 0 with a unit: 10GB"
        )
    return size


def describe(record: CacheRecord) -> dict[str, t.Any]:
    """Return what the result tells of a record."""
    return {
        "id": record.id,
        "kind": record.kind,
        "description": record.description,
        "size": record.size,
        "shared": record.shared,
        "last_used_at": record.last_used_at,
    }


if __name__ == "__main__":
    main()
