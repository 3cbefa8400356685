# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A `Runner` that starts nothing and connects to nothing: it records what it is asked for and answers by rules.

A call of a daemon's interface is recorded, and answered, like a command: `containerd images.Delete NAME`,
`buildkit Control.ListWorkers`.
"""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils import _grpc as grpc
from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
from ansible_collections.nephoran.container_build.plugins.module_utils._protobuf import Message
from ansible_collections.nephoran.container_build.plugins.module_utils._runner import Completed
from ansible_collections.nephoran.container_build.plugins.module_utils._step_events import STDERR, STDOUT


@dataclasses.dataclass(frozen=True)
class Call:
    """One command that was asked for."""

    argv: tuple[str, ...]
    data: bytes | None = None
    stdin_path: str | None = None
    stdout_path: str | None = None
    environ: t.Mapping[str, str] | None = None
    timeout: int | None = None
    follower: t.Any = dataclasses.field(default=None, compare=False)

    def has(self, *words: str) -> bool:
        """Whether the command is the first of `words` and the others follow in this order, whatever stands between."""
        rest = iter(self.argv)
        return self.argv[:1] == words[:1] and all(word in rest for word in words)

    def value_of(self, option: str) -> str:
        """The word after `option`."""
        return self.argv[self.argv.index(option) + 1]

    def values_of(self, option: str) -> list[str]:
        """The words after each `option`."""
        return [value for word, value in zip(self.argv, self.argv[1:]) if word == option]


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command does. A call of containerd's interface that fails has its status code as `rc`."""

    stdout: bytes | str = b""
    stderr: str = ""
    rc: int = 0
    messages: t.Sequence[bytes] = (b"",)


Rule = t.Union[Answer, t.Callable[[Call], Answer]]


class FakeRunner:
    """Answers by the rule that was given last of those that fit; a command without a rule fails the test."""

    def __init__(self, absent: t.Collection[str] = ()) -> None:
        self.calls: list[Call] = []
        self._rules: list[tuple[tuple[str, ...], Rule]] = []
        self._absent = absent

    def on(self, *words: str, do: Rule | None = None, stdout: bytes | str = b"", stderr: str = "", rc: int = 0) -> None:
        """Answer commands that have `words` in this order."""
        self._rules.append((words, Answer(stdout, stderr, rc) if do is None else do))

    def find(self, command: str) -> str:
        if command in self._absent:
            raise Unavailable("The command is not installed on this node", subject=command)
        return f"/usr/local/bin/{command}"

    def dial(self, address: str, timeout: int | None) -> grpc.Channel:
        return FakeChannel(self, address, timeout)

    def answer(self, call: Call) -> Answer:
        """Record *call* and answer it by its rule."""
        self.calls.append(call)
        for words, rule in reversed(self._rules):
            if call.has(*words):
                return rule if isinstance(rule, Answer) else rule(call)
        raise AssertionError(f"no rule for {' '.join(call.argv)}")

    def run(self, argv: t.Sequence[str], **options: t.Any) -> Completed:
        self.find(argv[0])
        call = Call(tuple(argv), **options)
        answer = self.answer(call)
        stdout = answer.stdout.encode() if isinstance(answer.stdout, str) else answer.stdout
        if call.follower is not None:
            with call.follower:
                call.follower.started(lambda: None)
                call.follower.heard(STDOUT, stdout)
                call.follower.heard(STDERR, answer.stderr.encode())
        if call.stdout_path is not None:
            pathlib.Path(call.stdout_path).write_bytes(stdout)
            stdout = b""
        return Completed(call.argv, answer.rc, stdout, answer.stderr)

    def commands(self, *words: str) -> list[Call]:
        """The commands so far that have `words` in this order."""
        return [call for call in self.calls if call.has(*words)]

    @property
    def argv(self) -> list[str]:
        """The words of the only command so far."""
        (call,) = self.calls
        return list(call.argv)


class FakeChannel:
    """Hands calls of containerd's interface, and of BuildKit's, to a `FakeRunner`."""

    def __init__(self, runner: FakeRunner, address: str, timeout: int | None) -> None:
        self._runner = runner
        self._address = address
        self._timeout = timeout

    def call(self, method: str, request: bytes, metadata: t.Mapping[str, str]) -> list[bytes]:
        if method.startswith("/moby.buildkit."):
            name = method.rpartition("v1.")[2].replace("/", ".")
            return self._answered(Call(("buildkit", "--address", self._address, name), timeout=self._timeout))
        name = ".".join((method.split(".")[2], method.rpartition("/")[2]))
        words = ["containerd", "--address", self._address]
        for key in ("namespace", "lease"):
            if f"containerd-{key}" in metadata:
                words += [f"--{key}", metadata[f"containerd-{key}"]]
        argv = (*words, name, *subjects(name, Message(request)))
        return self._answered(Call(argv, data=request, timeout=self._timeout))

    def _answered(self, call: Call) -> list[bytes]:
        answer = self._runner.answer(call)
        if answer.rc:
            raise grpc.GrpcError(answer.rc, answer.stderr)
        return list(answer.messages)


def subjects(method: str, request: Message) -> list[str]:
    """What a call of containerd's interface is about: a name, a digest, filters."""
    if method in ("images.List", "containers.List"):
        return request.texts(1)
    if method in ("images.Create", "images.Update", "content.Update"):
        return [request.message(1).text(1)]
    return [request.text({"content.Write": 4, "snapshots.Stat": 2}.get(method, 1))]
