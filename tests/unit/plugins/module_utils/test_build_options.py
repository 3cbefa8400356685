# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From options to a build, and what is refused on the way."""

from __future__ import annotations

import os
import pathlib
import socket
import stat
import typing as t
from unittest import mock

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils import _build_options
from ansible_collections.nephoran.container_build.plugins.module_utils._build_context import ContextSnapshot
from ansible_collections.nephoran.container_build.plugins.module_utils._build_options import read_build_request
from ansible_collections.nephoran.container_build.plugins.module_utils._build_spec import BuildSpec, Secret, SSHAgent
from ansible_collections.nephoran.container_build.plugins.module_utils._buildah import buildah_words
from ansible_collections.nephoran.container_build.plugins.module_utils._buildctl import buildctl_words
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._git import Git
from ansible_collections.nephoran.container_build.plugins.module_utils._image_build import BuildRequest
from ansible_collections.nephoran.container_build.plugins.module_utils._nerdctl_builder import nerdctl_build_words
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import FakeRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DOCKERFILE = "FROM scratch\n"
TOKEN = "tok3n-0123456789-secret"

DEFAULTS: dict[str, t.Any] = {
    "name": "app",
    "tag": "latest",
    "backend": "nerdctl",
    "dockerfile": None,
    "dockerfile_content": None,
    "rebuild": "on_change",
    "args": {},
    "target": None,
    "platform": [],
    "labels": {},
    "network": None,
    "etc_hosts": {},
    "build_contexts": {},
    "cache_from": [],
    "cache_to": [],
    "pull": False,
    "nocache": False,
    "secrets": [],
    "ssh": [],
    "allow": [],
    "log_path": None,
    "provenance": None,
    "sbom": False,
    "sbom_generator": None,
    "outputs": [],
    "push": False,
    "base_digest": "ignore",
    "auth_file": None,
    "username": None,
    "insecure": False,
    "timeout": None,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A context, and a private folder beside it."""
    top = tmp_path_factory.mktemp("build")
    (top / "context" / "sub").mkdir(parents=True)
    (top / "context" / "Dockerfile").write_text(DOCKERFILE)
    (top / "context" / "sub" / "Other").write_text("FROM other\n")
    (top / "scratch").mkdir(mode=0o700)
    return top


class Read(t.Protocol):
    def __call__(self, **options: t.Any) -> BuildRequest: ...


@pytest.fixture
def read(folder: pathlib.Path) -> Read:
    def read(**options: t.Any) -> BuildRequest:
        params = {**DEFAULTS, "path": str(folder / "context"), **options}
        return read_build_request(params, str(folder / "scratch"), None, lambda: Git(FakeRunner()))

    return read


def test_the_plainest_build(read: Read, folder: pathlib.Path) -> None:
    request = read()
    assert str(request.spec.reference) == "docker.io/library/app:latest"
    assert request.spec.context == str(folder / "context")
    assert request.spec.dockerfile == str(folder / "context" / "Dockerfile")
    assert (request.rebuild, request.log_path, request.timeout) == ("on_change", None, None)
    assert set(request.inputs.contexts) == {""}
    assert set(request.inputs.contexts[""].entries) == {"Dockerfile", "sub", "sub/Other"}


def test_all_options_reach_the_build(read: Read, folder: pathlib.Path) -> None:
    request = read(
        name="registry.example.com/team/app",
        tag="v1",
        rebuild="always",
        args={"VERSION": 1.5, "DEBUG": True, "TEXT": "a=b"},
        target="runtime",
        platform=["linux/x86_64", "arm64"],
        labels={"org.example.a": False},
        network="none",
        etc_hosts={"db": "192.0.2.1", "six": "2001:db8::1"},
        build_contexts={"src": str(folder / "context" / "sub"), "base": "docker-image://alpine:3.22"},
        cache_from=["type=local,src=/c"],
        cache_to=["type=local,dest=/c"],
        pull=True,
        nocache=True,
        allow=["network.host"],
        log_path="/var/log/build.log",
        timeout=60,
    )
    assert request.spec == BuildSpec(
        reference=request.spec.reference,
        context=str(folder / "context"),
        dockerfile=str(folder / "context" / "Dockerfile"),
        args={"VERSION": "1.5", "DEBUG": "true", "TEXT": "a=b"},
        target="runtime",
        platforms=(Platform.parse("linux/amd64"), Platform.parse("linux/arm64")),
        labels={"org.example.a": "false"},
        network="none",
        etc_hosts={"db": "192.0.2.1", "six": "2001:db8::1"},
        build_contexts={"src": str(folder / "context" / "sub"), "base": "docker-image://alpine:3.22"},
        cache_from=("type=local,src=/c",),
        cache_to=("type=local,dest=/c",),
        pull=True,
        nocache=True,
        allow=("network.host",),
    )
    assert str(request.spec.reference) == "registry.example.com/team/app:v1"
    assert (request.rebuild, request.log_path, request.timeout) == ("always", "/var/log/build.log", 60)
    assert set(request.inputs.contexts) == {"", "src"}


@pytest.mark.parametrize(
    ("name", "tag", "reference"),
    [
        ("app", "v1", "docker.io/library/app:v1"),
        ("app:v2", "v1", "docker.io/library/app:v2"),
        ("localhost:5000/app", "v1", "localhost:5000/app:v1"),
        ("localhost:5000/app:v2", "v1", "localhost:5000/app:v2"),
    ],
)
def test_a_tag_in_the_name_wins(read: Read, name: str, tag: str, reference: str) -> None:
    assert str(read(name=name, tag=tag).spec.reference) == reference


def test_a_digest_is_no_name_for_what_does_not_exist_yet(read: Read) -> None:
    with pytest.raises(InvalidInput, match="cannot be named by its digest"):
        read(name="app@sha256:" + "0" * 64)


class TestDockerfile:
    """Where it is found."""

    def test_relative_to_the_context(self, read: Read, folder: pathlib.Path) -> None:
        request = read(dockerfile="sub/Other")
        assert request.spec.dockerfile == str(folder / "context" / "sub" / "Other")
        assert request.inputs.dockerfile != read().inputs.dockerfile

    def test_absolute(self, read: Read, tmp_path: pathlib.Path) -> None:
        (tmp_path / "Elsewhere").write_text(DOCKERFILE)
        request = read(dockerfile=str(tmp_path / "Elsewhere"))
        assert request.spec.dockerfile == str(tmp_path / "Elsewhere")
        assert request.inputs.dockerfile == read().inputs.dockerfile

    def test_a_containerfile_if_there_is_no_dockerfile(self, read: Read, tmp_path: pathlib.Path) -> None:
        (tmp_path / "Containerfile").write_text(DOCKERFILE)
        assert read(path=str(tmp_path)).spec.dockerfile == str(tmp_path / "Containerfile")
        (tmp_path / "Dockerfile").write_text(DOCKERFILE)
        assert read(path=str(tmp_path)).spec.dockerfile == str(tmp_path / "Dockerfile")

    def test_given_as_text(self, read: Read, folder: pathlib.Path) -> None:
        request = read(dockerfile_content="FROM ü\n")
        path = pathlib.Path(request.spec.dockerfile)
        assert path.read_text(encoding="utf-8") == "FROM ü\n"
        assert path.is_relative_to(folder / "scratch")
        assert "FROM" not in str(sorted(os.listdir(folder / "context")))
        # The same text gives the same inputs, wherever it lay meanwhile.
        assert request.inputs.digest == read(dockerfile_content="FROM ü\n").inputs.digest

    @pytest.mark.parametrize("given", [None, "Absent", "../x", "sub"])
    def test_none_there(self, read: Read, tmp_path: pathlib.Path, given: str | None) -> None:
        (tmp_path / "sub").mkdir()
        with pytest.raises(InvalidInput, match="There is no Dockerfile") as caught:
            read(path=str(tmp_path), dockerfile=given)
        assert str(tmp_path) in (caught.value.expected or "") or given == "../x"
        assert "dockerfile_content" in (caught.value.remedy or "")


class TestPath:
    """The context."""

    def test_relative(self, read: Read) -> None:
        with pytest.raises(InvalidInput, match="Not an absolute path: path: context"):
            read(path="context")

    def test_missing(self, read: Read) -> None:
        with pytest.raises(InvalidInput, match=r"does not exist on this node: path: /no/such.*not on the controller"):
            read(path="/no/such")

    def test_a_file(self, read: Read, folder: pathlib.Path) -> None:
        with pytest.raises(InvalidInput, match="is not a folder"):
            read(path=str(folder / "context" / "Dockerfile"))

    def test_normalised(self, read: Read, folder: pathlib.Path) -> None:
        assert read(path=f"{folder}/context/sub/..//").spec.context == str(folder / "context")


REFUSED: list[tuple[str, t.Any, str]] = [
    ("name", "Bad Name", "white space"),
    ("name", "UPPER", "lower case"),
    ("name", "--help", "must not begin with '-'"),
    ("tag", "-x", "Not a valid tag"),
    ("tag", "", "Not a valid tag"),
    ("tag", "a b", "Not a valid tag"),
    ("args", {"-A": "x"}, "args: '-A'"),
    ("args", {"A=B": "x"}, "args: 'A=B'"),
    ("args", {"": "x"}, "args: ''"),
    ("args", {"A": None}, "args: A"),
    ("args", {"A": ["x"]}, "args: A"),
    ("args", {"A": {"b": "c"}}, "args: A"),
    ("args", {"A": "x\0y"}, "NUL"),
    ("labels", {"-a": "x"}, "labels: '-a'"),
    ("labels", {"a=b": "x"}, "labels: 'a=b'"),
    ("labels", {"a b": "x"}, "labels: 'a b'"),
    ("labels", {"": "x"}, "labels: ''"),
    ("labels", {"a\n": "x"}, "labels:"),
    ("labels", {"a": None}, "labels: a"),
    ("labels", {"a": "\0"}, "NUL"),
    ("target", "-x", "target: '-x'"),
    ("target", "a b", "target: 'a b'"),
    ("target", "a\nb", "target:"),
    ("platform", ["linux/"], "Not a valid platform"),
    ("platform", ["plan10"], "Not a valid platform"),
    ("etc_hosts", {"-h": "192.0.2.1"}, "etc_hosts: '-h'"),
    ("etc_hosts", {"h": "x"}, "etc_hosts: 'h': 'x'"),
    ("etc_hosts", {"h": ""}, "etc_hosts: 'h': ''"),
    ("etc_hosts", {"h,i": "192.0.2.1"}, "etc_hosts: 'h,i'"),
    ("etc_hosts", {"h": "192.0.2.1,x=y"}, "etc_hosts:"),
    ("build_contexts", {"-x": "/"}, "build_contexts: '-x'"),
    ("build_contexts", {"x": "relative"}, "build_contexts: x: relative"),
    ("build_contexts", {"x": "--flag"}, "build_contexts: x: --flag"),
    ("build_contexts", {"x": "/no/such"}, "build_contexts: x: /no/such"),
    ("build_contexts", {"x=y": "/"}, "build_contexts: 'x=y'"),
    ("cache_from", ["--help"], "cache_from: '--help'"),
    ("cache_from", [""], "cache_from: ''"),
    ("cache_to", ["a\nb"], "cache_to:"),
    ("allow", ["-x"], "allow: '-x'"),
    ("timeout", 0, "timeout: 0"),
    ("log_path", "build.log", "log_path"),
    ("log_path", "/tmp/a\0b", "log_path"),
    ("secrets", [{"id": "a,b", "type": "value", "value": "x"}], "secrets: 'a,b'"),
    ("secrets", [{"id": "-a", "type": "value", "value": "x"}], "secrets: '-a'"),
    ("secrets", [{"id": "", "type": "value", "value": "x"}], "secrets: ''"),
    ("secrets", [{"id": "a", "type": "file", "src": "/no/such"}], "secrets: a: /no/such"),
    ("secrets", [{"id": "a", "type": "file", "src": "/"}], "secrets: a: /"),
    ("secrets", [{"id": "a", "type": "env", "env": "NO_SUCH_VARIABLE"}], "secrets: a: NO_SUCH_VARIABLE"),
    ("ssh", [{"id": "a=b", "paths": []}], "ssh: 'a=b'"),
    ("ssh", [{"id": "a", "paths": ["/no/such"]}], "ssh: a: /no/such"),
]


@pytest.mark.parametrize(("option", "value", "said"), REFUSED)
def test_what_cannot_be_used_is_refused_by_name(read: Read, option: str, value: t.Any, said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read(**{option: value})
    assert said in str(caught.value)
    assert str(caught.value).isprintable()


def test_each_builders_own_ignore_files(read: Read, tmp_path: pathlib.Path) -> None:
    """What a builder is sent decides, and buildah heeds no ignore file of a named context."""
    for folder in ("main", "named"):
        (tmp_path / folder).mkdir()
        for name in ("a", "b"):
            (tmp_path / folder / name).write_text(name)
        (tmp_path / folder / ".dockerignore").write_text("a\n.*\nDockerfile")
        (tmp_path / folder / ".containerignore").write_text("b\n.*\nDockerfile")
    (tmp_path / "main" / "Dockerfile").write_text(DOCKERFILE)

    def entries(backend: str) -> dict[str, list[str]]:
        options = {"path": str(tmp_path / "main"), "build_contexts": {"x": str(tmp_path / "named")}}
        contexts = read(**options, backend=backend).inputs.contexts
        return {name: sorted(snapshot.entries) for name, snapshot in contexts.items()}

    assert entries("nerdctl") == entries("buildctl") == {"": ["b"], "x": ["b"]}
    assert entries("buildah") == {"": ["a"], "x": [".containerignore", ".dockerignore", "a", "b"]}


class TestSecrets:
    """They reach builders as files, and appear nowhere else."""

    def everywhere(self, folder: pathlib.Path) -> list[dict[str, t.Any]]:
        path = folder / "token"
        path.write_text(TOKEN)
        return [
            {"id": "one", "type": "value", "src": None, "env": None, "value": TOKEN},
            {"id": "two", "type": "env", "src": None, "env": "UNIT_TOKEN", "value": None},
            {"id": "three", "type": "file", "src": str(path), "env": None, "value": None},
        ]

    @pytest.fixture(autouse=True)
    def environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UNIT_TOKEN", TOKEN)

    def test_each_is_a_file_that_only_its_owner_reads(self, read: Read, folder: pathlib.Path) -> None:
        secrets = read(secrets=self.everywhere(folder)).spec.secrets
        assert [secret.id for secret in secrets] == ["one", "two", "three"]
        for secret in secrets:
            assert pathlib.Path(secret.path).read_text() == TOKEN
        for secret in secrets[:2]:
            assert stat.S_IMODE(os.stat(secret.path).st_mode) == 0o600
            assert pathlib.Path(secret.path).parent == folder / "scratch"
        assert secrets[2] == Secret("three", str(folder / "token"))

    def test_they_decide_nothing_and_stand_in_no_command(self, read: Read, folder: pathlib.Path) -> None:
        request = read(secrets=self.everywhere(folder))
        assert request.inputs == read().inputs
        for words_of in BUILDERS:
            assert TOKEN not in "\n".join(words_of(request.spec))
        assert TOKEN not in repr(request)

    def test_bytes_of_a_variable_that_are_no_text_arrive_unchanged(
        self, read: Read, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(os.environ, "UNIT_BYTES", os.fsdecode(b"\xff\xfe\x01"))
        (secret,) = read(secrets=[{"id": "a", "type": "env", "env": "UNIT_BYTES"}]).spec.secrets
        assert pathlib.Path(secret.path).read_bytes() == b"\xff\xfe\x01"

    def test_an_empty_variable_is_a_secret(self, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("UNIT_EMPTY", "")
        (secret,) = read(secrets=[{"id": "a", "type": "env", "env": "UNIT_EMPTY"}]).spec.secrets
        assert pathlib.Path(secret.path).read_bytes() == b""

    @pytest.mark.parametrize("name", ["a,b", 'a"b', "a\nb"])
    def test_a_path_that_builders_would_take_apart_is_refused(
        self, read: Read, tmp_path: pathlib.Path, name: str
    ) -> None:
        (tmp_path / name).write_text(TOKEN)
        with pytest.raises(InvalidInput, match="no comma and no quote"):
            read(secrets=[{"id": "a", "type": "file", "src": str(tmp_path / name)}])
        with pytest.raises(InvalidInput, match="no comma and no quote"):
            read(ssh=[{"id": "a", "paths": [str(tmp_path / name)]}])

    def test_no_message_tells_them(self, read: Read) -> None:
        for identifier in ("", "a,b", "-x"):
            with pytest.raises(InvalidInput) as caught:
                read(secrets=[{"id": identifier, "type": "value", "value": TOKEN}])
            assert TOKEN not in str(caught.value)


def test_agents_are_sockets_or_keys(read: Read, tmp_path: pathlib.Path) -> None:
    agent, key = tmp_path / "agent.sock", tmp_path / "key"
    key.touch()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(agent))
        ssh = [{"id": "default", "paths": []}, {"id": "git", "paths": [str(agent)]}, {"id": "k", "paths": [str(key)]}]
        agents = read(ssh=ssh).spec.ssh
    assert agents == (SSHAgent("default"), SSHAgent("git", (str(agent),)), SSHAgent("k", (str(key),)))


# Words that shells, option parsers, CSV readers, templates and terminals are fond of.
HOSTILE = [
    *("--help", "-v", "--output=/etc/passwd", "-", "--", "", " ", "\n", "\0", "a\0b", "a\nb", "\r", "\t"),
    *("$(touch x)", "`touch x`", "; touch x", "| touch x", "&& touch x", "$HOME", "~", "*", "{{ 7 * 7 }}", "{% raw %}"),
    *("a,b", 'a"b', "a'b", "a=b", "a\\b", "id=x,src=/etc/shadow", "type=local,dest=/", "../../etc", "/etc/shadow"),
    *(
        "\x1b[31m",
        "\u202e",
        "\ufeff",
        "ü",
        "日本",
        "\ud800",
        "\udcff",
        "x" * 5000,
        "%s%n",
        "null",
        "0",
        "docker.io/a:b",
    ),
]
hostile = st.sampled_from(HOSTILE) | st.text(max_size=12) | st.tuples(st.sampled_from(HOSTILE), st.text()).map("".join)
hostile_values = hostile | st.integers() | st.floats() | st.booleans() | st.none() | st.lists(hostile, max_size=1)

OPTIONS: dict[str, st.SearchStrategy[t.Any]] = {
    "name": hostile,
    "tag": hostile,
    "path": hostile,
    "dockerfile": hostile,
    "sbom_generator": hostile,
    "dockerfile_content": hostile,
    "target": hostile,
    "log_path": hostile,
    "platform": st.lists(hostile, max_size=2),
    "cache_from": st.lists(hostile, max_size=2),
    "cache_to": st.lists(hostile, max_size=2),
    "allow": st.lists(hostile, max_size=2),
    **dict.fromkeys(
        ("args", "labels", "etc_hosts", "build_contexts"),
        st.dictionaries(hostile | st.sampled_from(["A", "host", "name"]), hostile_values, max_size=2),
    ),
    "secrets": st.lists(
        st.fixed_dictionaries({"id": hostile, "type": st.just("file"), "src": hostile})
        | st.fixed_dictionaries({"id": hostile, "type": st.just("env"), "env": hostile})
        | st.fixed_dictionaries({"id": hostile | st.just("a"), "type": st.just("value"), "value": hostile}),
        max_size=2,
    ),
    "ssh": st.lists(st.fixed_dictionaries({"id": hostile, "paths": st.lists(hostile, max_size=1)}), max_size=1),
    "outputs": st.lists(
        st.fixed_dictionaries(
            {
                "type": st.just("tar"),
                "dest": hostile | hostile.map("/tmp/".__add__),
                "name": st.just([]),
                "push": st.booleans(),
            }
        )
        | st.fixed_dictionaries(
            {"type": st.just("image"), "dest": st.none(), "name": st.lists(hostile, max_size=2), "push": st.booleans()}
        ),
        max_size=2,
    ),
}
# Options of the builders that take the next word, whatever it is.
TAKES_A_VALUE = {
    *("--tag", "--file", "--build-arg", "--label", "--target", "--platform", "--network", "--add-host"),
    *("--build-context", "--cache-from", "--cache-to", "--secret", "--ssh", "--allow", "--format"),
    *("--frontend", "--local", "--opt", "--import-cache", "--export-cache", "--output"),
}
BUILDERS = (nerdctl_build_words, buildctl_words, buildah_words)


@pytest.mark.parametrize("option", OPTIONS)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_hostile_values_are_refused_or_harmless(read: Read, option: str, data: st.DataObject) -> None:
    value = data.draw(OPTIONS[option])
    # A drawn path may be a folder that takes long to read.
    with mock.patch.object(_build_options, "snapshot_context", return_value=ContextSnapshot()):
        try:
            request = read(**{option: value})
        except InvalidInput as error:
            assert str(error).isprintable()  # noqa: PT017 - either is fine
            return
    harmless = read(pull=True, nocache=True).spec
    for words_of in BUILDERS:
        words, switches = words_of(request.spec), set(words_of(harmless)) | TAKES_A_VALUE
        for before, word in zip(["", *words], words):
            assert "\0" not in word
            os.fsencode(word)
            if before not in TAKES_A_VALUE:
                assert not word.startswith("-") or word in switches


def test_every_free_option_is_attacked() -> None:
    # How registries are reached is attacked where that is read: test_registry_access.py.
    registry = {"backend", "provenance", "sbom", "push", "base_digest", "auth_file", "username", "insecure"}
    not_free = {"rebuild", "network", "pull", "nocache", "timeout", *registry}
    assert set(OPTIONS) == {*DEFAULTS, "path"} - not_free
