# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node that faults are tried on: commands as root, modules, playbooks, and tests that the project has already."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lab.nodes import node, ssh

from faults.ansible_output import module_result, tasks_done

CHECKOUT = Path(__file__).resolve().parents[2]
STATE = CHECKOUT / ".ansible" / "faults"
ON_NODE = Path(__file__).parent / "on_node"
FOLDER = "/srv/faults"
MODULES = "nephoran.container_build"
PROGRAMS = Path(sys.executable).parent
TIMEOUT_SECONDS = 900


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    status: int
    output: str

    @property
    def tasks(self) -> dict[str, bool]:
        """Whether each task went well, by its name, if it was Ansible."""
        return tasks_done(self.output)


def run(argv: list[str], *, data: str = "", environ: Mapping[str, str] | None = None) -> Done:
    """Run a command on the controller, from the checkout and with its settings."""
    ended = subprocess.run(
        argv,
        cwd=CHECKOUT,
        env={**_environment(), **(environ or {})},
        input=data,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Done(ended.returncode, ended.stdout)


def _environment() -> dict[str, str]:
    variables = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return {
        **variables,
        "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(CHECKOUT / "tests"),
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        "ANSIBLE_NOCOLOR": "1",
        # What `ansible` prints of a module's result is read back.
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
        "ANSIBLE_ROLES_PATH": str(CHECKOUT / "tests/integration/targets"),
    }


class LabNode:
    """A node of the lab, in an inventory of its own; made if it is not there.

    :param name: of the node.
    :param kind: of the node.
    """

    def __init__(self, name: str, kind: str) -> None:
        self.name = name
        self.scenario = STATE / name
        self.inventory = self.scenario / "inventory"
        made = run([sys.executable, "-m", "lab", "up", "--inventory", str(self.inventory), f"{name}:{kind}"])
        assert made.status == 0, made.output
        found = node.find(name)
        assert found is not None, name
        self.address = found.address
        self._ssh = ssh.command(ssh.ensure_key_pair(), found.address)
        # The user that Ansible logs in as leaves files there too.
        self.shell(f"mkdir -p {FOLDER} && chmod 1777 {FOLDER}")
        for program in ON_NODE.glob("*.py"):
            self.write(f"{FOLDER}/{program.name}", program.read_bytes())

    def remove(self) -> None:
        """Remove the node and its inventory."""
        removed = run([sys.executable, "-m", "lab", "nodes", "down", self.name])
        assert removed.status == 0, removed.output

    def try_shell(self, command: str, data: bytes = b"") -> Done:
        """Run a shell command as root, whatever becomes of it."""
        argv = [*self._ssh, "sudo", "bash", "-euo", "pipefail", "-c", shlex.quote(command)]
        ended = subprocess.run(
            argv,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        return Done(ended.returncode, ended.stdout.decode("utf-8", "replace"))

    def shell(self, command: str, data: bytes = b"") -> str:
        """Run a shell command as root and return what it prints."""
        ended = self.try_shell(command, data)
        assert ended.status == 0, f"{command[:300]}\n{ended.output}"
        return ended.output

    def write(self, path: str, content: bytes) -> None:
        """Write a file."""
        self.shell(f"cat > {shlex.quote(path)}", content)

    def write_all(self, files: Mapping[str, str]) -> None:
        """Write files, and the folders that they are in, by their paths."""
        for path, content in files.items():
            self.shell(f"mkdir -p {shlex.quote(os.path.dirname(path))}")
            self.write(path, content.encode())

    def python(self, program: str, plan: Mapping[str, Any]) -> dict[str, Any]:
        """Give a program of ``on_node`` its plan and return its report."""
        said = self.shell(f"python3 {FOLDER}/{program}.py", json.dumps(plan).encode())
        report: dict[str, Any] = json.loads(said.splitlines()[-1])
        return report

    def module(
        self,
        name: str,
        options: Mapping[str, Any],
        *words: str,
        environ: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Run a module of the collection and return its result, whatever that is.

        :param words: further words for ``ansible``, such as ``--check``.
        :param environ: variables for ``ansible``.
        """
        return module_result(run(self.module_argv(name, options, *words), environ=environ).output)

    def module_argv(self, name: str, options: Mapping[str, Any], *words: str) -> list[str]:
        """The command line that runs a module on this node."""
        full = name if "." in name else f"{MODULES}.{name}"
        argv = ["ansible", "--inventory", str(self.inventory), self.name, "-m", full]
        # An empty object would be taken for a word.
        argv += ["-a", json.dumps(options)] if options else []
        return [*argv, *words]

    def start_module(self, name: str, options: Mapping[str, Any], *words: str) -> subprocess.Popen[str]:
        """Start a module; what it says comes by the process's standard output."""
        return subprocess.Popen(
            self.module_argv(name, options, *words),
            cwd=CHECKOUT,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def playbook(self, name: str, *words: str) -> Done:
        """Run a playbook of the collection."""
        return run(["ansible-playbook", "--inventory", str(self.inventory), *words, f"{MODULES}.{name}"])

    def tasks(self, tasks: list[dict[str, Any]], *words: str) -> Done:
        """Run tasks as one play."""
        defaults = {f"group/{MODULES}.containerd": {"timeout": 120}}
        play = {"name": "Fault", "hosts": self.name, "gather_facts": False, "tasks": tasks, "module_defaults": defaults}
        with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as playbook:
            json.dump([play], playbook)
            playbook.flush()
            return run(["ansible-playbook", "--inventory", str(self.inventory), *words, playbook.name])

    def target(self, name: str, part: str = "main") -> Done:
        """Run a target of ``tests/integration``, as the scenario ``modules`` does.

        :param part: the file of tasks to run, if it stands by itself.
        """
        role = {"name": name, "tasks_from": part}
        self.shell(f"mkdir -p /srv/image-tests/{name}")
        return self.tasks([{"name": f"Run {name}", "ansible.builtin.include_role": role}])

    def molecule_tests(self, scenario: str, expression: str) -> Done:
        """Run tests of a molecule scenario on this node instead of the scenario's own.

        :param expression: which ones, as pytest's option ``-k`` takes it.
        """
        return run(
            [
                *(sys.executable, "-m", "pytest", "--quiet", "-p", "no:cacheprovider", "-k", expression),
                *(f"--ansible-inventory={self.inventory}", "--hosts=ansible://nodes"),
                str(CHECKOUT / "molecule" / scenario / "tests"),
            ],
            environ={"MOLECULE_SCENARIO_DIRECTORY": str(self.scenario)},
        )
