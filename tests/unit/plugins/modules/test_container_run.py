# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module container_run from its options to its result."""

from __future__ import annotations

import json
import os
import pathlib
import re
import typing as t

import pytest
from ansible_collections.nephoran.container_build.plugins.module_utils._container_run import run_words
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.modules import container_run
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_node import FakeNode
from ansible_collections.nephoran.container_build.tests.unit.plugins.fake_runner import Answer
from hypothesis import given, settings
from hypothesis import strategies as st

NAME = "docker.io/library/app:v1"
Run = t.Callable[..., t.Any]


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> FakeNode:
    node = FakeNode(monkeypatch, tmp_path)
    monkeypatch.setattr(container_run, "ModuleRunner", lambda _module: node.runner)
    node.runner.on("nerdctl", "run", do=Answer("out\n", "err\n"))
    return node


@pytest.fixture
def start(run_module: Run) -> Run:
    def start(*, check: bool = False, **options: t.Any) -> t.Any:
        return run_module(container_run.main, {"image": "app:v1", **options}, check=check)

    return start


def test_it_runs_and_tells(node: FakeNode, start: Run) -> None:
    result = start(command=["echo", "hello"], namespace="k8s.io", network="none", pull="never").result
    assert (result["changed"], result["rc"], result["stdout"], result["stderr"]) == (True, 0, "out\n", "err\n")
    assert result["actions"] == [f"run {NAME} (echo hello)"]
    assert result["command"][-3:] == [NAME, "echo", "hello"]
    (call,) = node.runner.commands("nerdctl", "run")
    assert call.value_of("--namespace") == "k8s.io"
    assert call.value_of("--network") == "none"
    assert "--pull=never" in call.argv


def test_in_check_mode_it_only_tells(node: FakeNode, start: Run) -> None:
    result = start(command=["x"], check=True).result
    assert (result["changed"], result["actions"]) == (True, [f"run {NAME} (x)"])
    assert "rc" not in result
    assert node.runner.commands("nerdctl", "run") == []


def test_a_container_that_fails_fails_the_task(node: FakeNode, start: Run) -> None:
    node.runner.on("nerdctl", "run", do=Answer("out", "the reason\n", 3))
    answer = start()
    assert answer.failed
    assert (answer.result["rc"], answer.result["stdout"], answer.result["stderr"]) == (3, "out", "the reason\n")
    assert "exit status 3" in answer.result["msg"]
    assert "the reason" in answer.result["msg"]


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(
    ("option", "there", "runs"),
    [("creates", True, False), ("creates", False, True), ("removes", True, True), ("removes", False, False)],
)
def test_it_does_not_run_once_its_work_is_done(
    node: FakeNode, start: Run, tmp_path: pathlib.Path, option: str, there: bool, runs: bool, check: bool
) -> None:
    path = tmp_path / "result"
    if there:
        path.touch()
    result = start(check=check, **{option: str(path)}).result
    assert result["changed"] is runs
    assert bool(node.runner.calls) is runs or check
    if not runs:
        assert str(path) in result["msg"]
        assert result["actions"] == []


def test_variables_are_secret(node: FakeNode, start: Run) -> None:
    token = "unit-t0ken-4711"
    answer = start(env={"TOKEN": token, "NUMBER": 1, "YES": True})
    assert not any(token in word for call in node.runner.calls for word in call.argv)
    del answer.result["invocation"]
    assert token not in json.dumps(answer.result)


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"image": "a b"}, "invalid_input", "'a b'"),
        ({"image": "--privileged"}, "invalid_input", "'--privileged'"),
        ({"namespace": "-x"}, "invalid_input", "'-x'"),
        ({"namespace": "nowhere"}, "not_found", "no such namespace: nowhere"),
        ({"network": "--privileged"}, "invalid_input", "network: '--privileged'"),
        ({"user": "-x"}, "invalid_input", "user: '-x'"),
        ({"working_dir": "-x"}, "invalid_input", "working_dir: '-x'"),
        ({"volumes": ["/a"]}, "invalid_input", "volumes: '/a'"),
        ({"volumes": ["--privileged:x"]}, "invalid_input", "volumes: '--privileged:x'"),
        ({"env": {"A": ["x"]}}, "invalid_input", "env: A"),
        ({"env": {"A": None}}, "invalid_input", "env: A"),
        ({"env": {"A B": "x"}}, "invalid_input", "env: 'A B'"),
        ({"env": {"A": "x\ny"}}, "invalid_input", "env: 'A'"),
        ({"command": ["a\0b"]}, "invalid_input", "command"),
        ({"entrypoint": "a\0b"}, "invalid_input", "entrypoint"),
        ({"timeout": 0}, "invalid_input", "timeout: 0"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(
    node: FakeNode, start: Run, options: dict[str, t.Any], kind: str, said: str
) -> None:
    answer = start(**options)
    assert answer.failed
    assert answer.result["error"]["kind"] == kind
    assert said in answer.result["msg"]
    assert node.runner.commands("nerdctl", "run") == []


def test_an_image_that_is_not_there(node: FakeNode, start: Run) -> None:
    said = 'time="2026-11-24T11:46:47Z" level=fatal msg="image not available: \\"docker.io/library/app:v1\\""'
    node.runner.on("nerdctl", "run", do=Answer("", said, 1))
    answer = start(pull="never")
    assert answer.result["error"]["kind"] == "not_found"
    assert f"{NAME} in default" in answer.result["msg"]
    assert "import" in answer.result["msg"]


def test_no_socket(start: Run, tmp_path: pathlib.Path) -> None:
    answer = start(address=str(tmp_path / "absent.sock"))
    assert answer.result["error"]["kind"] == "unavailable"
    assert answer.result["error"]["subject"] == str(tmp_path / "absent.sock")


def test_all_keys_are_documented(node: FakeNode, start: Run) -> None:
    documented = set(re.findall(r"^(\w+):", container_run.RETURN, re.MULTILINE)) - {"error"}
    assert set(start().result) - {"invocation"} == documented | {"changed"}


DEFAULTS: dict[str, t.Any] = {
    "image": "app:v1",
    "namespace": "default",
    "command": [],
    "entrypoint": None,
    "network": None,
    "pull": "missing",
    "env": {},
    "volumes": [],
    "user": None,
    "working_dir": None,
}
hostile = st.text(max_size=10) | st.sampled_from(
    ["--privileged", "-v", "--volume=/:/host", "", "\0", "\n", "a:b\0", "-a:/b", "$(x)", "\ud800", "{{ x }}", "a b:c"]
)
OPTIONS: dict[str, st.SearchStrategy[t.Any]] = {
    **dict.fromkeys(("image", "namespace", "network", "user", "working_dir", "entrypoint"), hostile),
    **dict.fromkeys(("command", "volumes"), st.lists(hostile, max_size=3)),
    "env": st.dictionaries(hostile, hostile, max_size=2),
}
TAKES_A_VALUE = {"--name", "--network", "--volume", "--user", "--workdir", "--entrypoint"}


@pytest.mark.parametrize("option", OPTIONS)
@settings(max_examples=60)
@given(data=st.data())
def test_hostile_values_are_refused_or_harmless(option: str, data: st.DataObject) -> None:
    try:
        request = container_run.read_request({**DEFAULTS, option: data.draw(OPTIONS[option])})
    except InvalidInput as error:
        assert str(error).isprintable()  # noqa: PT017 - either is fine
        return
    words = run_words(request, "name", None)
    image = words.index(NAME) if option != "image" else len(words) - 1
    for before, word in zip(words, words[1 : image + 1]):
        assert before in TAKES_A_VALUE or not word.startswith("-") or word in {"--rm", "--pull=missing"} | TAKES_A_VALUE
    for word in words:
        assert "\0" not in word
        os.fsencode(word)
