#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle_unpack
short_description: Prove a bundle and unpack it
version_added: "1.0.0"
description:
  - Unpacks a bundle that M(nephoran.container_build.bundle) wrote, where the task runs, and tells what is in it.
  - Each member must have the size and the sha256 that the bundle's manifest gives it, and nothing else may be there. A
    bundle
    that fails this is refused as a whole.
  - What is in it comes to lie in a folder that is named by the bundle's sha256, and appears there by one rename. What
    an
    earlier run left there is proven again, and unpacked again if a file has changed.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
attributes:
  check_mode:
    support: full
    details:
      - A bundle that is not unpacked yet is unpacked in check mode as well, since tasks that follow look into it.
  diff_mode:
    support: none
  idempotent:
    support: full
  platform:
    platforms: posix
options:
  path:
    description:
      - The bundle.
    type: path
    required: true
  checksum:
    description:
      - The bundle's checksum, C(sha256:) and 64 hexadecimal digits. If not given, the manifest proves that the bundle
        is whole,
        but not who made it.
    type: str
  folder:
    description:
      - Bundles are unpacked into folders below this one, which only this user may enter. It is made if it is missing.
    type: path
    required: true
seealso:
  - module: nephoran.container_build.bundle
"""

EXAMPLES = r"""
- name: Open a bundle on the controller
  nephoran.container_build.bundle_unpack:
    path: /srv/bundles/toolchain.tar
    folder: ~/.cache/nephoran-bundles
  delegate_to: localhost
  run_once: true
  register: opened
"""

RETURN = r"""
folder:
  description: Where the members are.
  returned: success
  type: str
checksum:
  description: The bundle's checksum.
  returned: success
  type: str
members:
  description: What is in it.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where, in the bundle.
      type: str
    src:
      description: Where it lies now.
      type: str
    size:
      description: Its bytes.
      type: int
    sha256:
      description: Its hash.
      type: str
    kind:
      description: V(archive), V(overlay), V(package), V(package_index), V(images) or V(collection).
      type: str
    architecture:
      description: The architecture that it is for, where there is one.
      type: str
    version:
      description: The version of an archive, an overlay or the collection.
      type: str
    component:
      description: What an overlay is.
      type: str
    distribution:
      description: The distribution of packages.
      type: str
    release:
      description: The release of that distribution.
      type: str
    digests:
      description: The digests of images, by their names.
      type: dict
    platforms:
      description: The platforms of images.
      type: list
      elements: str
archives:
  description:
    - The archives C(nerdctl-full), by their architectures, as the module M(nephoran.container_build.nerdctl_full) takes
      them.
  returned: success
  type: dict
  sample:
    amd64:
      version: 2.2.1
      checksum: sha256:cf4720a290f098f1a66d34a1b2e1d3736c9014fceca737861fb7a069c66c01c2
      src: /home/operator/opened/5feceb66/archives/amd64/nerdctl-full-2.2.1-linux-amd64.tar.gz
overlays:
  description:
    - The overlays, by their architectures, as the option O(nephoran.container_build.nerdctl_full#module:overlays) takes
      them.
  returned: success
  type: dict
actions:
  description: What was done, one sentence each.
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
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle import (
    PRIVATE_FOLDER_MODE,
    bundle_digest,
    is_unpacked,
    read_members,
    unpack_bundle,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle_manifest import Member
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import errors_reported
from ansible_collections.nephoran.container_build.plugins.module_utils._durable import disk_error, make_directories
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import IntegrityError, Refused
from ansible_collections.nephoran.container_build.plugins.module_utils._full_archive import parse_checksum

ARGUMENTS: t.Mapping[str, t.Any] = {
    "path": {"type": "path", "required": True},
    "checksum": {"type": "str"},
    "folder": {"type": "path", "required": True},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        module.exit_json(**open_bundle(module.params["path"], module.params["checksum"], module.params["folder"]))


def open_bundle(path: str, checksum: str | None, parent: str) -> dict[str, t.Any]:
    """Unpack the bundle unless that is done, and return the module's result."""
    digest = bundle_digest(path)
    if checksum and parse_checksum(checksum).encoded != digest:
        raise IntegrityError(
            "The bundle has another checksum",
            subject=path,
            expected=f"{checksum}; found sha256:{digest}",
            remedy="copy it again from where it was made, or correct the checksum",
        )
    members = read_members(path)
    require_private(parent)
    folder = os.path.join(parent, digest)
    changed = not is_unpacked(folder, members)
    if changed:
        unpack_bundle(path, folder)
    return {
        "changed": changed,
        "folder": folder,
        "checksum": f"sha256:{digest}",
        "archives": {
            member.details["architecture"]: _part(folder, member) for member in members if member.kind == "archive"
        },
        "overlays": _overlays(folder, members),
        "members": [{**member.as_dict(), "src": os.path.join(folder, member.path)} for member in members],
        "actions": [f"unpack {path}"] if changed else [],
    }


def _overlays(folder: str, members: t.Iterable[Member]) -> dict[str, list[dict[str, t.Any]]]:
    found: dict[str, list[dict[str, t.Any]]] = {}
    for member in members:
        if member.kind == "overlay":
            part = {**_part(folder, member), "component": member.details["component"]}
            found.setdefault(member.details["architecture"], []).append(part)
    return found


def _part(folder: str, member: Member) -> dict[str, t.Any]:
    src = os.path.join(folder, member.path)
    return {"version": member.details["version"], "checksum": f"sha256:{member.sha256}", "src": src}


def require_private(folder: str) -> None:
    """Make *folder* if it is missing, and see that nobody else can put anything into it.

    Raises:
        Refused: somebody else can.
        Unavailable: it cannot be made.
    """
    try:
        make_directories(folder, PRIVATE_FOLDER_MODE)
        status = os.stat(folder)
    except OSError as error:
        raise disk_error(error, "making a folder for what is in the bundle", folder) from error
    if status.st_uid != os.geteuid() or status.st_mode & 0o022:
        raise Refused(
            "Others may write to the folder for bundles",
            subject=folder,
            expected="a folder of this user's, which nobody else can write to",
            remedy=f"chmod 0700 {folder}, or name another folder",
        )


if __name__ == "__main__":
    main()
