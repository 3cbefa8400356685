# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns the option ``outputs`` of ``image_build`` into outputs, and refuses those that would be at odds."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import (
    DOCKER_OUTPUT,
    IMAGE_OUTPUT,
    OUTPUT_KINDS,
    BuildSpec,
    Output,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_access import REGISTRY_ARGUMENTS

# Whether a base image that moved at its registry is a reason to build.
IGNORE, CHECK = "ignore", "check"

OUTPUT_ARGUMENTS: t.Mapping[str, t.Any] = {
    "outputs": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "type": {"type": "str", "choices": list(OUTPUT_KINDS), "required": True},
            "dest": {"type": "path"},
            "name": {"type": "list", "elements": "str", "default": []},
            "push": {"type": "bool", "default": False},
        },
        "required_if": [("type", kind, ["dest"]) for kind in OUTPUT_KINDS if kind != IMAGE_OUTPUT],
    },
    "push": {"type": "bool", "default": False},
    "base_digest": {"type": "str", "choices": [IGNORE, CHECK], "default": IGNORE},
    **REGISTRY_ARGUMENTS,
}
# Builders and tools read the path as one of several words in a list, or as what follows the name of a transport.
_UNUSABLE = frozenset(',":=')

Params = t.Mapping[str, t.Any]


def read_outputs(params: Params, spec: BuildSpec) -> tuple[Output, ...]:
    """Return the outputs that the options *params* ask of *spec*.

    Raises:
        InvalidInput: an output cannot be written, or not beside another one or the context.
    """
    outputs = tuple(_output(given, params["tag"]) for given in params["outputs"])
    for output in outputs:
        if output.kind == DOCKER_OUTPUT and len(spec.platforms) > 1:
            raise InvalidInput(
                "An archive for Docker holds one platform",
                subject=f"outputs: {output.dest}",
                remedy="set its type to oci, or build for one platform",
            )
    places = [("outputs", output.dest) for output in outputs if output.dest]
    contexts = [("path", spec.context)] if os.path.isabs(spec.context) else []
    contexts += [(f"build_contexts: {name}", path) for name, path in spec.build_contexts.items() if os.path.isabs(path)]
    for number, (_option, place) in enumerate(places):
        for option, other in [*places[:number], *contexts]:
            # The real paths: a link may lead from one into the other.
            if _overlap(os.path.realpath(place), os.path.realpath(other)):
                raise InvalidInput(
                    "An output must lie neither in a build context nor in another output, nor around one",
                    subject=f"outputs: {place} and {option}: {other}",
                    remedy="name a place that is the output's alone: what lies in a context decides what is built",
                )
    return outputs


def pushed_names(params: Params, reference: Reference, outputs: t.Sequence[Output]) -> tuple[Reference, ...]:
    """Return the names that registries are to have, each once.

    Raises:
        InvalidInput: the options *params* say how to reach a registry, and none is reached.
    """
    names = [reference] if params["push"] else []
    names += [name for output in outputs if output.push for name in output.names or (reference,)]
    given = [option for option in ("auth_file", "username", "insecure") if params[option]]
    if given and not names and not (params["base_digest"] == CHECK and params["username"] is None):
        raise InvalidInput(
            "An option says how to reach a registry, but nothing is pushed",
            subject=given[0],
            remedy="set push, or leave it out: bases are fetched with what the node's tools are told of registries",
        )
    domains = sorted({name.domain for name in names})
    if params["username"] is not None and len(domains) > 1:
        raise InvalidInput(
            "One user name is not told to several registries",
            subject=f"username, with {' and '.join(domains)}",
            remedy="set auth_file to a file that has the credentials of each",
        )
    return tuple(dict.fromkeys(names))


def _output(given: Params, tag: str) -> Output:
    kind, dest, names = given["type"], given["dest"], given["name"]
    if kind == IMAGE_OUTPUT:
        if dest is not None:
            raise InvalidInput(
                "An image lands in the store, not in a file",
                subject=f"outputs: dest: {dest}",
                remedy="leave dest out, or set type to oci or docker",
            )
        return Output(kind, names=tuple(_name(name, tag) for name in names), push=given["push"])
    if names or given["push"]:
        raise InvalidInput(
            "Only an output of type image has names of its own and can be pushed",
            subject=f"outputs: {ascii(dest)[1:-1][:200]}: {'name' if names else 'push'}",
            remedy="leave it out, or add an output of type image",
        )
    return Output(kind, _place(dest))


def _name(text: str, tag: str) -> Reference:
    name = Reference.parse_tagged(text, tag)
    if name.digest is not None:
        raise InvalidInput(
            "An image that is to be built cannot be named by its digest",
            subject=f"outputs: name: {text}",
            expected="name[:tag]",
        )
    return name


def _place(dest: str) -> str:
    where = f"outputs: dest: {ascii(dest)[1:-1][:200]}"
    if not os.path.isabs(dest) or not dest.isprintable() or _UNUSABLE & set(dest):
        raise InvalidInput(
            "Not a path that an output can be written to",
            subject=where,
            expected="an absolute path on the node without comma, colon, quote and equals sign",
        )
    dest = os.path.normpath(dest)
    if dest == os.path.dirname(dest):
        raise InvalidInput("An output cannot take the place of the root folder", subject=where)
    if not os.path.isdir(os.path.dirname(dest)):
        raise InvalidInput(
            "The folder for an output does not exist", subject=os.path.dirname(dest), remedy="make it first"
        )
    return dest


def _overlap(one: str, other: str) -> bool:
    return os.path.commonpath([one, other]) in (one, other)
