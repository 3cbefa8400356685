#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: bundle
short_description: Put all that an installation without a network needs into one file
version_added: "1.0.0"
description:
  - Writes a bundle, a tar whose first member is a manifest with the size and the sha256 of each of the others.
  - It is written where the task runs, beside its place, and put there by one rename. The same files make the same
    bytes.
  - A bundle that is there is read as a whole, so that one that was damaged is written again.
  - M(nephoran.container_build.bundle_unpack) opens it, and so does C(tar).
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  platform:
    platforms: posix
options:
  path:
    description:
      - The bundle, absolute. Its folder must exist.
    type: path
    required: true
  archives:
    description:
      - Archives C(nerdctl-full), one for each architecture.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description:
          - The file.
        type: path
        required: true
      checksum:
        description:
          - Its checksum, C(sha256:) and 64 hexadecimal digits, as its release lists it.
        type: str
        required: true
      version:
        description:
          - Its version, without a leading C(v).
        type: str
        required: true
      architecture:
        description:
          - The architecture that it is for.
        type: str
        choices: [amd64, arm64]
        required: true
  overlays:
    description:
      - Single components, as O(nephoran.container_build.nerdctl_full#module:overlays).
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description:
          - The file.
        type: path
        required: true
      checksum:
        description:
          - Its checksum, C(sha256:) and 64 hexadecimal digits, as its release lists it.
        type: str
        required: true
      component:
        description:
          - What it is.
        type: str
        choices: [buildkit, cni, containerd, nerdctl, runc]
        required: true
      version:
        description:
          - Its version, without a leading C(v).
        type: str
        required: true
      architecture:
        description:
          - The architecture that it is for.
        type: str
        choices: [amd64, arm64]
        required: true
  packages:
    description:
      - Flat repositories of Debian packages, as M(nephoran.container_build.deb_collect) makes them. One for each
        distribution,
        release and architecture.
    type: list
    elements: dict
    default: []
    suboptions:
      src:
        description:
          - The folder, with the index C(Packages) and the files that it names.
        type: path
        required: true
      distribution:
        description:
          - The distribution, as Ansible's facts call it, such as V(Debian).
        type: str
        required: true
      release:
        description:
          - Its major version, or, for Ubuntu, the year, as Ansible's facts call it.
        type: str
        required: true
      architecture:
        description:
          - The architecture that they are for.
        type: str
        choices: [amd64, arm64]
        required: true
  images:
    description:
      - Archives of images, as M(nephoran.container_build.image_export) writes them.
    type: list
    elements: path
    default: []
  collection:
    description:
      - This collection, as C(ansible-galaxy collection build) writes it or C(ansible-galaxy collection download)
        fetches it.
    type: path
seealso:
  - module: nephoran.container_build.bundle_unpack
  - module: nephoran.container_build.deb_collect
"""

EXAMPLES = r"""
- name: Put an archive and the collection into a bundle
  nephoran.container_build.bundle:
    path: /srv/bundles/toolchain.tar
    archives:
      - src: /srv/archives/nerdctl-full-2.2.1-linux-amd64.tar.gz
        checksum: sha256:cf4720a290f098f1a66d34a1b2e1d3736c9014fceca737861fb7a069c66c01c2
        version: 2.2.1
        architecture: amd64
    collection: /srv/archives/nephoran-container_build-1.0.0.tar.gz
  delegate_to: localhost
"""

RETURN = r"""
path:
  description: The bundle.
  returned: success
  type: str
checksum:
  description: The bundle's checksum. In check mode, that of the bundle that is there, and empty if there is none.
  returned: success
  type: str
  sample: sha256:5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9
members:
  description: What is in it.
  returned: success
  type: list
  elements: dict
  contains:
    path:
      description: Where, in the bundle.
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
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle import (
    Source,
    bundle_digest,
    plan_bundle,
    write_bundle,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._bundle_sources import (
    archive_source,
    collection_source,
    images_source,
    overlay_source,
    package_sources,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import errors_reported
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

_SRC: t.Mapping[str, t.Any] = {"type": "path", "required": True}
_TEXT: t.Mapping[str, t.Any] = {"type": "str", "required": True}
_ARCHITECTURE: t.Mapping[str, t.Any] = {"type": "str", "required": True, "choices": ["amd64", "arm64"]}
_COMPONENT = {"type": "str", "required": True, "choices": ["buildkit", "cni", "containerd", "nerdctl", "runc"]}
_ARCHIVE = {"src": _SRC, "checksum": _TEXT, "version": _TEXT, "architecture": _ARCHITECTURE}
_PACKAGES = {"src": _SRC, "distribution": _TEXT, "release": _TEXT, "architecture": _ARCHITECTURE}
ARGUMENTS: t.Mapping[str, t.Any] = {
    "path": _SRC,
    "archives": {"type": "list", "elements": "dict", "default": [], "options": _ARCHIVE},
    "overlays": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {**_ARCHIVE, "component": _COMPONENT},
    },
    "packages": {"type": "list", "elements": "dict", "default": [], "options": _PACKAGES},
    "images": {"type": "list", "elements": "path", "default": []},
    "collection": {"type": "path"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=dict(ARGUMENTS), supports_check_mode=True)
    with errors_reported(module):
        module.exit_json(**make_bundle(module))


def make_bundle(module: AnsibleModule) -> dict[str, t.Any]:
    """Write the bundle unless it is there, outside check mode, and return the module's result."""
    path = module.params["path"]
    if not os.path.isabs(path) or not os.path.isdir(os.path.dirname(path)):
        raise InvalidInput(
            "Not a place for a bundle", subject=path, expected="an absolute path in a folder that exists"
        )
    sources = gather(module.params)
    if not sources:
        raise InvalidInput("Nothing is to go into the bundle", subject=path, remedy="name archives, packages or images")
    plan = plan_bundle(path, sources)
    if plan.changed and not module.check_mode:
        write_bundle(path, sources)
    return {
        "changed": plan.changed,
        "path": path,
        "checksum": f"sha256:{bundle_digest(path)}" if os.path.isfile(path) else "",
        "members": [source.member.as_dict() for source in sources],
        "actions": plan.action_lines(),
        "diff": plan.diff(path),
    }


def gather(options: t.Mapping[str, t.Any]) -> list[Source]:
    """Return what the options name, each part proven."""
    sources = [archive_source(**entry) for entry in options["archives"]]
    sources += [overlay_source(**entry) for entry in options["overlays"]]
    for entry in options["packages"]:
        place = {key: value for key, value in entry.items() if key != "src"}
        sources += package_sources(entry["src"], **place)
    sources += [images_source(path) for path in options["images"]]
    if options["collection"]:
        sources.append(collection_source(options["collection"]))
    known = [(source.member.details["architecture"]) for source in sources if source.member.kind == "archive"]
    if len(set(known)) != len(known):
        raise InvalidInput(
            "Two archives are for the same architecture",
            subject=", ".join(known),
            expected="one for each",
            remedy="make a bundle for each version",
        )
    return sources


if __name__ == "__main__":
    main()
