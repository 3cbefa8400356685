#!/usr/bin/python
# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: image_import
short_description: Put images into a containerd namespace
version_added: "1.0.0"
description:
  - Makes images available in a namespace of containerd, usually V(k8s.io), where Kubernetes looks for them.
  - They come from another namespace, from an archive, or from buildah's store.
  - Only layers that the namespace lacks move. From namespace to namespace of one containerd not even those are copied,
    so that the time does not depend on the image's size.
  - The image is put together out of everybody's sight, kept by a lease. Its name moves once everything is there,
    in one transaction with its labels, so that a Pod that starts meanwhile finds the old image or the new one.
author:
  - Nephoran contributors (@nephoran)
extends_documentation_fragment:
  - nephoran.container_build.attributes
  - nephoran.container_build.attributes.action_group
  - nephoran.container_build.containerd
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: partial
    details:
      - With O(force=true) the image is put together again every time.
  platform:
    platforms: linux
options:
  name:
    description:
      - The images' names. V(app:v1) means V(docker.io/library/app:v1), as everywhere with containerd and Kubernetes.
      - Required unless O(path) is given. Then all images in the archive that have a name are meant if this is left out,
        and an archive with one image that has none gets this name.
    type: list
    elements: str
  source_namespace:
    description:
      - The namespace to take the images from.
    type: str
    default: default
  path:
    description:
      - An archive on the node to take the images from (C(docker save), C(nerdctl save), C(ctr images export),
        C(buildah push docker-archive:) or C(oci-archive:)), compressed or not, or the folder of an OCI image layout.
    type: path
  buildah:
    description:
      - Whether to take the images from buildah's store.
      - An image that buildah knows as C(localhost/app) is found as V(app) too.
    type: bool
    default: false
  namespace:
    description:
      - The namespace to put the images into.
    type: str
    default: k8s.io
  rename:
    description:
      - New names for images, by the names that they have in their source.
    type: dict
    default: {}
  platform:
    description:
      - The platform that the images must serve, C(os/architecture[/variant]). The node's own if not given.
    type: str
  all_platforms:
    description:
      - Whether to bring all platforms and attestations of the images. The source must hold all of them.
    type: bool
    default: false
  pinned:
    description:
      - Whether the kubelet's image garbage collection must leave the images.
        Without the pin it may delete an image that no registry can give back.
      - If not given, an image that was pinned stays pinned.
    type: bool
  labels:
    description:
      - Labels for containerd's records of the images. Other labels of the records stay.
    type: dict
    default: {}
  unpack:
    description:
      - Whether to unpack the images, which costs as much time as they are large.
      - An image that is not unpacked starts all the same. The CRI plugin unpacks it for its first container.
    type: bool
    default: false
  allow_reserved_labels:
    description:
      - Whether to accept images whose own labels begin with C(containerd.io/) or C(io.cri-containerd).
      - Containerd obeys such labels, and before 2.2.5 one of them runs commands as the node's root (CVE-2026-53488).
    type: bool
    default: false
  force:
    description:
      - Whether to put the images together again though they are there.
    type: bool
    default: false
seealso:
  - module: nephoran.container_build.image_build
  - module: nephoran.container_build.image_info
"""

EXAMPLES = r"""
- name: Hand an image that nerdctl built to Kubernetes
  nephoran.container_build.image_import:
    name: myapp:v1.0
    pinned: true

- name: Hand an image that buildah built to Kubernetes
  nephoran.container_build.image_import:
    name: myapp:v1.0
    buildah: true

- name: Take all images of an archive
  nephoran.container_build.image_import:
    path: /srv/images/release-7.tar

- name: Take an image from an archive under another name
  nephoran.container_build.image_import:
    path: /srv/images/release-7.tar
    name: registry.example.com/team/app:7
    rename:
      registry.example.com/team/app:7: app:current
"""

RETURN = r"""
images:
  description: The names of the images in the namespace, in their full form.
  returned: success
  type: list
  elements: str
  sample: [docker.io/library/myapp:v1.0]
imported:
  description: Those of them that were brought or corrected, or would be in check mode.
  returned: success
  type: list
  elements: str
unchanged:
  description: Those of them that were there as asked.
  returned: success
  type: list
  elements: str
digests:
  description: The digest of each image's target, by the image's name.
  returned: success
  type: dict
  sample: {"docker.io/library/myapp:v1.0": "sha256:98100313ba3cd28de04dba1bfbd0a37781c63d8ceee14fb11ae8436d5c600e5c"}
namespace:
  description: The namespace that the images were put into.
  returned: success
  type: str
bytes_shared:
  description: Bytes of layers that became visible in the namespace without being copied. 0 in check mode.
  returned: success
  type: int
bytes_copied:
  description: Bytes of layers that were written to containerd's store. 0 in check mode.
  returned: success
  type: int
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

import contextlib
import typing as t

import ansible_collections.nephoran.container_build.plugins.module_utils._quick_start  # noqa: F401  # pylint: disable=unused-import
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.nephoran.container_build.plugins.module_utils._containerd_options import (
    CONTAINERD_ARGUMENTS,
    connect,
    errors_reported,
    wanted_platform,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import validate_namespace
from ansible_collections.nephoran.container_build.plugins.module_utils._image_import import (
    ImageImporter,
    ImportRequest,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_origin import (
    Named,
    images_of_buildah,
    images_of_namespace,
    renamed,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._image_source import Moved
from ansible_collections.nephoran.container_build.plugins.module_utils._image_store import ImageStore
from ansible_collections.nephoran.container_build.plugins.module_utils._option_text import option_text
from ansible_collections.nephoran.container_build.plugins.module_utils._plan import merge_plans
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import validate_labels
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import ModuleRunner
from ansible_collections.nephoran.container_build.plugins.module_utils._time_limit import positive_timeout

ARGUMENTS: t.Mapping[str, t.Any] = {
    **CONTAINERD_ARGUMENTS,
    "name": {"type": "list", "elements": "str"},
    "source_namespace": {"type": "str", "default": "default"},
    "path": {"type": "path"},
    "buildah": {"type": "bool", "default": False},
    "namespace": {"type": "str", "default": "k8s.io"},
    "rename": {"type": "dict", "default": {}},
    "platform": {"type": "str"},
    "all_platforms": {"type": "bool", "default": False},
    "pinned": {"type": "bool"},
    "labels": {"type": "dict", "default": {}},
    "unpack": {"type": "bool", "default": False},
    "allow_reserved_labels": {"type": "bool", "default": False},
    "force": {"type": "bool", "default": False},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=dict(ARGUMENTS),
        required_one_of=[("name", "path")],
        mutually_exclusive=[("platform", "all_platforms"), ("path", "buildah")],
        supports_check_mode=True,
    )
    with errors_reported(module), contextlib.ExitStack() as stack:
        module.exit_json(**import_images(module, stack))


def import_images(module: AnsibleModule, stack: contextlib.ExitStack) -> dict[str, t.Any]:
    """Plan all imports, apply them outside check mode, and return the module's result."""
    params = module.params
    platform = None if params["all_platforms"] else wanted_platform(params["platform"])
    namespace = validate_namespace(params["namespace"])
    references = list(dict.fromkeys(Reference.parse(name) for name in params["name"] or ()))
    renames = {
        Reference.parse(old): Reference.parse(option_text(new, f"rename: {old}"))
        for old, new in params["rename"].items()
    }
    labels = validate_labels(params["labels"])
    runner = ModuleRunner(module)
    store = connect(module, runner)
    store.require_namespace(namespace, may_be_made=True)
    requests = [
        ImportRequest(
            source,
            reference,
            namespace,
            platform,
            pinned=params["pinned"],
            labels=labels,
            unpack=params["unpack"],
            allow_reserved_labels=params["allow_reserved_labels"],
            force=params["force"],
        )
        for reference, source in renamed(_find_images(module, store, runner, references, platform, stack), renames)
    ]
    importer = ImageImporter(store)
    # All images are looked at before the first one moves.
    for request in requests:
        importer.vet(request)
    done = [(request, importer.run(request, check=module.check_mode)) for request in requests]
    whole = merge_plans(imported.plan for _request, imported in done)
    moved = sum((imported.moved for _request, imported in done), Moved())
    return {
        "changed": whole.changed,
        "images": [str(request.reference) for request in requests],
        "imported": [str(request.reference) for request, imported in done if imported.plan.changed],
        "unchanged": [str(request.reference) for request, imported in done if not imported.plan.changed],
        "digests": {str(request.reference): str(request.source.target.digest) for request in requests},
        "namespace": namespace,
        "bytes_shared": moved.shared,
        "bytes_copied": moved.copied,
        "actions": whole.action_lines(),
        "diff": whole.diff(f"images in {namespace}"),
    }


def _find_images(
    module: AnsibleModule,
    store: ImageStore,
    runner: ModuleRunner,
    references: t.Sequence[Reference],
    platform: Platform | None,
    stack: contextlib.ExitStack,
) -> list[Named]:
    # What only one kind of source needs is imported for that kind alone: each of these costs some milliseconds.
    if module.params["path"]:
        from ansible_collections.nephoran.container_build.plugins.module_utils._archive import (  # noqa: PLC0415
            ImageArchive,
        )
        from ansible_collections.nephoran.container_build.plugins.module_utils._archive_source import (  # noqa: PLC0415
            images_of_archive,
            zstd_opener,
        )

        archive = stack.enter_context(ImageArchive.open(module.params["path"], zstd_opener(runner, module.tmpdir)))
        return images_of_archive(archive, references, module.tmpdir)
    if module.params["buildah"]:
        from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import Buildah  # noqa: PLC0415

        buildah = Buildah(runner, positive_timeout(module.params["timeout"]))
        return images_of_buildah(buildah, references, module.tmpdir)
    source_namespace = validate_namespace(module.params["source_namespace"])
    return images_of_namespace(store, source_namespace, references, platform, module.tmpdir)


if __name__ == "__main__":
    main()
