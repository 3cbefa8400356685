# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module image_build from its options to its result."""

from __future__ import annotations

import json
import os
import pathlib
import re
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._record_labels import PINNED_LABEL
from ansible_collections.nephoran.container_build.plugins.modules import image_build
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import BUILDKIT, FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer, Call
from ansible_collections.nephoran.container_build.tests.unit.plugins.module_utils.build_samples import buildkit_stderr

NAME = "docker.io/library/app:v1"
TOKEN = "unit-t0ken-4711"
BACKENDS = ("nerdctl", "buildctl", "buildah")
Run = t.Callable[..., t.Any]


@pytest.fixture
def build(run_module: Run, context: pathlib.Path) -> Run:
    def build(backend: str = "nerdctl", *, check: bool = False, **options: t.Any) -> t.Any:
        given = {"name": "app:v1", "path": str(context), "backend": backend, **options}
        if backend != "buildah":
            given.setdefault("buildkit_host", BUILDKIT)
        return run_module(image_build.main, given, check=check, diff=True)

    return build


def documented() -> set[str]:
    """The keys that the module's documentation promises of a success."""
    return set(re.findall(r"^(\w+):", image_build.RETURN, re.MULTILINE)) - {"error"}


class TestBackends:
    """The same contract, whoever builds."""

    @pytest.fixture(params=BACKENDS)
    def backend(self, request: pytest.FixtureRequest) -> str:
        return str(request.param)

    def test_the_first_build_for_kubernetes(self, node: FakeNode, build: Run, backend: str) -> None:
        checked = build(backend, namespace="k8s.io", pinned=True, check=True).result
        assert checked["changed"]
        assert (checked["image_id"], checked["digest"], checked["command"], checked["steps"]) == ("", "", [], [])
        assert node.builds == []
        result = build(backend, namespace="k8s.io", pinned=True).result
        assert result["changed"]
        assert (result["image"], result["namespace"], result["backend"]) == (NAME, "k8s.io", backend)
        assert result["rebuild_reasons"] == checked["rebuild_reasons"] == ["image missing"]
        assert result["actions"] == checked["actions"]
        assert result["diff"] == checked["diff"]
        assert result["inputs_digest"] == checked["inputs_digest"]
        assert result["command"][0] == backend
        record = node.containerd.record("k8s.io", NAME)
        assert result["digest"] == str(record.target.digest)
        assert record.labels == {PINNED_LABEL: "pinned"}
        assert node.containerd.whole("k8s.io", NAME)

    def test_again_nothing_is_started(self, node: FakeNode, build: Run, backend: str) -> None:
        first = build(backend, namespace="k8s.io").result
        started = len(node.builds)
        again = build(backend, namespace="k8s.io").result
        assert (again["changed"], again["rebuild_reasons"], again["command"]) == (False, [], [])
        assert (again["digest"], again["image_id"]) == (first["digest"], first["image_id"])
        assert again["diff"]["before"] == again["diff"]["after"]
        assert len(node.builds) == started == 1

    def test_a_changed_file(self, node: FakeNode, build: Run, backend: str, context: pathlib.Path) -> None:
        first = build(backend, namespace="k8s.io").result
        (context / "file").write_text("2")
        for check in (True, False):
            result = build(backend, namespace="k8s.io", check=check).result
            assert result["changed"]
            assert result["rebuild_reasons"] == ["context: file changed"]
            assert result["inputs_digest"] != first["inputs_digest"]

    def test_all_documented_keys_and_no_others(self, node: FakeNode, build: Run, backend: str) -> None:
        for check in (True, False, False):
            result = build(backend, namespace="k8s.io", check=check).result
            assert set(result) - {"invocation"} == documented() | {"changed", "diff"}

    def test_a_log_stays_on_the_node(self, node: FakeNode, build: Run, backend: str, tmp_path: pathlib.Path) -> None:
        log_path = str(tmp_path / "logs" / "build.log")
        assert build(backend, log_path=log_path, check=True).result["log_path"] == ""
        assert not pathlib.Path(log_path).exists()
        assert build(backend, log_path=log_path).result["log_path"] == log_path
        assert pathlib.Path(log_path).is_file()

    def test_secrets_stand_nowhere(
        self,
        node: FakeNode,
        build: Run,
        backend: str,
        context: pathlib.Path,
        tmp_path: pathlib.Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setenv("UNIT_TOKEN", TOKEN)
        (tmp_path / "token").write_text(TOKEN)
        secrets = [
            {"id": "one", "type": "value", "value": TOKEN},
            {"id": "two", "type": "env", "env": "UNIT_TOKEN"},
            {"id": "three", "type": "file", "src": str(tmp_path / "token")},
        ]
        read: list[str] = []
        answer = {"nerdctl": node._nerdctl_build, "buildctl": node._buildctl_build, "buildah": node._buildah_build}[
            backend
        ]

        def builder(call: Call) -> Answer:
            paths = [word.split("src=")[1] for word in call.values_of("--secret")]
            read.extend(pathlib.Path(path).read_text() for path in paths)
            return answer(call)

        node.runner.on(backend, "bud" if backend == "buildah" else "build", do=builder)
        answered = build(backend, namespace="k8s.io", secrets=secrets, log_path=str(tmp_path / "build.log"))
        assert read == [TOKEN] * 3
        for call in node.runner.calls:
            assert TOKEN not in " ".join(call.argv)
            assert TOKEN not in str(dict(call.environ or {}))
            assert TOKEN.encode() not in (call.data or b"")
        assert TOKEN not in json.dumps(answered.result)
        (tmp_path / "token").unlink()
        # Neither in the image, nor in what is kept of the build.
        assert not any(TOKEN.encode() in blob for blob in node.images.blobs.values())
        assert not [path for path in tmp_path.rglob("*") if path.is_file() and TOKEN.encode() in path.read_bytes()]
        # A new secret alone is no reason to build.
        secrets[0]["value"] = "another"
        (tmp_path / "token").write_text("another")
        assert not build(backend, namespace="k8s.io", secrets=secrets).result["changed"]


def test_each_option_reaches_the_builder(node: FakeNode, build: Run, tmp_path: pathlib.Path) -> None:
    (tmp_path / "more").mkdir()
    build(
        name="registry.example.com/app",
        tag="v2",
        args={"A": "1"},
        target="runtime",
        platform=["linux/amd64"],
        labels={"a": "b"},
        network="none",
        etc_hosts={"db": "192.0.2.1"},
        build_contexts={"more": str(tmp_path / "more")},
        cache_from=["type=local,src=/c"],
        cache_to=["type=local,dest=/c"],
        pull=True,
        nocache=True,
        secrets=[{"id": "s", "type": "file", "src": str(tmp_path / "context" / "file")}],
        ssh=[{"id": "default"}],
        allow=["network.host"],
        timeout=60,
    )
    (call,) = node.builds
    expected = {
        "--tag": ["registry.example.com/app:v2"],
        "--build-arg": ["A=1"],
        "--target": ["runtime"],
        "--platform": ["linux/amd64"],
        "--network": ["none"],
        "--add-host": ["db:192.0.2.1"],
        "--build-context": [f"more={tmp_path}/more"],
        "--cache-from": ["type=local,src=/c"],
        "--cache-to": ["type=local,dest=/c"],
        "--secret": [f"id=s,src={tmp_path}/context/file"],
        "--ssh": ["default"],
        "--allow": ["network.host"],
    }
    assert {option: call.values_of(option) for option in expected} == expected
    assert "a=b" in call.values_of("--label")
    assert {"--pull", "--no-cache"} < set(call.argv)
    assert call.timeout == 60
    assert call.environ == {"BUILDKIT_HOST": BUILDKIT}


def test_a_dockerfile_as_text(node: FakeNode, build: Run, context: pathlib.Path) -> None:
    result = build(dockerfile_content="FROM scratch\n").result
    assert result["changed"]
    assert "Dockerfile" in {path.name for path in context.iterdir()}
    assert node.builds[0].value_of("--file") != str(context / "Dockerfile")
    assert not build(dockerfile_content="FROM scratch\n").result["changed"]


@pytest.mark.parametrize("backend", ["nerdctl", "buildctl"])
def test_a_file_that_looks_the_same_in_another_context(
    node: FakeNode, build: Run, tmp_path: pathlib.Path, backend: str
) -> None:
    """BuildKit would give the second image the first one's file."""
    for folder, content in (("one", "AAAA"), ("two", "BBBB")):
        (tmp_path / folder).mkdir()
        for name, text in (("Dockerfile", "FROM scratch\nCOPY f /f\n"), ("f", content)):
            (tmp_path / folder / name).write_text(text)
            os.utime(tmp_path / folder / name, (1767225600, 1767225600))
    build(backend)
    dropped = len(node.runner.commands("buildctl", "prune"))
    build(backend, name="one:v1", path=str(tmp_path / "one"))
    assert len(node.runner.commands("buildctl", "prune")) == dropped
    build(backend, name="two:v1", path=str(tmp_path / "two"))
    assert len(node.runner.commands("buildctl", "prune")) == dropped + 1
    last = [call for call in node.runner.calls if call.has("buildctl", "prune") or call in node.builds][-2:]
    assert "prune" in last[0].argv


def test_the_default_namespace(node: FakeNode, build: Run) -> None:
    assert build().result["namespace"] == "default"
    assert node.containerd.names("default") == [NAME]


def test_a_namespace_of_the_workers_own(node: FakeNode, build: Run) -> None:
    node.worker = "k8s.io"
    result = build(namespace="k8s.io").result
    assert node.builds[0].value_of("--namespace") == "k8s.io"
    assert result["actions"] == [f"build {NAME} in namespace k8s.io (image missing)"]
    assert node.containerd.names("default") == []


def test_in_buildahs_store_alone(node: FakeNode, build: Run) -> None:
    checked = build("buildah", check=True).result
    result = build("buildah").result
    assert checked["changed"]
    assert result["changed"]
    assert result["namespace"] == ""
    assert result["actions"] == checked["actions"] == [f"build {NAME} in buildah's store (image missing)"]
    assert list(node.buildah) == [NAME]
    assert node.runner.commands("ctr") == node.runner.commands("containerd") == []
    assert result["steps"] == [{"name": "STEP 1/1: FROM scratch", "cached": False, "seconds": 0.0, "error": ""}]
    again = build("buildah").result
    assert (again["changed"], again["digest"]) == (False, result["digest"])


def test_rebuild_always_says_changed_only_if_the_image_did(node: FakeNode, build: Run, context: pathlib.Path) -> None:
    build()
    again = build(rebuild="always").result
    assert (again["changed"], again["rebuild_reasons"]) == (False, ["rebuild: always"])
    assert len(node.builds) == 2
    (context / "Dockerfile").write_text("FROM scratch\n")
    assert build(rebuild="always").result["changed"]


def test_rebuild_never(node: FakeNode, build: Run, context: pathlib.Path) -> None:
    assert build(rebuild="never").result["changed"]
    (context / "file").write_text("2")
    assert not build(rebuild="never").result["changed"]
    assert len(node.builds) == 1


def test_check_mode_leaves_nothing_on_the_node(node: FakeNode, build: Run, tmp_path: pathlib.Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    build(namespace="k8s.io", check=True)
    assert sorted(tmp_path.rglob("*")) == before
    assert node.containerd.names("k8s.io") == []


def test_a_failing_step(node: FakeNode, build: Run, context: pathlib.Path) -> None:
    node.runner.on("nerdctl", "build", rc=1, stderr=buildkit_stderr("run_fails"))
    answer = build()
    assert answer.failed
    error = answer.result["error"]
    assert error["kind"] == "tool_failed"
    assert error["message"] == "A RUN instruction ended with exit code 7"
    assert error["subject"].endswith(f"({context}/Dockerfile, line 2)")
    assert "and why" in error["tail"]
    assert all(part in answer.result["msg"] for part in (error["message"], error["subject"], "and why"))
    assert node.containerd.names("default") == []


class Failure(t.NamedTuple):
    """Options, and what the failure says: its kind and words of its message."""

    options: dict[str, t.Any]
    kind: str
    said: tuple[str, ...]


FAILURES = {
    "no such path": Failure({"path": "/no/such"}, "invalid_input", ("does not exist", "path: /no/such", "To do:")),
    "relative path": Failure({"path": "x"}, "invalid_input", ("Not an absolute path", "path: x", "To do:")),
    "reference": Failure({"name": "UPPER:v1"}, "invalid_input", ("lower case", "'library/UPPER'", "Expected:")),
    "an option as name": Failure({"name": "--help"}, "invalid_input", ("must not begin", "'--help'", "Expected:")),
    "tag": Failure({"name": "app", "tag": "a b"}, "invalid_input", ("Not a valid tag", "'a b'", "Expected:")),
    "namespace": Failure({"namespace": "../x"}, "invalid_input", ("Not a valid containerd namespace", "'../x'")),
    "no such namespace": Failure(
        {"namespace": "nowhere"}, "not_found", ("no such namespace: nowhere", "default", "To do")
    ),
    "no Dockerfile": Failure(
        {"dockerfile": "Absent"}, "invalid_input", ("no Dockerfile", "/Absent", "dockerfile_content")
    ),
    "platform": Failure({"platform": ["x/y/z/w"]}, "invalid_input", ("Not a valid platform", "'x/y/z/w'", "Expected:")),
    "no BuildKit": Failure({"buildkit_host": "http://x"}, "invalid_input", ("Not an address of BuildKit", "http://x")),
    "timeout": Failure({"timeout": -1}, "invalid_input", ("Not a time limit", "timeout: -1", "Expected:")),
    "buildah with BuildKit": Failure(
        {"backend": "buildah", "buildkit_host": BUILDKIT},
        "invalid_input",
        ("without BuildKit", "buildkit_host", "To do:"),
    ),
    "a pin in buildah's store": Failure(
        {"backend": "buildah", "pinned": True, "buildkit_host": None},
        "invalid_input",
        ("pinned", "namespace", "To do:"),
    ),
    "what buildah cannot": Failure(
        {"backend": "buildah", "allow": ["network.host"], "buildkit_host": None}, "invalid_input", ("buildah", "allow")
    ),
}


@pytest.mark.parametrize("case", FAILURES)
@pytest.mark.parametrize("check", [False, True])
def test_a_failure_says_what_where_and_what_to_do(node: FakeNode, build: Run, case: str, check: bool) -> None:
    failure = FAILURES[case]
    answer = build(check=check, **failure.options)
    assert answer.failed
    assert answer.status == 1
    assert answer.result["error"]["kind"] == failure.kind
    for words in failure.said:
        assert words in answer.result["msg"]
    assert node.builds == []
    assert node.containerd.names("default") == node.containerd.names("k8s.io") == []


def test_no_socket(build: Run, tmp_path: pathlib.Path) -> None:
    answer = build(address=str(tmp_path / "absent.sock"))
    assert answer.result["error"]["kind"] == "unavailable"
    assert answer.result["error"]["subject"] == str(tmp_path / "absent.sock")
    assert "systemctl start containerd" in answer.result["msg"]


def test_a_tool_that_is_not_installed(node: FakeNode, build: Run) -> None:
    node.runner._absent = ("nerdctl",)
    answer = build(namespace="k8s.io")
    assert (answer.result["error"]["kind"], answer.result["error"]["subject"]) == ("unavailable", "nerdctl")


@pytest.mark.parametrize(
    "options",
    [
        {"dockerfile": "a", "dockerfile_content": "b"},
        {"backend": "docker"},
        {"rebuild": "sometimes"},
        {"network": "bridge"},
        {"secrets": [{"id": "a", "type": "file"}]},
        {"secrets": [{"id": "a", "type": "vault"}]},
        {"unknown": 1},
    ],
)
def test_ansible_itself_refuses_what_the_specification_excludes(
    node: FakeNode, build: Run, options: dict[str, t.Any]
) -> None:
    answer = build(**options)
    assert answer.failed
    assert node.runner.calls == []
