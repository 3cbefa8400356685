#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: nerdctl_full
short_description: Install, switch, roll back or remove the archive nerdctl-full
version_added: "1.0.0"
description:
  - Installs containerd, nerdctl, BuildKit, runc and the CNI plugins out of the archive C(nerdctl-full) of the nerdctl
    releases, as a I(generation) beside those that are there, and lets it serve by one rename.
  - A run that is ended at any point leaves the generation that served before, or the new one, never a mixture of both.
    What such a run leaves behind is removed by the next one.
  - Nothing is installed unverified. The archive must have O(checksum), and each of its files the checksum in the
    archive's own list. An archive with a name, a link or a file that reaches outside is refused.
  - On a node whose containerd is somebody else's, only commands are linked that shadow nothing,
    and never containerd, its shims or runc. RV(not_linked) says what was left out and why.
  - No service is started, stopped or restarted. RV(restarts_needed) names those that run another program than the
    one that is installed now.
author:
  - Nephoran contributors (@nephoran)
options:
  state:
    description:
      - V(present) lets the generation of O(version) and O(checksum) serve, and installs it first
        if the node does not have it.
      - V(absent) removes all generations, and every link to them. Files that this module did not lay down stay.
        Of the options below, only O(prefix), O(cni_bin_dirs), O(config), O(force) and O(timeout) matter then.
      - V(rolled_back) lets the generation serve again that served before the present one, which stays on the node.
        RV(generation) and RV(previous_generation) say which they are. The task fails if there is none. It is done once,
        so that another run of it changes nothing until another generation was installed or switched to.
        Of the options below, only O(prefix), O(cni_bin_dirs), O(address), O(config) and O(timeout) matter then.
    type: str
    choices: [present, absent, rolled_back]
    default: present
  version:
    description:
      - nerdctl's version of the archive, without a leading C(v).
      - Required with O(state=present).
    type: str
  checksum:
    description:
      - The archive's checksum, C(sha256:) and 64 hexadecimal digits, as the release's file C(SHA256SUMS) lists it.
      - Required with O(state=present).
    type: str
  src:
    description:
      - The archive as a file, on the controller unless O(remote_src=true).
      - It is read, and sent to the node, only if the node does not have the generation yet.
      - Without O(src) and O(url), the generation must be on the node already.
    type: path
  remote_src:
    description:
      - Whether O(src) is on the node.
    type: bool
    default: false
  url:
    description:
      - Where the node fetches the archive from, over HTTP or HTTPS, if it does not have the generation yet.
      - Proxies are taken from the task's environment. User information in the address is never shown.
      - A server that is busy or fails is asked up to five times, with growing pauses.
    type: str
  overlays:
    description:
      - Single components that take the place of the archive's, such as a containerd with a fix for which there is no
        archive yet. Each comes from the release of its own project.
      - What results is a generation of its own, under the same O(version). Its list of checksums covers what was laid
        over it, and C(share/doc/nerdctl-full/overlays.json) in it says what that was.
    type: list
    elements: dict
    default: []
    suboptions:
      component:
        description:
          - What it is. V(containerd), V(buildkit), V(cni) and V(nerdctl) are the archives C(.tar.gz) or C(.tgz) of
            their releases, V(runc) is the program itself.
        type: str
        choices: [buildkit, cni, containerd, nerdctl, runc]
        required: true
      version:
        description:
          - Its version, without a leading C(v). It is what RV(components), RV(advisories) and later tasks say.
        type: str
        required: true
      checksum:
        description:
          - The checksum of its archive, C(sha256:) and 64 hexadecimal digits, as its release lists it.
        type: str
        required: true
      src:
        description:
          - The archive as a file, as O(src).
        type: path
      remote_src:
        description:
          - Whether O(overlays[].src) is on the node.
        type: bool
        default: false
      url:
        description:
          - Where the node fetches it from, as O(url).
        type: str
  prefix:
    description:
      - Commands are linked in C(bin) below this folder, CNI plugins in C(libexec/cni).
        Generations lie in C(lib/nerdctl-full/generations).
    type: path
    default: /usr/local
  keep:
    description:
      - How many generations stay, the one that serves included.
        Others are removed, those that served longest ago first.
      - A generation stays in any case while a process runs from it or a container needs it. RV(kept) says why.
    type: int
    default: 2
  cni_bin_dirs:
    description:
      - Folders that the CNI plugins are linked into as well. A file or a link of somebody else in there stays as it is.
    type: list
    elements: path
    default:
      - /opt/cni/bin
  address:
    description:
      - containerd's socket, by which the containerd of this node is found.
      - If not given, the environment variable E(CONTAINERD_ADDRESS) on the node is used if it is set,
        else V(/run/containerd/containerd.sock).
    type: path
  allow_downgrade:
    description:
      - Whether a version may take the place of a newer one.
    type: bool
    default: false
  take_over:
    description:
      - Whether an installation that somebody made by unpacking an archive C(nerdctl-full) over O(prefix) is taken over.
      - It becomes a generation of its own, to which O(state=rolled_back) leads back. Then links take the place of its
        commands and CNI plugins. At every moment each of them is what it was, or what O(version) brings.
      - Whatever gives way has the checksum that the list of that archive, below C(share/doc/nerdctl-full), has for it.
        If a program has another one, the task fails and changes nothing.
      - A containerd that runs from such a file counts as this installation's own from then on.
      - Without this option it is somebody else's, and nothing is put in its place.
    type: bool
    default: false
  advisories:
    description:
      - What it means that the generation's containerd, runc or BuildKit has known vulnerabilities. RV(advisories) lists
        them in any case. A containerd and a runc that are not linked, since the node has somebody else's, do not count.
      - V(warn) warns. V(fail) fails before anything serves that did not, and V(ignore) says nothing.
        With O(state=rolled_back), V(fail) warns.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  config:
    description:
      - nerdctl's configuration, which is written or removed in the same step, after everything else. What could keep it
        from that is said before anything is changed.
      - It is the set C(nerdctl) of M(nephoran.container_build.config_files), which does the same by itself.
    type: dict
    suboptions:
      path:
        description:
          - Where the file belongs. A link is not followed, but refused.
        type: path
        required: true
      content:
        description:
          - What stands in it. Without this, a file that an earlier run wrote is removed.
        type: str
      marker:
        description:
          - What the file begins with. A file at O(config.path) that begins with it counts as written by an earlier run,
            though no record says so.
        type: str
  force:
    description:
      - With O(state=absent), remove the installation although containers or services run from it.
    type: bool
    default: false
  timeout:
    description:
      - How long to wait for another run of this module on the node, in seconds.
    type: int
    default: 300
extends_documentation_fragment:
  - action_common_attributes
  - action_common_attributes.conn
  - action_common_attributes.flow
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.action_group
attributes:
  action:
    support: full
  async:
    support: none
    details:
      - Files of the controller are sent by the task itself.
  become:
    support: full
  bypass_host_loop:
    support: none
  check_mode:
    support: full
  connection:
    support: full
  delegation:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: linux
    support: full
seealso:
  - name: Role nephoran.container_build.nerdctl_full
    description: Applies this module with the checksums of known releases, and renders nerdctl's configuration.
    link: https://github.com/nephoran/container_build/blob/main/roles/nerdctl_full/README.md
  - module: nephoran.container_build.toolchain_info
"""

EXAMPLES = r"""
- name: Install from a file on the controller
  nephoran.container_build.nerdctl_full:
    version: 2.2.1
    src: /srv/archives/nerdctl-full-2.2.1-linux-amd64.tar.gz
    checksum: sha256:cf4720a290f098f1a66d34a1b2e1d3736c9014fceca737861fb7a069c66c01c2
  become: true

- name: Install from a mirror
  nephoran.container_build.nerdctl_full:
    version: 2.2.1
    url: https://mirror.example.com/nerdctl-full-2.2.1-linux-arm64.tar.gz
    checksum: sha256:2c4b97312acd41c4dfe80db6e82592367b3862b5db4c51ce67a6d79bf6ee00ee
  become: true

- name: Go back to a certain generation that is still on the node
  nephoran.container_build.nerdctl_full:
    version: 2.2.1
    checksum: sha256:cf4720a290f098f1a66d34a1b2e1d3736c9014fceca737861fb7a069c66c01c2
    allow_downgrade: true
  become: true

- name: Lay a newer containerd over the archive
  nephoran.container_build.nerdctl_full:
    version: 2.2.1
    src: /srv/archives/nerdctl-full-2.2.1-linux-amd64.tar.gz
    checksum: sha256:cf4720a290f098f1a66d34a1b2e1d3736c9014fceca737861fb7a069c66c01c2
    overlays:
      - component: containerd
        version: 2.2.5
        src: /srv/archives/containerd-2.2.5-linux-amd64.tar.gz
        checksum: "{{ containerd_checksum }}"
  become: true

- name: Take the last upgrade back
  nephoran.container_build.nerdctl_full:
    state: rolled_back
  become: true

- name: Remove everything
  nephoran.container_build.nerdctl_full:
    state: absent
  become: true
"""

RETURN = r"""
generation:
  description: Name of the generation that serves, V(null) if none does.
  returned: success
  type: str
  sample: 2.2.1-cf4720a290f0
version:
  description: nerdctl's version in it.
  returned: success
  type: str
  sample: 2.2.1
components:
  description:
    - The version of each component of it, by its name in the archive's C(README.md).
    - Empty in check mode while the generation is not on the node.
  returned: success
  type: dict
  sample: {nerdctl: 2.2.1, containerd: 2.2.5, runc: 1.4.0, CNI plugins: 1.9.0, BuildKit: 0.26.3}
previous_generation:
  description: Name of the generation that served before the task, V(null) if none did.
  returned: success
  type: str
  sample: null
commands:
  description:
    - Names of the commands that are linked.
    - Empty in check mode while the generation is not on the node, since nobody has looked into the archive then.
  returned: success
  type: list
  elements: str
  sample: [buildctl, buildkitd, containerd, containerd-shim-runc-v2, ctr, nerdctl, runc]
not_linked:
  description: Links that were not made because something else is there, or because they would shadow what a node needs.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where the link would be.
      type: str
    reason:
      description: Why it is not.
      type: str
  sample:
    - path: /opt/cni/bin/bridge
      reason: a file of somebody else is there
kept:
  description: Generations that are more than O(keep) and stay nevertheless.
  returned: success
  type: list
  elements: dict
  contains:
    generation:
      description: Its name.
      type: str
    reason:
      description: What needs it.
      type: str
  sample: []
restarts_needed:
  description: >-
    Services of the node that run another program than the one that is installed now, by the names of their units.
  returned: success
  type: list
  elements: str
  sample: [buildkit, containerd]
containerd:
  description: Whose containerd the node runs.
  returned: unless O(state=absent)
  type: dict
  contains:
    owner:
      description: V(none), V(ours) if it runs from a generation, or V(foreign).
      type: str
    running:
      description: Whether it serves now.
      type: bool
    socket:
      description: The socket that it serves.
      type: str
    pid:
      description: Its process.
      type: int
    exe:
      description: Its program.
      type: str
    version:
      description: Its version.
      type: str
    unit:
      description: The systemd service that it is.
      type: str
    package:
      description: The distribution's package that it is from.
      type: str
    provider:
      description: >-
        Who brought a foreign one: V(distribution), V(docker), V(k3s), V(rke2), V(microk8s), V(k0s),
        or V(unpacked) if no package has it.
      type: str
    named_by:
      description:
        - The file by which a kubelet or Docker is told to use this socket. V(null) if none is.
        - Looked at are C(/var/lib/kubelet/kubeadm-flags.env), C(/var/lib/kubelet/config.yaml), C(/etc/default/kubelet),
          C(/etc/sysconfig/kubelet), C(config.yaml) of k3s and rke2, and C(/etc/docker/daemon.json).
      type: str
  sample:
    owner: ours
    running: true
    socket: /run/containerd/containerd.sock
    pid: 812
    exe: /usr/local/lib/nerdctl-full/generations/2.2.1-cf4720a290f0/bin/containerd
    version: 2.2.1
    unit: containerd.service
    package: null
    provider: null
    named_by: /var/lib/kubelet/config.yaml
advisories:
  description:
    - Known vulnerabilities of the generation, as M(nephoran.container_build.toolchain_info) returns them.
    - V(null) in check mode while the generation is not on the node, since nobody has looked into the archive then.
  returned: unless O(state=absent)
  type: list
  elements: dict
actions:
  description:
    - What was done, or would be, in order.
    - Which links would be made is not known in check mode while the generation is not on the node.
  returned: success
  type: list
  elements: str
  sample:
    - stage 2.2.1-cf4720a290f0
    - link /usr/local/bin (buildctl, buildkitd, containerd, containerd-shim-runc-v2, ctr, nerdctl, runc)
    - switch /usr/local/lib/nerdctl-full/current (nothing → 2.2.1-cf4720a290f0)
error:
  description: What failed, on what, what was expected and what to do, each by itself.
  returned: failure
  type: dict
  sample:
    kind: integrity
    message: "The archive's checksum is wrong: it ends before its end mark, so it was truncated"
    remedy: fetch it again
"""

import os
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import components, parse_checksum
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout, version_of
from ansible_collections.nephoran.container_build.plugins.module_utils._managed_file import ManagedFile
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full import NerdctlFull
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_full_request import (
    Outcome,
    OverlayRequest,
    Request,
    Source,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._overlays import FORMS, Overlay
from ansible_collections.nephoran.container_build.plugins.module_utils._owned_files import (
    RECORD_FOLDER,
    FileSet,
    FileSetPlan,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner

DEFAULT_ADDRESS = "/run/containerd/containerd.sock"
_CONFIG_SET = "nerdctl"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent", "rolled_back"], "default": "present"},
            "version": {"type": "str"},
            "checksum": {"type": "str"},
            "src": {"type": "path"},
            "remote_src": {"type": "bool", "default": False},
            "url": {"type": "str"},
            "overlays": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "component": {"type": "str", "choices": sorted(FORMS), "required": True},
                    "version": {"type": "str", "required": True},
                    "checksum": {"type": "str", "required": True},
                    "src": {"type": "path"},
                    "remote_src": {"type": "bool", "default": False},
                    "url": {"type": "str"},
                },
                "mutually_exclusive": [("src", "url")],
            },
            "prefix": {"type": "path", "default": "/usr/local"},
            "keep": {"type": "int", "default": 2},
            "cni_bin_dirs": {"type": "list", "elements": "path", "default": ["/opt/cni/bin"]},
            "address": {"type": "path", "fallback": (env_fallback, ["CONTAINERD_ADDRESS"])},
            "allow_downgrade": {"type": "bool", "default": False},
            "take_over": {"type": "bool", "default": False},
            "advisories": {"type": "str", "choices": ["warn", "fail", "ignore"], "default": "warn"},
            "config": {
                "type": "dict",
                "options": {
                    "path": {"type": "path", "required": True},
                    "content": {"type": "str"},
                    "marker": {"type": "str"},
                },
            },
            "force": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 300},
        },
        mutually_exclusive=[("src", "url")],
        supports_check_mode=True,
    )
    # If the file cannot be written, what was done before is told with that.
    result: dict[str, t.Any] = {}
    try:
        config = _config(module.params["config"]) if module.params["config"] else None
        # Read first: what is in the way of the file is said before anything is changed.
        plan = config.plan() if config is not None else None
        outcome = _run(module)
        for warning in outcome.warnings:
            module.warn(warning)
        result = _result(outcome, module.params["prefix"])
        if config is not None and plan is not None:
            if not module.check_mode:
                config.apply(plan)
            result = _with_config(result, plan)
    except ContainerBuildError as error:
        module.fail_json(msg=str(error), **error.as_result(), **result)
    else:
        module.exit_json(**result)


def _run(module: AnsibleModule) -> Outcome:
    params = module.params
    layout = Layout(_folder(params["prefix"], "prefix"))
    request = Request(
        version=params["version"],
        checksum=params["checksum"],
        src=params["src"],
        src_on_node=params["remote_src"],
        url=params["url"],
        overlays=tuple(_overlay(given) for given in params["overlays"]),
        keep=params["keep"],
        cni_bin_dirs=tuple(_folder(folder, "cni_bin_dirs") for folder in params["cni_bin_dirs"]),
        address=params["address"] or DEFAULT_ADDRESS,
        allow_downgrade=params["allow_downgrade"],
        take_over=params["take_over"] and params["state"] == "present",
        advisories=params["advisories"],
        force=params["force"],
        timeout=params["timeout"],
    )
    manager = NerdctlFull(layout, request, ModuleRunner(module), check_mode=module.check_mode)
    states = {
        "present": manager.ensure_present,
        "absent": manager.ensure_absent,
        "rolled_back": manager.ensure_rolled_back,
    }
    return states[params["state"]]()


def _overlay(given: dict[str, t.Any]) -> OverlayRequest:
    return OverlayRequest(
        Overlay(given["component"], given["version"], parse_checksum(given["checksum"])),
        Source(given["src"], given["remote_src"], given["url"]),
    )


def _folder(path: str, option: str) -> str:
    """Return *path* in its one spelling: links are recognised by comparing it."""
    if not os.path.isabs(path):
        raise InvalidInput("Not an absolute path", subject=f"{option}: {path}", expected="such as /usr/local")
    return os.path.normpath(path)


def _config(given: dict[str, t.Any]) -> FileSet:
    path = _folder(given["path"], "config.path")
    wanted = (ManagedFile(path, given["content"]),) if given["content"] is not None else ()
    return FileSet(_CONFIG_SET, wanted, paths=(path,), marker=given["marker"], record_folder=RECORD_FOLDER)


def _with_config(result: dict[str, t.Any], plan: FileSetPlan) -> dict[str, t.Any]:
    return {
        **result,
        "changed": result["changed"] or plan.plan.changed,
        "actions": [*result["actions"], *plan.plan.action_lines()],
        "diff": [result["diff"], *plan.diffs],
    }


def _result(outcome: Outcome, prefix: str) -> dict[str, t.Any]:
    layout = Layout(os.path.normpath(prefix))
    result: dict[str, t.Any] = {
        "changed": outcome.plan.changed,
        "generation": outcome.generation,
        "version": version_of(outcome.generation) if outcome.generation else None,
        "components": components(layout.generation(outcome.generation)) if outcome.generation else {},
        "previous_generation": outcome.previous_generation,
        "commands": [os.path.basename(path) for path in outcome.links if os.path.dirname(path) == layout.commands],
        "not_linked": [{"path": skipped.path, "reason": skipped.reason} for skipped in outcome.skipped],
        "kept": [{"generation": name, "reason": reason} for name, reason in sorted(outcome.kept.items())],
        "restarts_needed": list(outcome.restarts_needed),
        "actions": outcome.plan.action_lines(),
        "diff": outcome.plan.diff(layout.base),
    }
    if outcome.owner is not None:
        result["containerd"] = outcome.owner.as_result()
        exposed = outcome.exposed
        result["advisories"] = None if exposed is None else [each.as_result() for each in exposed]
    return result


if __name__ == "__main__":
    main()
