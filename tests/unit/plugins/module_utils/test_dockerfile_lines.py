# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an instruction stands in its Dockerfile."""

from __future__ import annotations

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._dockerfile_lines import instruction_line
from hypothesis import given
from hypothesis import strategies as st

DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM small

# what it needs
RUN make && \\
    # among the lines of an instruction
    make   install

  COPY a b
RUN true
RUN true
RUN left \\
"""


@pytest.mark.parametrize(
    ("instruction", "line"),
    [
        ("FROM small", 2),
        ("RUN make && make install", 5),
        ("RUN make &&     make   install", 5),
        ("COPY a b", 9),
        ("RUN left", 12),
        ("RUN true", 0),
        ("RUN absent", 0),
        ("", 0),
    ],
)
def test_the_line_of_an_instruction(instruction: str, line: int) -> None:
    assert instruction_line(DOCKERFILE, instruction) == line


@pytest.mark.parametrize(
    ("first_line", "line"),
    [("# escape=`", 2), ("#ESCAPE = `", 2), ("# syntax=x\n# escape=`", 3), ("# a comment\n# escape=`", 0)],
)
def test_the_escape_character_that_a_directive_names(first_line: str, line: int) -> None:
    assert instruction_line(f"{first_line}\nRUN dir `\n  c:\\\n", "RUN dir c:\\") == line


@given(st.text(), st.text())
def test_whatever_the_texts_an_answer_is_a_line_of_it(dockerfile: str, instruction: str) -> None:
    assert 0 <= instruction_line(dockerfile, instruction) <= len(dockerfile.splitlines())
