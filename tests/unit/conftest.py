# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes the checkout importable as the collection it is, and runs modules as Ansible does."""

from __future__ import annotations

import importlib.util
import json
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common import warnings
from ansible.module_utils.common.parameters import PASS_VARS
from ansible.module_utils.testing import patch_module_args
from hypothesis import HealthCheck, settings

CHECKOUT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.nephoran.container_build"


def _package(name: str, *folders: str) -> None:
    module = types.ModuleType(name)
    module.__path__ = list(folders)
    sys.modules[name] = module
    parent, _dot, child = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], child, module)


def _make_collection_importable() -> None:
    """Name the checkout `ansible_collections.nephoran.container_build`, whatever its folder is called.

    Ansible's own loader does the same, but needs the controller's Python; a node's may be older. Collections that
    are installed beside Ansible stay importable.
    """
    installed = importlib.util.find_spec("ansible_collections")
    _package("ansible_collections", *(installed.submodule_search_locations or [] if installed else []))
    _package("ansible_collections.nephoran")
    _package(COLLECTION, str(CHECKOUT))


_make_collection_importable()

# What holds for an example does not depend on how busy the machine is.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")

# A node's Python is given only what a controller sends to it, so only what runs there is tested with it.
RUN_ON_NODES = ("modules", "module_utils")
collect_ignore: list[str] = []
if importlib.util.find_spec("ansible.plugins") is None:
    collect_ignore += [str(path) for path in Path(__file__).parent.glob("plugins/*") if path.name not in RUN_ON_NODES]


class ModuleResult(t.NamedTuple):
    """What a module told Ansible, and its exit status."""

    result: dict[str, t.Any]
    status: int

    @property
    def failed(self) -> bool:
        return bool(self.result.get("failed", False))


@pytest.fixture(autouse=True)
def _no_system_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """Modules write their options to the system's log: not those of tests, whose oddities it may refuse."""
    monkeypatch.setattr(AnsibleModule, "log", lambda self, msg, log_args=None: None)


@pytest.fixture
def run_module(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., ModuleResult]:
    """Run a module's `main` in this process, with the given options, and return what it printed.

    `check` and `diff` are what `--check` and `--diff` would set.
    """

    if importlib.util.find_spec("ansible.module_utils._internal"):
        # Other tests load the controller's part of newer cores, which then takes itself for the controller everywhere.
        monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def run(
        main: t.Callable[[], None], options: dict[str, t.Any], *, check: bool = False, diff: bool = False
    ) -> ModuleResult:
        arguments = {**options, "_ansible_check_mode": check, "_ansible_diff": diff}
        if "inject_invocation" in PASS_VARS:
            # Newer cores leave the options out of the result unless the controller asks for them.
            arguments["_ansible_inject_invocation"] = True
        # A module runs in a process of its own; here, the warnings of one would be in the results of the next.
        warnings._global_warnings.clear()
        capsys.readouterr()
        with patch_module_args(arguments), pytest.raises(SystemExit) as caught:
            main()
        status = caught.value.code if isinstance(caught.value.code, int) else 1
        return ModuleResult(json.loads(capsys.readouterr().out), status)

    return run
