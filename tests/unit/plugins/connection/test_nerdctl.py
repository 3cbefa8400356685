# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and files reach a container through a nerdctl that runs them on this machine and writes down its words."""

from __future__ import annotations

import json
import os
import pathlib
import typing as t
from unittest import mock

import pytest

pytest.importorskip("ansible.plugins.connection", reason="connection plugins run on the controller's Python")

from ansible.errors import AnsibleConnectionFailure, AnsibleError, AnsibleFileNotFound
from ansible_collections.nephoran.container_build.plugins.connection.nerdctl import Connection

# exec runs the command here; inspect answers for the containers "web" (running) and "old" (stopped).
NERDCTL = r"""#!/usr/bin/env python3
import json, os, subprocess, sys
words = sys.argv[1:]
with open(os.environ["WORDS"], "a") as log:
    log.write(json.dumps(words) + "\n")
command = [word for word in words if not word.startswith("-")]
states = {"web": "running", "old": "exited"}
if command[0] == "exec":
    name = command[1]
    if states.get(name) == "running":
        rest = words[words.index(name) + 1:]
        status = subprocess.run(rest).returncode
        if status:
            sys.exit(f'time="2026-11-24T11:00:00Z" level=fatal msg="exec failed with exit code {status}"')
        sys.exit(0)
    sys.exit(f'time="2026-11-24T11:00:00Z" level=fatal msg="no such container {name}"')
name = command[-1]
if name not in states:
    sys.exit(f'time="2026-11-24T11:00:00Z" level=fatal msg="no such container {name}"')
print(states[name])
"""
HOSTILE = "a b'\"$(touch x)`touch x`;touch x -n\n ü"


class Site:
    """A controller with that nerdctl."""

    def __init__(self, folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.words = folder / "words"
        self.nerdctl = folder / "nerdctl"
        self.nerdctl.write_text(NERDCTL)
        self.nerdctl.chmod(0o755)
        monkeypatch.setenv("WORDS", str(self.words))
        monkeypatch.chdir(folder)

    def connect(self, **options: t.Any) -> Connection:
        given = {
            "remote_addr": "web",
            "remote_user": None,
            "namespace": "default",
            "address": None,
            "nerdctl_executable": str(self.nerdctl),
            "extra_args": "",
            **options,
        }
        connection = Connection(mock.Mock(), shell=mock.Mock())
        connection.get_option = given.__getitem__
        return connection

    @property
    def calls(self) -> list[list[str]]:
        return [json.loads(line) for line in self.words.read_text().splitlines()]


@pytest.fixture
def site(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    folder = tmp_path / "site"
    folder.mkdir()
    return Site(folder, monkeypatch)


def test_a_command_runs_in_the_container(site: Site) -> None:
    assert site.connect().exec_command("echo out; echo err >&2; exit 7") == (7, b"out\n", b"err\n")
    assert site.calls == [
        ["--namespace=default", "exec", "--interactive", "web", "/bin/sh", "-c", "echo out; echo err >&2; exit 7"]
    ]


@pytest.mark.parametrize("said", ["", "err\n", "no line's end", "time=1 2\ntime=3\n"])
@pytest.mark.parametrize("status", [1, 2, 127])
def test_the_status_of_a_command_is_its_own(site: Site, said: str, status: int) -> None:
    """nerdctl 2.2.1 ends with 1, and tells the status in a line of its own."""
    command = f"printf '%s' '{said.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}' >&2; exit {status}"
    assert site.connect().exec_command(command) == (status, b"", said.encode())


def test_options_reach_nerdctl_as_single_words(site: Site) -> None:
    connection = site.connect(
        namespace="k8s.io", address="/run/c d.sock", remote_user="app:app", extra_args="--debug '--data-root=/a b'"
    )
    connection.exec_command("true")
    (words,) = site.calls
    assert words[:4] == ["--address=/run/c d.sock", "--namespace=k8s.io", "--debug", "--data-root=/a b"]
    assert words[4:] == ["exec", "--interactive", "--user=app:app", "web", "/bin/sh", "-c", "true"]


def test_pipelining(site: Site) -> None:
    connection = site.connect()
    assert connection.has_pipelining
    data = bytes(range(256)) * 5000
    assert connection.exec_command("cat", in_data=data) == (0, data, b"")


def test_without_data_a_command_that_reads_finds_the_end(site: Site) -> None:
    assert site.connect().exec_command("cat") == (0, b"", b"")


@pytest.mark.parametrize("content", [b"", b"text\n", bytes(range(256)) * 5000])
@pytest.mark.parametrize("name", ["plain", HOSTILE, "-n"])
def test_files_go_there_and_back(site: Site, content: bytes, name: str) -> None:
    source, inside, back = site.folder / "source", site.folder / "in" / name, site.folder / "back"
    inside.parent.mkdir()
    source.write_bytes(content)
    connection = site.connect()
    connection.put_file(str(source), str(inside))
    assert inside.read_bytes() == content
    connection.fetch_file(str(inside), str(back))
    assert back.read_bytes() == content
    assert not (site.folder / "x").exists()
    assert all("cp" not in words for words in site.calls)


def test_a_path_that_looks_like_an_option(site: Site) -> None:
    (site.folder / "--help").write_text("a file")
    site.connect().fetch_file("--help", str(site.folder / "back"))
    assert (site.folder / "back").read_text() == "a file"


def test_a_file_that_is_not_there(site: Site) -> None:
    with pytest.raises(AnsibleFileNotFound, match="no file"):
        site.connect().put_file(str(site.folder / "absent"), "/tmp/x")
    with pytest.raises(AnsibleFileNotFound):
        site.connect().put_file(str(site.folder), "/tmp/x")
    back = site.folder / "back"
    with pytest.raises(AnsibleError, match=r"absent of the container web cannot be read(?s:.*)No such file"):
        site.connect().fetch_file("/absent", str(back))
    assert not back.exists()


def test_a_file_that_does_not_arrive_whole(site: Site) -> None:
    source = site.folder / "source"
    source.write_bytes(b"123456")
    with pytest.raises(AnsibleError, match=r"of 6 bytes did not arrive(?s:.*)/dev/full|No space"):
        site.connect().put_file(str(source), "/dev/full")
    with pytest.raises(AnsibleError, match="of 6 bytes did not arrive"):
        site.connect().put_file(str(source), "/dev/null")


@pytest.mark.parametrize(("name", "found"), [("absent", "nerdctl does not find it"), ("old", "it is exited there")])
def test_a_container_that_does_not_run(site: Site, name: str, found: str) -> None:
    connection = site.connect(remote_addr=name, namespace="k8s.io")
    with pytest.raises(AnsibleConnectionFailure) as caught:
        connection.exec_command("true")
    message = str(caught.value)
    assert f"The container {name} of the namespace k8s.io cannot be reached: {found}" in message
    assert f"no such container {name}" in message
    assert "To do: " in message


def test_a_program_that_ends_as_nerdctl_does_is_not_taken_for_it(site: Site) -> None:
    told = 'time="2026-11-24T11:00:00Z" level=fatal msg="no"'
    status, _output, errors = site.connect().exec_command(f"echo '{told}' >&2; exit 1")
    assert (status, errors.decode().strip()) == (1, told)


def test_nerdctl_is_not_installed(site: Site) -> None:
    with pytest.raises(AnsibleError, match=r"nerdctl is not installed on the controller: there is no nerdctl-absent"):
        site.connect(nerdctl_executable="nerdctl-absent").exec_command("true")


def test_nerdctl_cannot_be_started(site: Site) -> None:
    site.nerdctl.write_text("#!/absent/interpreter\n")
    with pytest.raises(AnsibleConnectionFailure, match="could not be started"):
        site.connect().exec_command("true")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("remote_addr", "--privileged"),
        ("remote_addr", "a b"),
        ("remote_addr", ""),
        ("remote_addr", "a\n"),
        ("namespace", "-x"),
        ("namespace", "a/b"),
        ("remote_user", "-u"),
        ("remote_user", "a b"),
        ("remote_user", "a:b:c"),
    ],
)
def test_what_could_become_an_option_is_refused(site: Site, option: str, value: str) -> None:
    with pytest.raises(AnsibleError, match=r"^Not a "):
        site.connect(**{option: value}).exec_command("true")
    assert not site.words.exists()


@pytest.mark.parametrize(
    ("asks", "sudoable", "refused"), [(True, True, True), (True, False, False), (False, True, False)]
)
def test_a_password_cannot_be_typed(site: Site, asks: bool, sudoable: bool, refused: bool) -> None:
    connection = site.connect()
    connection.become = mock.Mock(expect_prompt=lambda: asks)
    connection.become.name = "ansible.builtin.su"
    if refused:
        with pytest.raises(AnsibleError, match=r"ansible\.builtin\.su wants a password"):
            connection.exec_command("true", sudoable=sudoable)
    else:
        assert connection.exec_command("true", sudoable=sudoable)[0] == 0


def test_the_environment_is_the_controllers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTAINERD_SNAPSHOTTER", "native")
    assert site.connect().exec_command('echo "$CONTAINERD_SNAPSHOTTER"')[1] == b"native\n"
    assert os.environ["WORDS"]
