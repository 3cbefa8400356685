# Copyright (c) 2026, Nephoran contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TOML 1.0, written from plain data; and what a TOML text says once its comments are gone.

Source: https://toml.io/en/v1.0.0. Python's own ``tomllib`` only reads, and only from 3.11 on.
"""

from __future__ import annotations

import datetime as dt
import math
import re
import typing as t
from collections.abc import Mapping

from ansible_collections.nephoran.container_build.plugins.module_utils._errors import InvalidInput

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1

_Path = tuple[t.Union[str, int], ...]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_NEEDS_ESCAPE = re.compile(r'[\x00-\x1f\x7f"\\]')
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_SHORT_ESCAPES = {
    "\b": r"\b",
    "\t": r"\t",
    "\n": r"\n",
    "\f": r"\f",
    "\r": r"\r",
    '"': r"\"",
    "\\": r"\\",
}
# The strings of TOML's grammar before its comments: a number sign inside a string begins none.
_STRING_OR_COMMENT = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}(?!")'
    r"|'''.*?'{3,5}(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
    r"|(?P<comment>#[^\n]*)",
    re.DOTALL,
)


def dumps(data: t.Mapping[str, t.Any], *, omit_null: bool = False, sort_keys: bool = True) -> str:
    """Return *data* as a TOML document.

    The same data gives the same text, whatever order its keys came in: every table is sorted, its plain values stand
    before the tables inside it. A mapping becomes a table, a list of nothing but mappings an array of tables; mappings
    in any other list become inline tables.

    To TOML the order of keys means nothing, but containerd asks the hosts of a ``hosts.toml`` in the order in which
    their tables stand.

    Args:
        data: mappings with string keys, lists, tuples, strings, booleans, integers, floats, dates and times.
        omit_null: leave out keys whose value is ``None``, which TOML cannot express, instead of refusing them.
        sort_keys: sort every table; otherwise its keys stand in the order in which they came.

    Raises:
        InvalidInput: a value or key has no counterpart in TOML; the message names where it stands.
    """
    if not isinstance(data, Mapping):
        raise InvalidInput("Only a mapping makes a TOML document", subject=f"a value of type {_type_name(data)}")
    return _Writer(omit_null, sort_keys).document(data)


def without_comments(text: str) -> str:
    """Return *text*, a TOML document, without comments, blank lines, and space at the ends of lines.

    Two documents for which this is equal mean the same; the reverse does not hold. Line ends inside multi-line strings
    are left alone.
    """
    lines: list[str] = []
    pieces: list[str] = []

    def end_of_line() -> None:
        line = "".join(pieces).strip(" \t\r")
        pieces.clear()
        if line:
            lines.append(line)

    position = 0
    for match in _STRING_OR_COMMENT.finditer(text):
        head, *rest = text[position : match.start()].split("\n")
        pieces.append(head)
        for between in rest:
            end_of_line()
            pieces.append(between)
        if match.group("comment") is None:
            pieces.append(match.group())
        position = match.end()
    for index, between in enumerate(text[position:].split("\n")):
        if index:
            end_of_line()
        pieces.append(between)
    end_of_line()
    return "".join(f"{line}\n" for line in lines)


class _Writer:
    """Collects the blocks of one document: each a table's header and plain values."""

    def __init__(self, omit_null: bool, sort_keys: bool) -> None:
        self._omit_null = omit_null
        self._sort_keys = sort_keys
        self._blocks: list[list[str]] = []

    def document(self, data: t.Mapping[str, t.Any]) -> str:
        self._add_table(data, (), header=None)
        return "\n".join("".join(f"{line}\n" for line in block) for block in self._blocks)

    def _add_table(self, table: t.Mapping[str, t.Any], path: _Path, header: str | None) -> None:
        entries = self._entries(table, path)
        plain = [(key, value) for key, value in entries if not _has_headers(value)]
        nested = [(key, value) for key, value in entries if _has_headers(value)]
        block = [f"{_key(key)} = {self._value(value, (*path, key))}" for key, value in plain]
        # Headers of inner tables define an outer table that holds nothing else; an array's element they do not.
        if header is not None and (block or not nested or header.startswith("[[")):
            block.insert(0, header)
        if block:
            self._blocks.append(block)
        for key, value in nested:
            self._add_nested(value, (*path, key))

    def _add_nested(self, value: t.Any, path: _Path) -> None:
        name = ".".join(_key(part) for part in path if isinstance(part, str))
        if isinstance(value, Mapping):
            self._add_table(value, path, header=f"[{name}]")
            return
        for index, element in enumerate(value):
            self._add_table(element, (*path, index), header=f"[[{name}]]")

    def _entries(self, table: t.Mapping[str, t.Any], path: _Path) -> list[tuple[str, t.Any]]:
        for key in table:
            if not isinstance(key, str):
                raise InvalidInput(
                    "A key of a TOML table must be a string",
                    subject=f"{key!r} in {_where(path)}",
                    remedy="put the key in quotes",
                )
        entries = [(key, value) for key, value in table.items() if not (value is None and self._omit_null)]
        return sorted(entries, key=lambda entry: entry[0]) if self._sort_keys else entries

    def _value(self, value: t.Any, path: _Path) -> str:
        if isinstance(value, Mapping):
            pairs = [f"{_key(key)} = {self._value(item, (*path, key))}" for key, item in self._entries(value, path)]
            return "{ " + ", ".join(pairs) + " }" if pairs else "{}"
        if isinstance(value, (list, tuple)):
            return "[" + ", ".join(self._value(item, (*path, index)) for index, item in enumerate(value)) + "]"
        return _scalar(value, path)


def _has_headers(value: t.Any) -> bool:
    if isinstance(value, (list, tuple)):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(value, Mapping)


def _scalar(value: t.Any, path: _Path) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer(value, path)
    if isinstance(value, float):
        return _float(value)
    # ansible-core before 2.19 hands vaulted strings to filters as objects that decrypt on str().
    if isinstance(value, str) or getattr(value, "__ENCRYPTED__", False):
        return _string(str(value), path)
    if isinstance(value, (dt.date, dt.time)):
        return _moment(value, path)
    if value is None:
        raise InvalidInput(
            "TOML has no null",
            subject=_where(path),
            remedy="leave the key out, or give it a value",
        )
    raise InvalidInput(f"TOML has no type for a value of type {_type_name(value)}", subject=_where(path))


def _integer(value: int, path: _Path) -> str:
    if not INTEGER_MIN <= value <= INTEGER_MAX:
        raise InvalidInput("The integer does not fit 64 bits", subject=f"{_where(path)} = {value}")
    return format(value, "d")


def _float(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    return float.__repr__(value)


def _string(value: str, path: _Path) -> str:
    if _SURROGATE.search(value):
        raise InvalidInput(
            "The string is not valid Unicode, so it cannot be written as UTF-8",
            subject=_where(path),
            expected="text without lone surrogates",
        )
    return '"' + _NEEDS_ESCAPE.sub(_escape, value) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    return _SHORT_ESCAPES.get(character) or f"\\u{ord(character):04X}"


def _moment(value: dt.date | dt.time, path: _Path) -> str:
    offset = value.utcoffset() if isinstance(value, (dt.datetime, dt.time)) else None
    if offset is not None and (isinstance(value, dt.time) or offset % dt.timedelta(minutes=1)):
        raise InvalidInput(
            "TOML has no such offset",
            subject=f"{_where(path)} = {value.isoformat()}",
            expected="a date and a time with an offset of whole minutes, or a time without one",
        )
    return value.isoformat()


def _key(key: str) -> str:
    return str(key) if _BARE_KEY.fullmatch(key) else _string(key, (key,))


def _where(path: _Path) -> str:
    if not path:
        return "the document itself"
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            shown = part if _BARE_KEY.fullmatch(part) else repr(part)
            text += f".{shown}" if text else shown
    return text


def _type_name(value: t.Any) -> str:
    return type(value).__name__
