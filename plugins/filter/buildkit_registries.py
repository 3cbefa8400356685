# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter ``buildkit_registries``."""

from __future__ import annotations

import typing as t
from collections.abc import Mapping

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_hosts import (
    buildkit_registries as render,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_hosts import parse_registries
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_options import HOSTS_ARGUMENT

DOCUMENTATION = r"""
name: buildkit_registries
author:
  - Nephoran contributors (@nephoran)
version_added: "1.0.0"
short_description: Renders registries for BuildKit
description:
  - Turns the description of registries that M(nephoran.container_build.registries) takes into the table C(registry) of
    C(buildkitd.toml).
  - The certificates of authorities are where that module puts them. Credentials are not in the result, since BuildKit
    gets them from its clients.
positional: _input
options:
  _input:
    description:
      - The registries, as the option O(nephoran.container_build.registries#module:hosts) describes them.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: nephoran.container_build.registries
    plugin_type: module
"""

EXAMPLES = r"""
- name: Show what BuildKit is told
  ansible.builtin.debug:
    msg: "{{ {'registry': hosts | nephoran.container_build.buildkit_registries} | nephoran.container_build.to_toml }}"
  vars:
    hosts:
      - name: docker.io
        mirrors:
          - url: http://10.0.0.5:5000
  # [registry."10.0.0.5:5000"]
  # http = true
  #
  # [registry."docker.io"]
  # mirrors = ["10.0.0.5:5000"]
"""

RETURN = r"""
_value:
  description:
    - The table, to be combined into BuildKit's configuration under the key C(registry).
  type: dict
"""


def buildkit_registries(entries: t.Any) -> dict[str, t.Any]:
    """Return the table ``registry`` for *entries*."""
    # A role's variables come as they were written; a module's options would have their types.
    validated = ArgumentSpecValidator({"hosts": dict(HOSTS_ARGUMENT)}).validate({"hosts": _plain(entries)})
    if validated.error_messages:
        raise AnsibleFilterError(f"buildkit_registries: {'; '.join(validated.error_messages)}")
    try:
        return render(parse_registries(validated.validated_parameters["hosts"]))
    except InvalidInput as error:
        raise AnsibleFilterError(f"buildkit_registries: {error}") from error


def _plain(value: t.Any) -> t.Any:
    """Return *value* in lists and dictionaries of Python.

    Those of a template hold on to all variables of the node, and validating copies what it is given, with all of that.
    """
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return value


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return the filters by name."""
        return {"buildkit_registries": buildkit_registries}
