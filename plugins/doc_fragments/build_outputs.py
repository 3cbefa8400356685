# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be made of an image that was built."""

from __future__ import annotations


class ModuleDocFragment:
    """Documentation of the options in ``_output_options``."""

    DOCUMENTATION = r"""
options:
  outputs:
    description:
      - What is to be made of the image. The image itself lands under its name in any case.
      - An output is written if it is missing, if what is there is not what was written there last (a file's SHA-256;
        the kinds, modes and contents of all that is in a folder), or if it was made of another image. With
        O(rebuild=never), only if it is missing.
      - Outputs are made of the image, not of a second run of its Dockerfile. They are written beside their place and
        put there by a rename, so that none is ever half written.
    type: list
    elements: dict
    default: []
    suboptions:
      type:
        description:
          - V(local) writes the image's root file system to a folder, with a folder for each platform if there are
            several.
          - V(tar) writes it to a tar.
          - V(oci) and V(docker) write the image to an archive, as an OCI layout or as C(docker load) of every version
            reads it.
          - V(image) gives the image further names in the same namespace or store.
        type: str
        choices: [local, tar, oci, docker, image]
        required: true
      dest:
        description:
          - The file or folder on the node, absolute. The folder that it is in must exist. It must not lie in a build
            context.
          - Required for all but V(image).
          - The folder of V(local) is replaced as a whole, so it must be the output's alone. One that holds what this
            module did not write is not touched, and the task fails.
          - A new file has the mode of the one that it replaces.
        type: path
      name:
        description:
          - Further names of the image, for V(image). O(tag) is the tag of those without.
        type: list
        elements: str
        default: []
      push:
        description:
          - Whether to push the image under these names, or under its own if there are none. For V(image).
        type: bool
        default: false
  push:
    description:
      - Whether to push the image under its name to the registry that the name begins with.
      - The registry is asked first, and gets the image only if it has another one, as with
        M(nephoran.container_build.image_push).
      - The options O(auth_file), O(username), O(password), O(insecure) and O(retries) are for pushing, and all but
        O(username) and O(password) for O(base_digest), too. Builders fetch bases with what the node's tools are told.
    type: bool
    default: false
"""
