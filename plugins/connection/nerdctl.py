# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs tasks inside a container of containerd, with ``nerdctl exec``."""

from __future__ import annotations

DOCUMENTATION = r"""
name: nerdctl
short_description: Run tasks inside a container of containerd
version_added: "1.0.0"
description:
  - Runs commands in a running container of any of containerd's namespaces, and copies files to it and from it.
  - Nothing is needed in the container but C(/bin/sh), C(cat) and C(wc), and Python for modules. Files go through
    C(nerdctl exec) too, so containers with volumes and read-only root file systems are no special case.
author:
  - Nephoran contributors (@nephoran)
notes:
  - nerdctl runs on the controller. For containers of another machine, O(nerdctl_executable) may be a script that starts
    nerdctl there, with the words and the standard input that it was given itself.
  - Passwords of C(become) cannot be given over this connection. Set O(remote_user) to the user to become, or use a
    become method without a password.
  - The working folder is the container's own, as with C(nerdctl exec).
options:
  remote_addr:
    description:
      - The container's name or id.
    type: str
    default: inventory_hostname
    vars:
      - name: inventory_hostname
      - name: ansible_host
      - name: ansible_nerdctl_host
  remote_user:
    description:
      - The user in the container, by name or number, with a group after a colon if need be. The container's own if not
        given.
    type: str
    ini:
      - section: defaults
        key: remote_user
    env:
      - name: ANSIBLE_REMOTE_USER
    vars:
      - name: ansible_user
      - name: ansible_nerdctl_user
    keyword:
      - name: remote_user
    cli:
      - name: user
  namespace:
    description:
      - The container's namespace of containerd.
    type: str
    default: default
    env:
      - name: CONTAINERD_NAMESPACE
    vars:
      - name: ansible_nerdctl_namespace
  address:
    description:
      - containerd's socket. nerdctl's own default if not given.
    type: str
    env:
      - name: CONTAINERD_ADDRESS
    vars:
      - name: ansible_nerdctl_address
  nerdctl_executable:
    description:
      - nerdctl, as a name that is found in E(PATH), or in C(/usr/local/bin), or as a path.
    type: str
    default: nerdctl
    env:
      - name: ANSIBLE_NERDCTL_EXECUTABLE
    vars:
      - name: ansible_nerdctl_executable
  extra_args:
    description:
      - Further options of nerdctl itself, in front of its command, as a shell would take them apart.
    type: str
    default: ""
    env:
      - name: ANSIBLE_NERDCTL_EXTRA_ARGS
    vars:
      - name: ansible_nerdctl_extra_args
"""

EXAMPLES = r"""
- name: Run a container, and tasks in it
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Add the container to the inventory
      ansible.builtin.add_host:
        name: web
        ansible_connection: nephoran.container_build.nerdctl
        ansible_nerdctl_namespace: k8s.io
        ansible_python_interpreter: /usr/bin/python3

    - name: Write a file in it
      delegate_to: web
      ansible.builtin.copy:
        content: "hello\n"
        dest: /srv/hello
        mode: "0644"
"""

import os
import re
import shlex
import subprocess
import typing as t

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible.module_utils.common.process import get_bin_path
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import last_lines
from ansible_collections.nephoran.container_build.plugins.module_utils._identifiers import is_identifier

display = Display()

_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.$-]*(?::[A-Za-z0-9_][A-Za-z0-9_.$-]*)?")
# nerdctl ends so whatever went wrong, and with whatever status a command in a container ended: its last line tells.
_FATAL_STATUS = 1
_FATAL = re.compile(rb"level=fatal msg=")
_ENDED = re.compile(rb'level=fatal msg="exec failed with exit code (?P<status>\d+)"')


class Connection(ConnectionBase):
    """``nerdctl exec`` as a connection."""

    transport = "nephoran.container_build.nerdctl"
    has_pipelining = True

    def _connect(self) -> Connection:
        """Do nothing: each command is a session of its own, and says itself if the container is not there."""
        self._connected = True
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        """Run the shell's command *cmd* in the container, with *in_data* as its standard input.

        Raises:
            AnsibleConnectionFailure: the container cannot be reached.
            AnsibleError: a password would have to be typed.
        """
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if sudoable and self.become is not None and self.become.expect_prompt():
            raise AnsibleError(
                f"The become method {self.become.name} wants a password, and {self.transport} cannot give it one. "
                "To do: leave the password out, or set remote_user to the user to become."
            )
        display.vvv(f"EXEC {cmd}", host=self._container())
        return self._exec(["/bin/sh", "-c", cmd], data=in_data if in_data is not None else b"")

    def put_file(self, in_path: str, out_path: str) -> None:
        """Write the file *in_path* of the controller to *out_path* in the container, whole or with an error.

        Raises:
            AnsibleConnectionFailure: the container cannot be reached.
            AnsibleFileNotFound: there is no such file.
            AnsibleError: the file did not arrive.
        """
        super().put_file(in_path, out_path)
        display.vvv(f"PUT {in_path} TO {out_path}", host=self._container())
        try:
            with open(in_path, "rb") as stream:
                size = os.fstat(stream.fileno()).st_size
                # The path is a parameter of the shell, never parsed by it.
                status, output, errors = self._exec(
                    ["/bin/sh", "-c", 'cat > "$0" && wc -c < "$0"', _absolute(out_path)], stream=stream
                )
        except (FileNotFoundError, IsADirectoryError) as error:
            raise AnsibleFileNotFound(f"There is no file {in_path} on the controller.") from error
        if status != 0 or output.strip() != str(size).encode():
            raise AnsibleError(
                f"The file {in_path} of {size} bytes did not arrive at {out_path} in the container "
                f"{self._container()}.{_told(errors)}"
            )

    def fetch_file(self, in_path: str, out_path: str) -> None:
        """Write the file *in_path* in the container to *out_path* on the controller.

        Raises:
            AnsibleConnectionFailure: the container cannot be reached.
            AnsibleError: the file cannot be read.
        """
        super().fetch_file(in_path, out_path)
        display.vvv(f"FETCH {in_path} TO {out_path}", host=self._container())
        with open(out_path, "wb") as stream:
            status, _output, errors = self._exec(["cat", _absolute(in_path)], data=b"", output=stream)
        if status != 0:
            os.unlink(out_path)
            raise AnsibleError(
                f"The file {in_path} of the container {self._container()} cannot be read.{_told(errors)}"
            )

    def close(self) -> None:
        """Forget the connection; there is nothing to end."""
        self._connected = False

    def _exec(
        self,
        words: t.Sequence[str],
        *,
        data: bytes | None = None,
        stream: t.BinaryIO | None = None,
        output: t.BinaryIO | int = subprocess.PIPE,
    ) -> tuple[int, bytes, bytes]:
        container = self._container()
        argv = [*self._nerdctl(), "exec", "--interactive", *self._user(), container, *words]
        status, stdout, stderr = _run(argv, data=data, stream=stream, output=output)
        if status != _FATAL_STATUS:
            return status, stdout, stderr
        # What the command wrote last need not end with a line's end.
        before, _separator, last_line = stderr.rstrip().rpartition(b"time=")
        ended = _ENDED.search(last_line)
        if ended:
            return int(ended["status"]), stdout, before
        if _FATAL.search(last_line):
            self._require_container(container, stderr.decode("utf-8", "replace"))
        return status, stdout, stderr

    def _require_container(self, container: str, told: str) -> None:
        """Raise AnsibleConnectionFailure if *container* cannot be reached, for which nerdctl gave the reason *told*."""
        words = ["container", "inspect", "--format", "{{.State.Status}}", container]
        status, output, _errors = _run([*self._nerdctl(), *words], data=b"")
        state = output.decode("utf-8", "replace").strip()
        if status == 0 and state == "running":
            return
        where = f"the namespace {self.get_option('namespace')}"
        found = f"it is {state} there" if status == 0 else "nerdctl does not find it"
        raise AnsibleConnectionFailure(
            f"The container {container} of {where} cannot be reached: {found}.{_told(told.encode())}\n"
            "To do: start it, or correct ansible_host, ansible_nerdctl_namespace or ansible_nerdctl_address."
        )

    def _nerdctl(self) -> list[str]:
        namespace = str(self.get_option("namespace"))
        if not is_identifier(namespace):
            raise AnsibleError(
                f"Not a namespace of containerd: {namespace!r}. Expected: a name such as default or k8s.io."
            )
        executable = str(self.get_option("nerdctl_executable"))
        try:
            path = get_bin_path(executable, opt_dirs=["/usr/local/bin"])
        except ValueError as error:
            raise AnsibleError(
                f"nerdctl is not installed on the controller: there is no {executable} in PATH or /usr/local/bin. "
                "To do: install it, or set ansible_nerdctl_executable."
            ) from error
        address = self.get_option("address")
        return [
            path,
            *([f"--address={address}"] if address else []),
            f"--namespace={namespace}",
            *shlex.split(str(self.get_option("extra_args"))),
        ]

    def _container(self) -> str:
        container = str(self.get_option("remote_addr"))
        if not is_identifier(container):
            raise AnsibleError(f"Not a name or id of a container: {container!r}. To do: correct ansible_host.")
        return container

    def _user(self) -> list[str]:
        user = self.get_option("remote_user")
        if not user:
            return []
        if not _USER.fullmatch(str(user)):
            raise AnsibleError(f"Not a user in a container: {user!r}. Expected: a name or number, or user:group.")
        return [f"--user={user}"]


def _run(
    argv: t.Sequence[str],
    *,
    data: bytes | None = None,
    stream: t.BinaryIO | None = None,
    output: t.BinaryIO | int = subprocess.PIPE,
) -> tuple[int, bytes, bytes]:
    stdin = subprocess.PIPE if stream is None else stream
    try:
        with subprocess.Popen(argv, stdin=stdin, stdout=output, stderr=subprocess.PIPE) as process:
            stdout, stderr = process.communicate(data)
    except (OSError, ValueError) as error:
        raise AnsibleConnectionFailure(f"{argv[0]} could not be started: {error}") from error
    return process.returncode, stdout or b"", stderr


def _absolute(path: str) -> str:
    """Return *path* so that no command takes it for an option."""
    return path if path.startswith("/") else f"./{path}"


def _told(errors: bytes) -> str:
    lines = last_lines(errors.decode("utf-8", "replace"))
    return f"\nLast lines of the tool:\n{lines}" if lines else ""
