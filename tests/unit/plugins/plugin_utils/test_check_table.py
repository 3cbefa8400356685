# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person reads of a verification."""

from __future__ import annotations

from textwrap import dedent

import pytest
from ansible_collections.nephoran.container_build.plugins.plugin_utils._check_table import (
    ASCII_GLYPHS,
    Check,
    Trouble,
    diagnose,
    failure_message,
    render,
)

CHECKS = [
    Check("nerdctl", ok=True, detail="2.2.1", section="Tools"),
    Check("buildah", ok=None, detail="not asked for", section="Tools"),
    Check(
        "buildkit.service",
        ok=False,
        detail="failed",
        section="Services",
        cause="The daemon ended",
        remedy="Read journalctl -u buildkit.",
        output="first\n\nlast",
    ),
]


def drawn(text: str) -> str:
    return dedent(text).strip("\n")


def test_table_has_a_line_for_each_check_and_explains_what_failed() -> None:
    expected = """
      Toolchain · node1
    ────────────────────────────────────────────────
      Tools
      ✔  nerdctl           2.2.1
      –  buildah           not asked for
      Services
      ✘  buildkit.service  failed
    ────────────────────────────────────────────────
      3 checks: 1 passed · 1 failed · 1 not checked

      ✘  buildkit.service
         cause  The daemon ended
         to do  Read journalctl -u buildkit.
         | first
         | last
    """  # noqa: RUF001
    assert dedent(render(CHECKS, "Toolchain", "node1", width=48)) == drawn(expected)


def test_ascii_glyphs_draw_ascii_only() -> None:
    assert render(CHECKS, "Toolchain", "node1", glyphs=ASCII_GLYPHS).isascii()


def test_long_detail_goes_on_in_its_own_column() -> None:
    lines = render([Check("name", ok=True, detail="word " * 12)], "T", "h", width=40).splitlines()
    assert lines[2] == "  ✔  name  " + " ".join(["word"] * 6)
    assert lines[3] == " " * 11 + " ".join(["word"] * 6)


def test_paint_does_not_move_columns() -> None:
    bare = render(CHECKS, "T", "h")
    painted = render(CHECKS, "T", "h", paint=lambda text, role: f"<{role}>{text}</>")
    for role in ("passed", "failed", "skipped", "faint"):
        assert f"<{role}>" in painted
        painted = painted.replace(f"<{role}>", "")
    assert painted.replace("</>", "") == bare


def test_tool_output_cannot_draw_on_the_terminal() -> None:
    hostile = "\x1b[2Jgone\r\x07"
    table = render([Check(hostile, ok=False, detail=hostile, cause=hostile, output=hostile)], hostile, hostile)
    assert all(char == "\n" or char.isprintable() for char in table)
    assert "[2Jgone" in table


def test_checks_with_one_explanation_share_it() -> None:
    checks = [
        Check("build", ok=False, cause="No socket", remedy="Start it.", output="dial\nno such file"),
        Check("disk", ok=False),
        Check("socket", ok=False, cause="No socket", remedy="Start it.", output="no such file\nstat"),
        Check("memory", ok=False),
    ]
    expected = """
      x  build, socket
         cause  No socket
         to do  Start it.
         | dial
         | no such file
         | stat

      x  disk

      x  memory
    """
    table = render(checks, "T", "h", glyphs=ASCII_GLYPHS)
    assert dedent(table[table.index("  x  build, socket") :]) == drawn(expected)
    assert failure_message(checks, "T", "h").splitlines()[1] == "build, socket: No socket. To do: Start it."


def test_tabs_keep_their_columns() -> None:
    assert "| a       b" in render([Check("c", ok=False, output="a\tb")], "T", "h")


def test_no_checks_is_still_a_table() -> None:
    assert render([], "Toolchain", "node1").endswith("0 checks: 0 passed")


TROUBLES = [
    Trouble(("unheard of", r"permission\s+denied"), "No privileges", "Become root."),
    Trouble((r"denied",), "Refused", "Ask."),
]


@pytest.mark.parametrize(
    ("check", "cause", "remedy"),
    [
        (Check("c", ok=False, output="dial: Permission Denied"), "No privileges", "Become root."),
        (Check("c", ok=False, detail="access denied"), "Refused", "Ask."),
        (Check("c", ok=False, detail="denied", cause="Guess", remedy="Do."), "Refused", "Ask."),
        (Check("c", ok=False, detail="something else", cause="Guess", remedy="Do."), "Guess", "Do."),
        (Check("c", ok=False, detail="something else"), "", ""),
        (Check("c", ok=True, detail="permission denied"), "", ""),
        (Check("c", ok=None, detail="permission denied"), "", ""),
    ],
)
def test_first_matching_trouble_explains_a_failed_check(check: Check, cause: str, remedy: str) -> None:
    diagnosed = diagnose(check, TROUBLES)
    assert (diagnosed.cause, diagnosed.remedy) == (cause, remedy)


def test_failure_message_names_what_failed_and_what_to_do() -> None:
    checks = [*CHECKS, Check("socket", ok=False), Check("worker", ok=False, detail="none\nat all.")]
    assert failure_message(checks, "Toolchain", "node1").splitlines() == [
        "Toolchain: 3 of 5 checks failed on node1.",
        "buildkit.service: The daemon ended. To do: Read journalctl -u buildkit.",
        "socket: failed.",
        "worker: none at all.",
    ]
