# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of registries: written, owned, taken away, and silent about secrets."""

from __future__ import annotations

import json
import pathlib
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _registries
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import (
    IntegrityError,
    InvalidInput,
    NotFound,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._registries import (
    RegistriesManager,
    RegistriesPlan,
    RegistriesSpec,
)
from ansible_collections.nephoran.container_build.plugins.module_utils._registry_hosts import parse_registries

# A certificate authority that openssl made for this test; nobody has its key.
CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIUSz5LMzkif4ylLbcM1mWlIrp8yJEwCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTQXV0aG9yaXR5IG9mIGEgdGVzdDAgFw0yNjExMjQxMjIxMTZa
GA8yMTI2MTAzMTEyMjExNlowHjEcMBoGA1UEAwwTQXV0aG9yaXR5IG9mIGEgdGVz
dDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABOYzi2Aa5PRgv1Qzep5qFFxD5QG1
EJKtuIA1SlUeBRWwQBw3QCdzjMQjnDfOoEtLJQk2ZaXcAWDuN+/6+BuwoI2jUzBR
MB0GA1UdDgQWBBTpbkcH9fCaSDRERShd6JGJlc3qzDAfBgNVHSMEGDAWgBTpbkcH
9fCaSDRERShd6JGJlc3qzDAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gA
MEUCIQDmZ79RhOQykaPk06P1+Plo9mDLOyWDcSpnMYbRSI87iQIgHpnyPrT17JDC
LQIOTxrQLOYFvCACYJtBQPVA76qgCE4=
-----END CERTIFICATE-----
"""

PRIVATE = {"name": "r.example.org:5000", "username": "u", "password": "hunter2", "cri_auth": True}
MIRRORED = {"name": "docker.io", "mirrors": [{"url": "http://10.0.0.5:5000"}]}


class Node:
    """A node's file system below a test's own folder."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.docker_config = root / "root/.docker/config.json"

    def plan(
        self, *entries: dict[str, t.Any], search: t.Sequence[str] = (), check_mode: bool = False
    ) -> RegistriesPlan:
        return self._manager(entries, search).plan(check_mode=check_mode)

    def converge(self, *entries: dict[str, t.Any], search: t.Sequence[str] = ()) -> RegistriesPlan:
        manager = self._manager(entries, search)
        plan = manager.plan(check_mode=False)
        if plan.changed:
            manager.apply(plan)
        return plan

    def _manager(self, entries: t.Sequence[dict[str, t.Any]], search: t.Sequence[str]) -> RegistriesManager:
        return RegistriesManager(
            RegistriesSpec(
                registries=parse_registries(entries),
                search=tuple(search),
                hosts_folder=f"{self.root}/etc/containerd/certs.d",
                docker_config=str(self.docker_config),
                root=str(self.root),
            )
        )

    def files(self) -> dict[str, int]:
        """Return all files with their modes."""
        return {
            str(path.relative_to(self.root)): path.stat().st_mode & 0o777
            for path in self.root.rglob("*")
            if path.is_file()
        }


@pytest.fixture
def node(tmp_path: pathlib.Path) -> Node:
    return Node(tmp_path)


def test_files_are_written_once_and_secret_ones_are_roots_alone(node: Node) -> None:
    entries = (MIRRORED, {**PRIVATE, "ca": CERTIFICATE})
    assert node.converge(*entries, search=["docker.io"]).changed
    assert node.files() == {
        "etc/containerd/certs.d/docker.io/hosts.toml": 0o644,
        "etc/containerd/certs.d/r.example.org:5000/hosts.toml": 0o600,
        "etc/containers/certs.d/r.example.org:5000/ca.crt": 0o644,
        "etc/containers/registries.conf.d/50-nephoran.conf": 0o644,
        "root/.docker/config.json": 0o600,
        "var/lib/nephoran-container-build/registries.json": 0o600,
    }
    assert (node.root / "root/.docker").stat().st_mode & 0o777 == 0o700
    assert (node.root / "var/lib/nephoran-container-build").stat().st_mode & 0o777 == 0o700
    assert not node.converge(*entries, search=["docker.io"]).changed


def test_no_secret_is_told(node: Node) -> None:
    plan = node.converge({**PRIVATE, "mirrors": [{"url": "https://r.example.org:5001"}]})
    told = repr((plan.action_lines(), plan.diffs))
    auth = json.loads(node.docker_config.read_text(encoding="utf-8"))["auths"]["r.example.org:5000"]["auth"]
    assert "hunter2" not in told
    assert auth not in told
    assert auth in (node.root / "etc/containerd/certs.d/r.example.org:5000/hosts.toml").read_text(encoding="utf-8")
    # Nor is it when it goes.
    gone = node.converge({"name": "r.example.org:5000", "plain_http": True})
    assert auth not in repr((gone.action_lines(), gone.diffs))


def test_what_is_not_asked_for_any_longer_goes_and_what_is_not_ours_stays(node: Node) -> None:
    theirs = node.root / "etc/containerd/certs.d/theirs.example.org/hosts.toml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text('server = "https://theirs.example.org"\n', encoding="utf-8")
    node.docker_config.parent.mkdir(parents=True)
    node.docker_config.write_text('{"auths": {"theirs": {"auth": "x"}}}', encoding="utf-8")
    node.converge(MIRRORED, PRIVATE, search=["docker.io"])
    plan = node.converge(MIRRORED)
    assert [action.verb for action in plan.actions] == ["write", "remove", "write"]
    assert not (node.root / "etc/containerd/certs.d/r.example.org:5000").exists()
    node.converge()
    assert theirs.exists()
    assert json.loads(node.docker_config.read_text(encoding="utf-8")) == {"auths": {"theirs": {"auth": "x"}}}
    assert sorted(node.files()) == [str(theirs.relative_to(node.root)), "root/.docker/config.json"]
    assert not node.converge().changed


def test_a_file_of_credentials_that_was_ours_alone_goes(node: Node) -> None:
    node.converge(PRIVATE)
    assert node.converge().actions[-1].verb == "remove"
    assert not node.docker_config.exists()


def test_a_file_of_credentials_is_made_roots_alone(node: Node) -> None:
    node.converge(PRIVATE)
    node.docker_config.chmod(0o644)
    assert node.converge(PRIVATE).action_lines() == [f"write {node.docker_config} (mode or owner)"]
    assert node.docker_config.stat().st_mode & 0o777 == 0o600


def test_check_mode_touches_nothing_and_predicts_all(node: Node) -> None:
    predicted = node.plan(MIRRORED, PRIVATE, check_mode=True)
    assert node.files() == {}
    assert predicted.action_lines() == node.converge(MIRRORED, PRIVATE).action_lines()


@pytest.mark.parametrize("step", ["apply_files", "write_file", "write_record"])
def test_a_run_that_is_killed_owns_all_that_it_wrote(node: Node, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    class Killed(BaseException):
        pass

    written = getattr(_registries, step)
    calls: list[object] = []

    def killed(*arguments: t.Any) -> None:
        calls.append(arguments)
        # The record is written twice: before the files, and after them.
        if step == "write_record" and len(calls) == 1:
            written(*arguments)
            return
        raise Killed

    monkeypatch.setattr(_registries, step, killed)
    with pytest.raises(Killed):
        node.converge(MIRRORED, PRIVATE)
    monkeypatch.undo()
    node.converge()
    assert node.files() == {}


def test_an_authority_is_copied_from_the_node(node: Node, tmp_path: pathlib.Path) -> None:
    source = tmp_path / "authority.pem"
    entry = {"name": "r.example.org", "ca_file": str(source)}
    with pytest.raises(NotFound, match="copy it there"):
        node.plan(entry)
    assert node.plan(entry, check_mode=True).warnings
    source.write_text(f"\n{CERTIFICATE}\n\n", encoding="utf-8")
    node.converge(entry)
    copied = node.root / "etc/containers/certs.d/r.example.org/ca.crt"
    assert copied.read_text(encoding="utf-8") == CERTIFICATE


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", "no certificate that can be read"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "no certificate that can be read"),
        (CERTIFICATE + "-----BEGIN PRIVATE KEY-----\n", "a private key is in it"),
    ],
)
def test_what_is_no_authority_is_refused(node: Node, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        node.plan({"name": "r.example.org", "ca": text})


def test_a_record_that_cannot_be_read_is_said(node: Node) -> None:
    record = node.root / "var/lib/nephoran-container-build/registries.json"
    record.parent.mkdir(parents=True)
    record.write_text('{"files": 1}', encoding="utf-8")
    with pytest.raises(IntegrityError, match="record of the files"):
        node.plan(MIRRORED)


def test_a_file_that_is_right_already_becomes_ours(node: Node) -> None:
    node.converge(MIRRORED)
    (node.root / "var/lib/nephoran-container-build/registries.json").unlink()
    assert [action.verb for action in node.converge(MIRRORED).actions] == ["adopt"] * 2
    assert not node.converge(MIRRORED).changed
    node.converge()
    assert node.files() == {}
