# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images that a Dockerfile builds on, as far as its FROM instructions name them.

Source: ``frontend/dockerfile/parser`` for lines, directives and here-documents, ``frontend/dockerfile/shell/lex.go``
for variables, and ``dockerfile2llb/convert.go`` for the arguments that are there without being declared, all of
BuildKit v0.26.3.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput
from ansible_collections.nephoran.container_build.plugins.module_utils._platform import Platform
from ansible_collections.nephoran.container_build.plugins.module_utils._reference import Reference

_SCRATCH = "scratch"
_ESCAPE_DIRECTIVE = re.compile(r"^#\s*escape\s*=\s*(?P<escape>[\\`])\s*$", re.IGNORECASE)
_DIRECTIVE = re.compile(r"^#\s*[a-zA-Z][a-zA-Z0-9]*\s*=\s*\S")
_HEREDOC = re.compile(r"<<-?\s*(?P<quote>['\"]?)(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)(?P=quote)")
_TAKES_HEREDOCS = ("RUN", "COPY", "ADD")
_VARIABLE = re.compile(
    r"\$(?:(?P<plain>[a-zA-Z_][a-zA-Z0-9_]*)|"
    r"\{(?P<name>[a-zA-Z_][a-zA-Z0-9_]*)(?:(?P<operator>:?[-+?])(?P<word>[^{}]*))?\})"
)
_FROM = re.compile(r"^(?:--platform=(?P<platform>\S+)\s+)?(?P<name>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*$", re.IGNORECASE)


@dataclasses.dataclass(frozen=True)
class Base:
    """An image that a stage begins with.

    Attributes:
        reference: the image.
        platform: for which it is taken.
    """

    reference: Reference
    platform: Platform


def bases_of(
    dockerfile: str,
    args: t.Mapping[str, str],
    platforms: t.Sequence[Platform],
    contexts: t.Mapping[str, str],
    host: Platform,
) -> tuple[Base, ...]:
    """Return the images that the FROM instructions of *dockerfile* name, each once, in their order.

    Args:
        dockerfile: its text.
        args: values of build arguments.
        platforms: what is built for; *host* if empty.
        contexts: named contexts, which take the place of images of the same name.
        host: the builder's own platform.

    Raises:
        InvalidInput: a FROM instruction is none, or names no image.
    """
    found: dict[Base, None] = {}
    for platform in tuple(platforms) or (host,):
        for base in _bases_for(dockerfile, args, platform, contexts, host):
            found.setdefault(base)
    return tuple(found)


def _bases_for(
    dockerfile: str, args: t.Mapping[str, str], target: Platform, contexts: t.Mapping[str, str], host: Platform
) -> t.Iterator[Base]:
    known = {**_platform_args("BUILD", host), **_platform_args("TARGET", target)}
    known.update({name: value for name, value in args.items() if name in known})
    stages: set[str] = set()
    for keyword, rest in _instructions(dockerfile):
        # Only arguments before the first FROM hold for FROM instructions.
        if keyword == "ARG" and not stages:
            for word in _words(rest):
                name, equals, default = word.partition("=")
                value = args.get(name, _expanded(default, known) if equals else None)
                if value is not None:
                    known[name] = value
        if keyword != "FROM":
            continue
        parsed = _FROM.match(rest)
        if parsed is None:
            raise _no_from(rest)
        name = _expanded(parsed["name"], known)
        if name.lower() not in stages and name != _SCRATCH:
            platform = Platform.parse(_expanded(parsed["platform"], known)) if parsed["platform"] else target
            yield from _image(name, contexts, platform)
        # A stage without a name counts too: what follows stands inside it.
        stages.add((parsed["stage"] or f"({len(stages)})").lower())


def _image(name: str, contexts: t.Mapping[str, str], platform: Platform) -> t.Iterator[Base]:
    if not name:
        raise _no_from(name)
    source = contexts.get(name, f"docker-image://{name}")
    # Any other context is no image, and what it holds counts as a context.
    if source.startswith("docker-image://"):
        yield Base(Reference.parse(source[len("docker-image://") :]), platform)


def _platform_args(prefix: str, platform: Platform) -> dict[str, str]:
    return {
        f"{prefix}PLATFORM": str(platform),
        f"{prefix}OS": platform.os,
        f"{prefix}ARCH": platform.architecture,
        f"{prefix}VARIANT": platform.variant,
    }


def _instructions(dockerfile: str) -> t.Iterator[tuple[str, str]]:
    """Yield each instruction's keyword in upper case, and what follows it on its line and those that continue it."""
    lines = dockerfile.lstrip("\ufeff").splitlines()
    escape = _escape_of(lines)
    pending = ""
    waiting: list[tuple[str, bool]] = []
    for line in lines:
        if waiting:
            name, tabs = waiting[0]
            if (line.lstrip("\t") if tabs else line) == name:
                waiting.pop(0)
            continue
        stripped = line.strip()
        if stripped.startswith("#") or (not stripped and pending):
            continue
        if stripped.endswith(escape):
            pending += stripped[:-1]
            continue
        keyword, rest = _split(pending + stripped)
        pending = ""
        if keyword in _TAKES_HEREDOCS:
            waiting = [(found["name"], found[0].startswith("<<-")) for found in _HEREDOC.finditer(rest)]
        if keyword:
            yield keyword, rest
    if pending.strip():
        yield _split(pending)


def _split(instruction: str) -> tuple[str, str]:
    keyword, rest = [*instruction.split(None, 1), "", ""][:2]
    return keyword.upper(), rest.strip()


def _escape_of(lines: t.Sequence[str]) -> str:
    for line in lines:
        if not _DIRECTIVE.match(line.strip()):
            break
        found = _ESCAPE_DIRECTIVE.match(line.strip())
        if found:
            return found["escape"]
    return "\\"


def _words(text: str) -> list[str]:
    """Split *text* at white space outside quotes, and take the quotes away."""
    words = re.findall(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""", text)
    return [re.sub(r"""["']""", "", word) for word in words]


def _expanded(text: str, known: t.Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name, operator = found["plain"] or found["name"], found["operator"] or ""
        held, word = known.get(name), found["word"] or ""
        there = held is not None and (held != "" or not operator.startswith(":"))
        if operator.endswith("-"):
            return held if there and held is not None else _expanded(word, known)
        if operator.endswith("+"):
            return _expanded(word, known) if there else ""
        return held or ""

    expanded = _VARIABLE.sub(value, re.sub(r"""["']""", "", text))
    if "${" in expanded:
        raise InvalidInput(
            "What a FROM instruction makes of a variable is not known here, so its base cannot be checked",
            subject=text,
            expected="$NAME, ${NAME}, or ${NAME} with one of :- - :+ +",
            remedy="write it more plainly, or set base_digest to ignore",
        )
    return expanded


def _no_from(rest: str) -> InvalidInput:
    return InvalidInput(
        "A FROM instruction names no image, so its base cannot be checked",
        subject=f"FROM {ascii(rest)[1:-1][:120]}",
        expected="FROM [--platform=PLATFORM] IMAGE [AS NAME]",
        remedy="give the build arguments that it wants in args, or set base_digest to ignore",
    )
