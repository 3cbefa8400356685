# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A `Runner` that starts nothing: it records what it is asked for and answers by rules."""

from __future__ import annotations

import dataclasses
import pathlib
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import Unavailable
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
    """What a command does."""

    stdout: bytes | str = b""
    stderr: str = ""
    rc: int = 0


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

    def run(self, argv: t.Sequence[str], **options: t.Any) -> Completed:
        self.find(argv[0])
        call = Call(tuple(argv), **options)
        self.calls.append(call)
        for words, rule in reversed(self._rules):
            if call.has(*words):
                answer = rule if isinstance(rule, Answer) else rule(call)
                break
        else:
            raise AssertionError(f"no rule for {' '.join(argv)}")
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
