# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``to_toml``."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._toml import dumps

DOCUMENTATION = r"""
name: to_toml
author:
  - Nephoran contributors (@nephoran)
version_added: "1.0.0"
short_description: Writes data as a TOML document
description:
  - Turns a dictionary into a TOML 1.0 document, the format in which containerd, BuildKit, nerdctl and the
    libraries beneath buildah read their configuration.
  - The result depends on the data alone. Every table is sorted unless O(sort_keys=false), so the order in which keys
    were written or combined never changes a file.
  - A dictionary becomes a table and a list of dictionaries an array of tables. Dictionaries in any other list become
    inline tables.
positional: _input
options:
  _input:
    description:
      - The data. All keys must be strings.
      - Values are strings, booleans, integers of 64 bits, floats, dates and times, lists and dictionaries.
    type: dict
    required: true
  omit_null:
    description:
      - Leave out keys that have no value. TOML cannot express them, so that they are an error otherwise.
      - This is how a role's user takes a default away by combining a null over it.
    type: bool
    default: false
  sort_keys:
    description:
      - Sort every table. With V(false), keys stand in the order in which they were written.
      - To TOML the order of keys means nothing, but containerd tries the hosts of a C(hosts.toml) in the order in which
        their tables stand.
    type: bool
    default: true
notes:
  - Requires nothing but Python's standard library.
"""

EXAMPLES = r"""
- name: Write a configuration of containerd
  ansible.builtin.copy:
    dest: /etc/containerd/config.toml
    content: "{{ config | nephoran.container_build.to_toml }}"
    owner: root
    group: root
    mode: "0644"
  vars:
    config:
      version: 3
      plugins:
        io.containerd.cri.v1.images:
          registry:
            config_path: /etc/containerd/certs.d
  # version = 3
  #
  # [plugins."io.containerd.cri.v1.images".registry]
  # config_path = "/etc/containerd/certs.d"
"""

RETURN = r"""
_value:
  description:
    - The document. It ends with a line end unless the data was empty.
  type: str
"""


def to_toml(data: t.Any, omit_null: bool = False, sort_keys: bool = True) -> str:
    """Return *data* as a TOML document."""
    try:
        return dumps(data, omit_null=omit_null, sort_keys=sort_keys)
    except InvalidInput as error:
        raise AnsibleFilterError(f"to_toml: {error}") from error


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., str]]:
        """Return the filters by name."""
        return {"to_toml": to_toml}
