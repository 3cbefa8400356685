# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The option by which registries are described, on the node and on the controller alike."""

from __future__ import annotations

import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._registry_hosts import CAPABILITIES

_MIRROR_ARGUMENTS: t.Mapping[str, t.Any] = {
    "url": {"type": "str", "required": True},
    "capabilities": {
        "type": "list",
        "elements": "str",
        "choices": list(CAPABILITIES),
        "default": ["pull", "resolve"],
    },
    "ca": {"type": "str"},
    "ca_file": {"type": "path"},
    "skip_verify": {"type": "bool"},
}

_HOST_ARGUMENTS: t.Mapping[str, t.Any] = {
    "name": {"type": "str", "required": True},
    "mirrors": {"type": "list", "elements": "dict", "default": [], "options": dict(_MIRROR_ARGUMENTS)},
    "plain_http": {"type": "bool", "default": False},
    "ca": {"type": "str"},
    "ca_file": {"type": "path"},
    "skip_verify": {"type": "bool", "default": False},
    "username": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "cri_auth": {"type": "bool", "default": False},
}

HOSTS_ARGUMENT: t.Mapping[str, t.Any] = {
    "type": "list",
    "elements": "dict",
    "required": True,
    "options": dict(_HOST_ARGUMENTS),
}
