# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A role's defaults and its specification say the same, and no inventory makes a task become root by mistake."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
ROLES = sorted(path.name for path in (CHECKOUT / "roles").iterdir() if path.is_dir())


class AnsibleYaml(yaml.SafeLoader):
    """YAML with Ansible's tag for text that is no template."""


AnsibleYaml.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(path: Path) -> dict[str, t.Any]:
    return yaml.load(path.read_text(encoding="utf-8"), AnsibleYaml) or {}  # noqa: S506 - a safe loader with one more tag


def defaults_of(role: str) -> dict[str, t.Any]:
    path = CHECKOUT / "roles" / role / "defaults" / "main.yml"
    return load(path) if path.is_file() else {}


def options_of(role: str) -> dict[str, t.Any]:
    return load(CHECKOUT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]["main"].get("options", {})


def is_template(value: object) -> bool:
    return isinstance(value, str) and "{{" in value


def undocumented(options: dict[str, t.Any], prefix: str = "") -> t.Iterator[str]:
    for name, option in options.items():
        if "type" not in option or not option.get("description"):
            yield prefix + name
        yield from undocumented(option.get("options", {}), f"{prefix}{name}.")


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_specified(role: str) -> None:
    public = {name for name in defaults_of(role) if not name.startswith("__")}
    assert public <= set(options_of(role)), "in defaults/main.yml, but not in meta/argument_specs.yml"


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_its_default(role: str) -> None:
    defaults = defaults_of(role)
    without = {name for name, option in options_of(role).items() if "default" in option and name not in defaults}
    assert not without, "meta/argument_specs.yml gives a default, but defaults/main.yml does not"


@pytest.mark.parametrize("role", ROLES)
def test_the_defaults_are_the_documented_ones(role: str) -> None:
    options = options_of(role)
    differing = {
        name: (value, options[name].get("default"))
        for name, value in defaults_of(role).items()
        if name in options and not is_template(value) and options[name].get("default") != value
    }
    assert not differing, "name: (defaults/main.yml, meta/argument_specs.yml)"


@pytest.mark.parametrize("role", ROLES)
def test_a_required_option_has_no_default(role: str) -> None:
    defaults = defaults_of(role)
    assert not [name for name, option in options_of(role).items() if option.get("required") and name in defaults]


@pytest.mark.parametrize("role", ROLES)
def test_every_option_has_a_type_and_a_description(role: str) -> None:
    assert not list(undocumented(options_of(role)))


@pytest.mark.parametrize("role", ROLES)
def test_public_variables_carry_the_name_of_the_role_and_internal_ones_two_underscores(role: str) -> None:
    names = set(options_of(role)) | set(defaults_of(role))
    assert not [name for name in names if not name.startswith(f"{role}_")]
    internal = {name for path in (CHECKOUT / "roles" / role / "vars").glob("**/*.yml") for name in load(path)}
    assert not [name for name in internal if not name.startswith(f"__{role}_")]


def test_who_must_not_become_root_says_so_as_a_variable() -> None:
    """The keyword yields to an inventory's `ansible_become`, as variables of a connection always come first.

    https://docs.ansible.com/ansible/latest/reference_appendices/general_precedence.html
    """
    tasks = [*CHECKOUT.glob("roles/**/*.yml"), *CHECKOUT.glob("playbooks/**/*.yml")]
    assert not [
        path for path in tasks if re.search(r"^\s*become: false", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
