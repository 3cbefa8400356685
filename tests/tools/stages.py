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


SCENARIOS = {file.parent.name for file in CHECKOUT.glob("molecule/*/molecule.yml")}
# The short ones fill what the long ones leave; one that is not named here comes first.
LONGEST_FIRST = ("cluster", "modules", "default", "uninstall", "upgrade", "kubernetes", "adopted")
# Playbooks share what Ansible packs modules into.
_SHARED_ARCHIVES = {"ANSIBLE_CALLBACK_PLUGINS": str(CHECKOUT / "tests" / "controller" / "callback")}


def _lint(name: str, *command: str) -> Stage:
    return Stage("lint", name, command, together=True)


def _sanity(environment: str, *arguments: str) -> Stage:
    command = ("python", "tests/tools/sanity.py", environment, *arguments)
    return Stage("sanity", f"sanity-{environment}", command, environment, together=True)


def _unit(subject: str, *arguments: str, environment: str) -> Stage:
    name = f"unit-{subject}"
    # A file's tests stay on one process, which shares what is costly to prepare.
    spread = ("--numprocesses=auto", "--dist=loadfile")
    places = (f"--junitxml={REPORTS}/{name}.xml", f"--basetemp={REPORTS}/{name}")
    command = ("pytest", "--quiet", *spread, *places, *arguments)
    return Stage("unit", name, command, environment, _SHARED_ARCHIVES, together=True)


def _provision(name: str, *words: str) -> Stage:
    return Stage("molecule", name, ("python", "-m", "lab", *words), variables={"PYTHONPATH": "tests"})


def _scenario(name: str) -> Stage:
    return Stage(
        "molecule",
        f"molecule-{name}",
        ("molecule", "test", "--scenario-name", name),
        variables={
            **_SHARED_ARCHIVES,
            "MOLECULE_GLOB": "molecule/*/molecule.yml",
            "PYTEST_ADDOPTS": f"--junitxml={REPORTS}/molecule-{name}.xml",
        },
        together=True,
    )


def _by_length(scenario: str) -> tuple[int, str]:
    return (LONGEST_FIRST.index(scenario) if scenario in LONGEST_FIRST else -1, scenario)


_DOCUMENTATION = ("--plugin-docs", "--validate-collection-refs", "self", "--check-extra-docs-refs")
_TYPED = (
    "tests/benchmarks",
    "tests/controller",
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
    # Longer than what is linted beside it. The tests themselves are looked at once, by the newer one.
    _sanity("core-2.21"),
    _sanity("core-2.19", "--exclude", "tests/", "--exclude", "molecule/"),
    _unit("core-2.19", environment="core-2.19"),
    _unit("core-2.21", *_OF_ANSIBLE, environment="core-2.21"),
    _unit("python-3.9", "tests/unit/plugins", environment="target"),
    # Apart from the scenarios, so that a first build of the toolchain shows its progress and its own time.
    _provision("toolchain", "toolchain"),
    _provision("kubernetes", "program", "kubernetes", "kubelet"),
    _provision("etcd", "program", "etcd"),
    _provision("crictl", "program", "crictl"),
    # Only neighbours run side by side.
    *map(_scenario, sorted(SCENARIOS, key=_by_length)),
)
GROUPS = tuple(dict.fromkeys(stage.group for stage in STAGES))
