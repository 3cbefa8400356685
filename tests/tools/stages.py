# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` consists of: one entry a stage, in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from venvs import CHECKOUT, COLLECTION_LINK

# Stands for the folder that a stage's pytest writes its JUnit report to, and unit tests their files.
REPORTS = "{reports}"


@dataclass(frozen=True)
class Stage:
    """One command, the environment it runs in, its group, and whether it may run beside its neighbours."""

    group: str
    name: str
    command: tuple[str, ...]
    environment: str = "core-2.19"
    variables: dict[str, str] = field(default_factory=dict)
    together: bool = False

    def __post_init__(self) -> None:
        if not self.command:
            raise ValueError(f"stage {self.name} has no command")


def _pytest(name: str, *arguments: str) -> tuple[str, ...]:
    # A file's tests stay on one process, which shares what is costly to prepare.
    spread = ("--numprocesses=auto", "--dist=loadfile")
    places = (f"--junitxml={REPORTS}/{name}.xml", f"--basetemp={REPORTS}/{name}")
    return ("pytest", "--quiet", *spread, *places, *arguments)


SCENARIOS = {file.parent.name for file in CHECKOUT.glob("molecule/*/molecule.yml")}
# Its two nodes leave no processor idle.
ALONE = {"modules"}


def _lint(name: str, *command: str) -> Stage:
    return Stage("lint", name, command, together=True)


def _sanity(environment: str) -> Stage:
    command = ("python", "tests/tools/sanity.py", environment)
    return Stage("sanity", f"sanity-{environment}", command, environment, together=True)


def _provision(name: str, *words: str) -> Stage:
    return Stage("molecule", name, ("python", "-m", "lab", *words), variables={"PYTHONPATH": "tests"})


def _scenario(name: str) -> Stage:
    return Stage(
        "molecule",
        f"molecule-{name}",
        ("molecule", "test", "--scenario-name", name),
        variables={
            "MOLECULE_GLOB": "molecule/*/molecule.yml",
            "PYTEST_ADDOPTS": f"--junitxml={REPORTS}/molecule-{name}.xml",
        },
        together=name not in ALONE,
    )


_DOCUMENTATION = ("--plugin-docs", "--validate-collection-refs", "self", "--check-extra-docs-refs")
_TYPED = (
    "tests/benchmarks",
    "tests/faults",
    "tests/lab",
    "tests/tools",
    *sorted(str(path) for path in CHECKOUT.glob("tests/*.py")),
    "molecule",
    "noxfile.py",
)
# What depends on ansible-core. What modules are made of does not; it is tested on the two oldest Pythons, and by the
# scenarios on those of their nodes.
_OF_ANSIBLE = ("tests/unit/plugins", "tests/unit/roles", "--ignore=tests/unit/plugins/module_utils")
STAGES = (
    _lint("ruff", "ruff", "check", "."),
    _lint("format", "ruff", "format", "--check", "--quiet", "."),
    _lint("mypy", "mypy", f"{COLLECTION_LINK}/plugins", *_TYPED),
    _lint("yamllint", "yamllint", "--strict", "."),
    _lint("ansible-lint", "ansible-lint"),
    _lint("changelog", "antsibull-changelog", "lint"),
    _lint("collection", "nox", "--no-venv", "--session", "extra-checks", "build-import-check"),
    _lint("documentation", "antsibull-docs", "lint-collection-docs", *_DOCUMENTATION, str(COLLECTION_LINK)),
    _lint("reference", "python", "tests/tools/reference.py", "--check"),
    _sanity("core-2.19"),
    _sanity("core-2.21"),
    Stage("unit", "unit-core-2.19", _pytest("unit-core-2.19")),
    Stage("unit", "unit-core-2.21", _pytest("unit-core-2.21", *_OF_ANSIBLE), environment="core-2.21"),
    Stage("unit", "unit-python-3.9", _pytest("unit-python-3.9", "tests/unit/plugins"), environment="target"),
    # Apart from the scenarios, so that a first build of the toolchain shows its progress and its own time.
    _provision("toolchain", "toolchain"),
    _provision("kubernetes", "program", "kubernetes", "kubelet"),
    _provision("etcd", "program", "etcd"),
    _provision("crictl", "program", "crictl"),
    # Only neighbours run side by side.
    *(_scenario(name) for name in sorted(SCENARIOS, key=lambda name: (name in ALONE, name))),
)
GROUPS = tuple(dict.fromkeys(stage.group for stage in STAGES))
