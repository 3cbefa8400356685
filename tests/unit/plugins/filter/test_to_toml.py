# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter as a task calls it, with the values that a variable really holds."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.nephoran.container_build.plugins.filter.to_toml import DOCUMENTATION, FilterModule, to_toml
from playbook_run import run_playbook

tomllib = pytest.importorskip("tomllib")

VAULT_PASSWORD = "correct horse"
# `ansible-vault encrypt_string` made it of the password above and the text `se"cret`.
VAULTED = """\
$ANSIBLE_VAULT;1.1;AES256
62643066303536646563313035313661613364613163663863636136323637356231623835373165
6633623138613862363961663037396163373631303036620a646135643761313263323938383232
31613562376232623665346335633737343534646462323533626433326635613530313466323337
3239376135376562330a323139623336343065663733646263643432303339643234376561316631
3134
"""

VARIABLES = f"""
prefix: /opt
secure: true
config:
  version: 3
  ratio: 0.5
  when: 2026-11-24
  debug: "{{{{ not secure }}}}"
  dirs: ["{{{{ prefix }}}}/cni/bin"]
  plugins: {{io.containerd.cri.v1.runtime: {{cni: "{{{{ {{'bin_dirs': [prefix ~ '/bin']}} }}}}"}}}}
  braces: !unsafe "{{{{ 7 * 7 }}}}"
  password: !vault |
{"".join(f"    {line}" for line in VAULTED.splitlines(keepends=True))}
"""


def test_the_filter_has_the_name_of_its_documentation() -> None:
    assert list(FilterModule().filters()) == [yaml.safe_load(DOCUMENTATION)["name"]]


def test_a_task_gets_the_document_of_its_variables(tmp_path: Path) -> None:
    (tmp_path / "variables.yml").write_text(VARIABLES, encoding="utf-8")
    (tmp_path / "password").write_text(VAULT_PASSWORD, encoding="utf-8")
    copy = {"content": "{{ config | nephoran.container_build.to_toml }}", "dest": f"{tmp_path}/out.toml", "mode": "600"}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.copy": copy}]}
    completed = run_playbook(
        [play], tmp_path, f"--extra-vars=@{tmp_path}/variables.yml", f"--vault-password-file={tmp_path}/password"
    )
    assert completed.returncode == 0, completed.stdout + completed.stderr
    parsed = tomllib.loads((tmp_path / "out.toml").read_text(encoding="utf-8"))
    assert str(parsed.pop("when")) == "2026-11-24"
    assert parsed == {
        "version": 3,
        "ratio": 0.5,
        "debug": False,
        "dirs": ["/opt/cni/bin"],
        "plugins": {"io.containerd.cri.v1.runtime": {"cni": {"bin_dirs": ["/opt/bin"]}}},
        "braces": "{{ 7 * 7 }}",
        "password": 'se"cret',
    }


def test_a_task_fails_with_the_place_of_what_is_undefined_or_null(tmp_path: Path) -> None:
    tasks: list[dict[str, t.Any]] = [
        {
            "ansible.builtin.debug": {"msg": "{{ config | nephoran.container_build.to_toml }}"},
            "vars": {"config": {"a": {"b": value}}},
            "ignore_errors": True,
        }
        for value in ("{{ nowhere }}", None)
    ]
    completed = run_playbook([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], tmp_path)
    assert "'nowhere' is undefined" in completed.stdout + completed.stderr
    assert "to_toml: TOML has no null: a.b. To do: " in completed.stdout + completed.stderr
    assert "ignored=2" in completed.stdout


def test_a_vaulted_string_of_older_cores_is_decrypted() -> None:
    class VaultedText:
        __ENCRYPTED__ = True

        def __str__(self) -> str:
            return 'se"cret'

    assert tomllib.loads(to_toml({"password": VaultedText()})) == {"password": 'se"cret'}


def test_an_error_says_where() -> None:
    with pytest.raises(AnsibleFilterError, match=r"to_toml: TOML has no null: a\.b"):
        to_toml({"a": {"b": None}})


def test_null_can_be_left_out() -> None:
    assert to_toml({"a": None, "b": 1}, omit_null=True) == "b = 1\n"
