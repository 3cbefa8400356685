# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Nox sessions: those of antsibull-nox that need no network, and the stages of `make test` by nox's name.

All run with the pinned tools of .venv: `make venv`, then `.venv/bin/nox --no-venv --session NAME`.
"""

from __future__ import annotations

import antsibull_nox
import nox

antsibull_nox.load_antsibull_nox_toml()


def _stages(session: nox.Session, group: str) -> None:
    session.run("python", "tests/tools/run_stages.py", group, *session.posargs, external=True)


@nox.session(python=False, default=False)
def lint(session: nox.Session) -> None:
    """ruff, mypy, yamllint, ansible-lint, documentation and changelog."""
    _stages(session, "lint")


@nox.session(python=False, default=False)
def sanity(session: nox.Session) -> None:
    """ansible-test sanity on both ansible-cores."""
    _stages(session, "sanity")


@nox.session(python=False, default=False)
def unit(session: nox.Session) -> None:
    """Unit tests on both ansible-cores, and on a node's oldest Python."""
    _stages(session, "unit")


@nox.session(python=False, default=False)
def docs(session: nox.Session) -> None:
    """Write the reference of modules and roles to docs/reference."""
    session.run("python", "tests/tools/reference.py", external=True)


if __name__ == "__main__":
    nox.main()
