# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The nodes that everything is measured on, made and installed as an operator would."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lab.nodes import inventory, node, ssh

CHECKOUT = Path(__file__).resolve().parents[2]
INVENTORY = CHECKOUT / ".ansible" / "bench"
FOLDER = "/var/tmp/nephoran-bench"  # noqa: S108 (on the node, where /tmp may be memory)
OUR_MODULES = "nephoran.container_build"
LAB_ENVIRONMENT = CHECKOUT / ".venv"
# The newest first: our modules are compared with the newest releases of their peers that are here.
# Hundreds of commands, each of which would shake hands for itself.
ONE_CONNECTION = (
    *("-o", "ControlMaster=auto", "-o", "ControlPersist=60"),
    *("-o", f"ControlPath={inventory.SOCKETS}/bench-%C"),
)
ANSIBLE_ENVIRONMENT = next(
    path for path in (CHECKOUT / ".venv-core-2.21", LAB_ENVIRONMENT) if (path / "bin" / "ansible").exists()
)


class BenchNode:
    """A node of the lab; see :func:`make_nodes`."""

    def __init__(self, name: str) -> None:
        self.name = name
        found = node.find(name)
        if found is None:
            raise SystemExit(f"The node {name} is gone.")
        client, *words = ssh.command(ssh.ensure_key_pair(), found.address)
        self._ssh = [client, *ONE_CONNECTION, *words]
        # The user that Ansible logs in as leaves its programs there too.
        self.run(f"mkdir -p {FOLDER} && chmod 1777 {FOLDER}")
        for program in sorted((CHECKOUT / "tests" / "benchmarks" / "on_node").glob("*.py")):
            self.run(f"cat > {FOLDER}/{program.name}", program.read_bytes())

    def run(self, command: str, data: bytes = b"") -> str:
        """Run a shell command as root and return what it prints."""
        argv = [*self._ssh, "sudo", "bash", "-euo", "pipefail", "-c", shlex.quote(command)]
        process = subprocess.run(argv, input=data, check=False, capture_output=True)
        if process.returncode:
            sys.stderr.write(process.stderr.decode("utf-8", "replace"))
            raise SystemExit(f"On {self.name}, this ended with {process.returncode}: {command[:300]} {data[:300]!r}")
        return process.stdout.decode()

    def program(self, name: str, *arguments: object) -> str:
        """Return the command that runs a program of ``on_node``."""
        return shlex.join(["python3", f"{FOLDER}/{name}.py", *map(str, arguments)])

    def seconds(self, *, prepare: str, run: str, expect: str) -> float:
        """Return how long the shell command *run* takes, which must print *expect*, after *prepare*."""
        plan = {"prepare": prepare, "run": run, "expect": expect}
        return float(self.run(self.program("timed"), json.dumps(plan).encode()))

    @contextlib.contextmanager
    def stores_in_memory(self, services: Sequence[str], stores: Sequence[str]) -> Iterator[None]:
        """Have *services* keep their *stores*, empty at first, in the machine's memory meanwhile."""
        ended, begun = f"systemctl stop {' '.join(services)}", f"systemctl start {' '.join(reversed(services))}"
        mounts = " && ".join(f"mkdir -p {store} && mount -t tmpfs bench {store}" for store in stores)
        self.run(f"{ended} && {mounts} && {begun}")
        try:
            yield
        finally:
            self.run(f"{ended} && umount --recursive --lazy {' '.join(stores)} && {begun}")

    def peak_memory(self, module_command: str) -> tuple[int, int]:
        """Return the bytes that a module had resident at its peak, and those of the largest process it started."""
        report = f"{FOLDER}/peak-memory"
        python, program = shlex.split(module_command)
        self.run(f"{python} {FOLDER}/peak_memory.py {report} {shlex.quote(program)}")
        own, children = self.run(f"cat {report}").split()
        return int(own) * 1024, int(children) * 1024

    def module_command(self, module: str, arguments: dict[str, Any], *, check: bool = False) -> str:
        """Return the command that runs a module on the node, as Ansible itself starts it there.

        Ansible leaves the program behind when it is told to keep remote files. It has run once then.

        Args:
            module: its name in full.
            arguments: its options.
            check: whether it is to run in check mode.
        """
        key = hashlib.sha256(json.dumps([module, arguments, check], sort_keys=True).encode()).hexdigest()[:12]
        keep = f"{FOLDER}/{module}-{key}"
        self.run(f"rm -rf {keep}")
        self.ansible(
            *("-m", module, "-a", json.dumps(arguments), *(["--check"] if check else [])),
            *("-e", json.dumps({"ansible_remote_tmp": keep, "ansible_ssh_pipelining": False})),
            ANSIBLE_KEEP_REMOTE_FILES="1",
        )
        program = self.run(f"find {keep} -name 'AnsiballZ_*.py'").strip()
        return shlex.join(["python3", program])

    def ansible(self, *words: str, **variables: str) -> str:
        """Run ``ansible`` against this node."""
        return _run(ANSIBLE_ENVIRONMENT, "ansible", "-i", str(INVENTORY), self.name, *words, **variables)


def make_nodes(kind: str, containerd: str, docker: str) -> tuple[BenchNode, BenchNode]:
    """Return a node with the toolchain, buildah and podman, and another one with Debian's Docker.

    Args:
        kind: of both nodes.
        containerd: the name of the first one.
        docker: the name of the second one.
    """
    specifications = (f"{containerd}:{kind}", f"{docker}:{kind}")
    _run(LAB_ENVIRONMENT, "python", "-m", "lab", "up", "--inventory", str(INVENTORY), *specifications)
    _run(LAB_ENVIRONMENT, "ansible-playbook", "-i", str(INVENTORY), "-l", containerd, f"{OUR_MODULES}.install")
    nodes = BenchNode(containerd), BenchNode(docker)
    _install(nodes[0], "podman")
    nodes[1].run(
        "mkdir -p /etc/docker && cat > /etc/docker/daemon.json",
        # Overlay file systems do not lie on one another; this folder is a volume.
        json.dumps({"data-root": "/srv/docker"}).encode(),
    )
    _install(nodes[1], "docker.io", "docker-cli", "docker-buildx")
    return nodes


def collection_version(name: str) -> str:
    """Return the version of a collection that comes with PyPI's ``ansible``."""
    (manifest,) = ANSIBLE_ENVIRONMENT.glob(f"lib/python*/site-packages/ansible_collections/{name}/MANIFEST.json")
    version: str = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    return version


def ansible_core_version() -> str:
    """Return the version of the ansible-core that sends the modules."""
    return _run(
        ANSIBLE_ENVIRONMENT, "python", "-c", "import ansible.release; print(ansible.release.__version__)"
    ).strip()


def _install(target: BenchNode, *packages: str) -> None:
    options = {"name": packages, "install_recommends": False, "update_cache": True, "cache_valid_time": 3600}
    target.ansible("-m", "ansible.builtin.apt", "-a", json.dumps(options))


def _run(environment: Path, *argv: str, **variables: str) -> str:
    done = subprocess.run(
        argv, cwd=CHECKOUT, env=_variables(environment, variables), check=False, capture_output=True, text=True
    )
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(f"{_shown(argv)} ended with {done.returncode}")
    return done.stdout


def _variables(environment: Path, more: dict[str, str]) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": os.pathsep.join([str(environment / "bin"), os.environ["PATH"]]),
        "PYTHONPATH": str(CHECKOUT / "tests"),
        "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"),
        **more,
    }


def _shown(argv: Sequence[str]) -> str:
    return shlex.join(argv)[:300]
