#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: toolchain_info
short_description: Look at containerd, nerdctl, BuildKit and buildah on a node
version_added: "1.0.0"
description:
  - Tells which tools the node has, which services run, who serves containerd's socket,
    and which generation of the archive C(nerdctl-full) is installed.
  - Whatever the node does not have is V(null), not an error.
  - Compares, on request, what is installed and what runs with the checksums that the archive came with,
    and tells the known vulnerabilities of what is installed.
author:
  - Nephoran contributors (@nephoran)
options:
  address:
    description:
      - containerd's socket.
      - If not given, the environment variable E(CONTAINERD_ADDRESS) on the node is used if it is set,
        else V(/run/containerd/containerd.sock).
    type: path
  buildkit_address:
    description:
      - BuildKit's socket.
    type: path
    default: /run/buildkit/buildkitd.sock
  prefix:
    description:
      - The folder below which M(nephoran.container_build.nerdctl_full) installed. Its C(bin) is looked into first.
    type: path
    default: /usr/local
  cni_bin_dirs:
    description:
      - Folders of CNI plugins, besides C(libexec/cni) below O(prefix), which is looked into first.
    type: list
    elements: path
    default:
      - /opt/cni/bin
  drift:
    description:
      - Whether to read every file of the generation that serves, and every program of it that runs, and to compare them
        with the list of checksums that the archive came with. That takes about a second.
    type: bool
    default: false
  timeout:
    description:
      - How long one program may take to tell its version, in seconds.
    type: int
    default: 30
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.action_group
  - nephoran.container_build.attributes.info_module
attributes:
  platform:
    platforms: linux
    support: full
notes:
  - The task needs root (C(become=true)), since containerd's socket belongs to root.
seealso:
  - module: nephoran.container_build.nerdctl_full
"""

EXAMPLES = r"""
- name: Look at the toolchain
  nephoran.container_build.toolchain_info:
  become: true
  register: toolchain

- name: Say who runs containerd
  ansible.builtin.debug:
    msg: "containerd {{ toolchain.containerd.version }} of {{ toolchain.containerd.provider or 'this collection' }}"
  when: toolchain.containerd.running

- name: Compare the files and the processes with the archive
  nephoran.container_build.toolchain_info:
    drift: true
  become: true
  register: toolchain

- name: Fail if anything was changed by hand, or still runs from before an upgrade
  ansible.builtin.assert:
    that:
      - toolchain.drift.values() | flatten | length == 0
      - toolchain.running | rejectattr('is_installed') | length == 0
"""

RETURN = r"""
tools:
  description:
    - The programs by name. Besides commands, V(cni) stands for the CNI plugins.
    - A program that the node does not have is V(null). Its version is V(null) if it cannot be started.
  returned: success
  type: dict
  sample:
    nerdctl: {path: /usr/local/bin/nerdctl, version: 2.2.1}
    containerd: {path: /usr/local/bin/containerd, version: 2.2.1}
    ctr: {path: /usr/local/bin/ctr, version: 2.2.1}
    buildctl: {path: /usr/local/bin/buildctl, version: 0.26.3}
    buildkitd: {path: /usr/local/bin/buildkitd, version: 0.26.3}
    runc: {path: /usr/local/bin/runc, version: 1.4.0}
    buildah: null
    rootlesskit: {path: /usr/local/bin/rootlesskit, version: 2.3.6}
    cni: {path: /usr/local/libexec/cni/bridge, version: 1.9.0}
containerd:
  description: Whose containerd the node runs, or would run if the installed service were started.
  returned: success
  type: dict
  contains:
    owner:
      description: V(none), V(ours) if it runs from a generation below O(prefix), or V(foreign).
      type: str
    running:
      description: Whether it serves now.
      type: bool
    socket:
      description: The socket that it serves. If nobody serves O(address), it is the one
        that a kubelet or Docker is told to use, or another known one.
      type: str
    pid:
      description: Its process.
      type: int
    exe:
      description: Its program.
      type: str
    version:
      description: The version of the running daemon, or of the program if none runs.
      type: str
    unit:
      description: The systemd service that it is.
      type: str
    package:
      description: The distribution's package that a foreign one is from.
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
    owner: foreign
    running: true
    socket: /run/containerd/containerd.sock
    pid: 423
    exe: /usr/bin/containerd
    version: 1.7.24~ds1
    unit: containerd.service
    package: containerd
    provider: distribution
    named_by: /var/lib/kubelet/kubeadm-flags.env
units:
  description: >-
    The services C(containerd), C(buildkit) and C(buildkit-rootless), V(null) where there is no such unit, and each
    C(buildkit@NAMESPACE) that there is.
  returned: success
  type: dict
  contains:
    containerd:
      description: The service C(containerd.service). The others have the same keys.
      type: dict
      contains:
        name:
          description: The unit.
          type: str
        load_state:
          description: Whether its file could be read, as systemd names it.
          type: str
        active_state:
          description: Whether it runs, as systemd names it.
          type: str
        sub_state:
          description: More of that.
          type: str
        main_pid:
          description: Its main process, V(null) while it has none.
          type: int
        restarts:
          description: How often systemd restarted it by itself.
          type: int
        fragment_path:
          description: Its file.
          type: str
        executable:
          description: The program that it starts.
          type: str
  sample:
    buildkit: null
    buildkit-rootless: null
    containerd:
      name: containerd.service
      load_state: loaded
      active_state: active
      sub_state: running
      main_pid: 812
      restarts: 0
      fragment_path: /usr/local/lib/systemd/system/containerd.service
      executable: /usr/local/bin/containerd
sockets:
  description: The sockets O(address) and O(buildkit_address), and whether somebody listens on them.
  returned: success
  type: dict
  sample:
    containerd: {path: /run/containerd/containerd.sock, exists: true, serving: true, pid: 812}
    buildkit: {path: /run/buildkit/buildkitd.sock, exists: false, serving: false, pid: null}
generation:
  description: The generation that serves, and all that are installed. V(null) if there are none.
  returned: success
  type: dict
  contains:
    name:
      description: Its name.
      type: str
    version:
      description: nerdctl's version in it.
      type: str
    path:
      description: Its folder.
      type: str
    components:
      description: The version of each component, as the archive's C(README.md) states it.
      type: dict
    installed:
      description: The names of all generations, the one that served last first.
      type: list
      elements: str
  sample:
    name: 2.2.1-cf4720a290f0
    version: 2.2.1
    path: /usr/local/lib/nerdctl-full/generations/2.2.1-cf4720a290f0
    components: {nerdctl: 2.2.1, containerd: 2.2.1, runc: 1.4.0, CNI plugins: 1.9.0, BuildKit: 0.26.3}
    installed: [2.2.1-cf4720a290f0]
advisories:
  description:
    - Known vulnerabilities of containerd, runc, BuildKit and buildah as they are on the node.
      That none is listed says nothing about versions of other branches than those that the collection installs.
    - For a distribution's package, those are left out that its changelog on the node names.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: Its number, or where it is told of if it has none.
      type: str
    component:
      description: V(containerd), V(runc), V(buildkit) or V(buildah).
      type: str
    version:
      description: The version on the node. That of containerd is the one that runs.
      type: str
    package:
      description: The distribution's package that it is from. Its changelog does not name the advisory.
      type: str
    affected:
      description: The versions that have it, as far as is known.
      type: str
    fixed:
      description: The first version without it.
      type: str
    summary:
      description: What it is about.
      type: str
    mitigation:
      description: What helps besides a newer version, as a line of containerd's configuration. V(null) if nothing does.
      type: str
    mitigated:
      description: Whether the running containerd does so. V(null) if there is nothing to do, or none runs.
      type: bool
  sample:
    - id: CVE-2026-53488
      component: containerd
      version: 2.2.1
      package: null
      affected: ">=2.2.0, <2.2.5"
      fixed: 2.2.5
      summary: a label of an image becomes a command of the node's root
      mitigation: "disabled_plugins: [io.containerd.monitor.container.v1.restart]"
      mitigated: false
advisories_as_of:
  description: The day of the table that RV(advisories) is from.
  returned: success
  type: str
  sample: "2026-11-24"
drift:
  description:
    - The files of the generation that serves which are not as the archive's list of checksums says.
    - V(null) if there is no generation.
  returned: with O(drift=true)
  type: dict
  contains:
    changed:
      description: Those with another content.
      type: list
      elements: str
    missing:
      description: Those that are gone.
      type: list
      elements: str
    added:
      description: Those that are not listed.
      type: list
      elements: str
  sample: {changed: [bin/runc], missing: [], added: []}
running:
  description: The daemons and shims that run.
  returned: with O(drift=true)
  type: list
  elements: dict
  contains:
    pid:
      description: The process.
      type: int
    program:
      description: The name of the program.
      type: str
    path:
      description: The file that it was started from, whether or not that is still there.
      type: str
    sha256:
      description: The checksum of the program that it runs, read through the process.
      type: str
    generation:
      description: The generation that the file lies in. V(null) if in none.
      type: str
    expected:
      description: The checksum of the program of that name in the generation that serves. V(null) if it has none.
      type: str
    is_installed:
      description: Whether both are the same.
      type: bool
    unit:
      description: The systemd service that the process belongs to. V(null) if to none.
      type: str
"""

import os

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    ContainerBuildError,
    InvalidInput,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._generation import Layout
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner
from ansible_collections.nephoran.container_build.plugins.module_utils._toolchain_info import Places, Toolchain

DEFAULT_ADDRESS = "/run/containerd/containerd.sock"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "address": {"type": "path", "fallback": (env_fallback, ["CONTAINERD_ADDRESS"])},
            "buildkit_address": {"type": "path", "default": "/run/buildkit/buildkitd.sock"},
            "prefix": {"type": "path", "default": "/usr/local"},
            "cni_bin_dirs": {"type": "list", "elements": "path", "default": ["/opt/cni/bin"]},
            "drift": {"type": "bool", "default": False},
            "timeout": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    params = module.params
    places = Places(
        layout=Layout(os.path.normpath(params["prefix"])),
        address=params["address"] or DEFAULT_ADDRESS,
        buildkit_address=params["buildkit_address"],
        cni_bin_dirs=tuple(params["cni_bin_dirs"]),
    )
    try:
        if params["timeout"] <= 0:
            raise InvalidInput(
                "Not a time limit", subject=f"timeout: {params['timeout']}", expected="1 or more seconds"
            )
        result = Toolchain(places, ModuleRunner(module), params["timeout"]).look(drift=params["drift"])
    except ContainerBuildError as error:
        module.fail_json(msg=str(error), **error.as_result())
    else:
        module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
