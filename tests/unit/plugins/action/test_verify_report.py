# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the task that shows a verification prints and returns."""

from __future__ import annotations

import locale
import typing as t
from unittest import mock

import pytest

pytest.importorskip("ansible.plugins.action", reason="action plugins run on the controller's Python")

from ansible.errors import AnsibleError
from ansible_collections.nephoran.container_build.plugins.action import verify_report

Report = t.Callable[..., "tuple[dict[str, t.Any], str]"]

PASSING = {"name": "nerdctl", "ok": True, "detail": "2.2.1"}
DENIED = {"name": "socket", "ok": False, "detail": "connect: permission denied"}
TROUBLE = {"patterns": ["permission DENIED"], "cause": "No privileges", "remedy": "become: true"}


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Report:
    """Run the task with the given options; return its result and what it printed."""

    def run(**options: t.Any) -> tuple[dict[str, t.Any], str]:
        printed: list[str] = []
        monkeypatch.setattr(verify_report, "display", mock.Mock(display=printed.append, columns=79))
        task = mock.Mock(args=options, action="verify_report", async_val=0, check_mode=False)
        action = verify_report.ActionModule(task, mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock(), mock.Mock())
        result = action.run(task_vars={"inventory_hostname": "node1"})
        assert len(printed) == 1, "several calls would mix the tables of nodes that run side by side"
        return result, printed[0]

    return run


def test_passing_checks_change_nothing_and_name_the_host(report: Report) -> None:
    result, printed = report(title="Toolchain", checks=[PASSING])
    assert result["failed_checks"] == []
    assert result["changed"] is False
    assert "failed" not in result
    assert "Toolchain" in printed
    assert "node1" in printed
    assert "2.2.1" in printed


def test_a_failed_check_fails_the_task_with_cause_and_remedy(report: Report) -> None:
    result, printed = report(title="Toolchain", checks=[PASSING, DENIED], troubles=[TROUBLE])
    assert result["failed"] is True
    assert result["failed_checks"] == ["socket"]
    assert result["msg"] == ("Toolchain: 1 of 2 checks failed on node1.\nsocket: No privileges. To do: become: true.")
    assert result["checks"][1]["cause"] == "No privileges"
    assert "become: true" in printed


def test_a_check_without_ok_neither_passes_nor_fails(report: Report) -> None:
    result, _printed = report(checks=[{"name": "buildah", "ok": None}, {"name": "kubelet"}])
    assert "failed" not in result
    assert [check["ok"] for check in result["checks"]] == [None, None]


def test_a_pattern_that_is_no_regular_expression_is_refused(report: Report) -> None:
    with pytest.raises(AnsibleError, match="not a regular expression") as caught:
        report(checks=[DENIED], troubles=[{**TROUBLE, "patterns": ["fine", "("]}])
    assert "To do:" in str(caught.value)


def test_options_are_validated(report: Report) -> None:
    with pytest.raises(AnsibleError, match="chekcs"):
        report(checks=[], chekcs=[])


@pytest.mark.parametrize(
    ("codeset", "terminal", "ascii_only"),
    [("UTF-8", "xterm", False), ("utf-8", "dumb", False), ("ANSI_X3.4-1968", "xterm", True), ("UTF-8", "linux", True)],
)
def test_glyphs_fit_the_terminal(
    report: Report, monkeypatch: pytest.MonkeyPatch, codeset: str, terminal: str, ascii_only: bool
) -> None:
    monkeypatch.setattr(locale, "nl_langinfo", lambda _item: codeset)
    monkeypatch.setenv("TERM", terminal)
    _result, printed = report(checks=[PASSING])
    assert printed.isascii() is ascii_only
