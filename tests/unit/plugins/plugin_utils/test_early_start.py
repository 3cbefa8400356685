# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Ansible sends of a module begins with `_quick_start`, whichever way this core puts it together."""

from __future__ import annotations

import dataclasses
import importlib
import pathlib
import subprocess
import sys
import typing as t
from unittest import mock

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible.plugins.action import ActionBase
from ansible_collections.nephoran.container_build.plugins.action import daemon
from ansible_collections.nephoran.container_build.plugins.plugin_utils._early_start import EarlyStart, early_started
from ansible_collections.nephoran.container_build.tests.unit.plugins.local_ansible import run_module

CHECKOUT = pathlib.Path(__file__).resolve().parents[4]
# They run on the controller, as a user for whom nothing is kept, or are all in their action plugin.
ON_THE_CONTROLLER = {"bundle", "bundle_unpack", "node_facts", "verify_report"}
MODULES = sorted({path.stem for path in (CHECKOUT / "plugins" / "modules").glob("*.py")} - ON_THE_CONTROLLER)
# As module_common of ansible-core puts it together.
PROGRAM = b"""#!/usr/bin/python
# \n
def _ansiballz_main(params):
    import zipimport
    print(hasattr(zipimport._get_module_code, "cache_info"), params)

if __name__ == "__main__":
    _ansiballz_main(
params='\\nif __name__ == "__main__":'
)
"""


def ran(program: bytes) -> str:
    # Others than the module's own compiled files must not be left in the real folder.
    argv = [sys.executable, "-B", "-"]
    return subprocess.run(argv, input=program, capture_output=True, check=True).stdout.decode()


def test_it_begins_before_the_module_does() -> None:
    assert ran(PROGRAM).startswith("False")
    assert ran(early_started(PROGRAM)) == 'True \nif __name__ == "__main__":\n'


def test_a_program_of_another_form_stays_as_it_is() -> None:
    assert early_started(b"#!/bin/sh\necho\n") == b"#!/bin/sh\necho\n"


@dataclasses.dataclass(frozen=True)
class Built:
    """As ansible-core from 2.19 on tells of a module."""

    b_module_data: bytes = PROGRAM
    module_style: str = "new"


def configured(answer: object) -> t.Any:
    """Return what Ansible gets for *answer* of its own `_configure_module`."""
    with mock.patch.object(ActionBase, "_configure_module", return_value=answer):
        return daemon.ActionModule(*[mock.Mock()] * 6)._configure_module("ping", {}, {})


class TestCores:
    """What `_configure_module` returns is not public, and not the same in all releases."""

    def test_2_17(self) -> None:
        style, shebang, program, path = configured(("new", "#!/usr/bin/python", PROGRAM, "/ping.py"))
        assert (style, shebang, path) == ("new", "#!/usr/bin/python", "/ping.py")
        assert ran(program).startswith("True")

    def test_2_19(self) -> None:
        module, path = configured((Built(), "/ping.py"))
        assert path == "/ping.py"
        assert ran(module.b_module_data).startswith("True")

    @pytest.mark.parametrize(
        "answer",
        [
            None,
            (),
            ("new", PROGRAM),
            ("new", "#!/usr/bin/python", PROGRAM.decode(), "/ping.py"),
            ("binary", None, PROGRAM, "/ping"),
            (Built(module_style="binary"), "/ping"),
            (Built(b_module_data=PROGRAM, module_style="new"),),
        ],
    )
    def test_what_is_not_known_is_left_alone(self, answer: object) -> None:
        assert configured(answer) is answer

    def test_this_one(self, tmp_path: pathlib.Path) -> None:
        """Fails when a new release puts modules together in another way, so that nothing would begin sooner."""
        run_module(
            "nephoran.container_build.config_files",
            {"name": "early-start", "files": []},
            "--check",
            ANSIBLE_KEEP_REMOTE_FILES="1",
            ANSIBLE_PIPELINING="0",
            ANSIBLE_REMOTE_TMP=str(tmp_path),
        ).check_returncode()
        (sent,) = tmp_path.glob("*/AnsiballZ_config_files.py")
        before, call, after = sent.read_bytes().rpartition(b"_quick_start'})\n\nif __name__ == ")
        assert call
        assert b"def _ansiballz_main(" in before
        assert b"_ansiballz_main(" in after


@pytest.mark.parametrize("name", MODULES)
def test_every_module_that_root_runs_on_a_node_begins_so(name: str) -> None:
    plugin = importlib.import_module(f"ansible_collections.nephoran.container_build.plugins.action.{name}")
    assert issubclass(plugin.ActionModule, EarlyStart)
