# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks and results are read out of what Ansible prints, never guessed."""

from __future__ import annotations

import pytest
from faults.ansible_output import module_result, tasks_done

PLAY = """
PLAY [Fault] *******************************************************************

TASK [nerdctl_full : Make it] **************************************************
changed: [node] => (item=one)
changed: [node] => (item=two)

TASK [Fail on purpose] *********************************************************
failed: [node] (item=one) => {"msg": "no"}
...ignoring

TASK [nerdctl_full : Leave it out] *********************************************
skipping: [node]

TASK [nerdctl_full : Check [it]] ***********************************************
ok: [node] => (item=one)
failed: [node] (item=two) => {"msg": "no"}
fatal: [node]: FAILED! => {"msg": "One or more items failed"}

PLAY RECAP *********************************************************************
node : ok=2 changed=1 unreachable=0 failed=1 skipped=1 rescued=0 ignored=1
"""


def test_tasks_are_told_by_their_names() -> None:
    assert tasks_done(PLAY) == {"Make it": True, "Fail on purpose": True, "Check [it]": False}


def test_a_task_that_failed_once_has_failed() -> None:
    twice = "TASK [Do] ***\nfatal: [node]: FAILED!\nTASK [Do] ***\nok: [node]\n"
    assert tasks_done(twice) == {"Do": False}


def test_a_result_is_what_the_module_returned_and_whether_it_failed() -> None:
    said = '[WARNING]: x => y\nnode | FAILED! => {\n  "msg": "a => b"\n}\n[WARNING]: z\n'
    assert module_result(said) == {"msg": "a => b", "failed": True}
    assert module_result('node | CHANGED => {"changed": true}') == {"changed": True, "failed": False}
    assert module_result('node | UNREACHABLE! => {"msg": "gone"}')["failed"]


def test_what_is_no_result_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"no result: node \| UNREACHABLE"):
        module_result("node | UNREACHABLE")
